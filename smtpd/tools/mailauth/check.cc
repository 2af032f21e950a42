// mailauth check - SPF, DKIM and DMARC of a domain as the world sees them.
#include "smtpd/tools/mailauth/check.h"

#include <fmt/format.h>

#include "lib/dkim/crypto.h"
#include "lib/dkim/key_record.h"
#include "lib/dmarc/discovery.h"
#include "lib/dns/name.h"
#include "lib/spf/record.h"
#include "lib/spf/spf.h"
#include "lib/text/text.h"
#include "smtpd/tools/mailauth/envelope.h"

namespace mailauth {
namespace {

// What senders call their selectors when nobody says otherwise.
constexpr const char* kUsualSelectors[] = {"default", "mail", "dkim", "selector1", "selector2", "s1", "s2", "k1", "google"};
constexpr unsigned kGoodKeyBits = 2048;

}  // namespace

void DomainCheck::Finding::add(State worse, std::string remark) {
    state = std::max(state, worse);
    remarks.push_back(std::move(remark));
}

bool DomainCheck::Finding::take_trouble(dns::Status status, const std::string& question, const std::string& reason) {
    if (status != dns::Status::temporary_failure && status != dns::Status::bogus)
        return false;
    add(State::temperror,
        fmt::format("{}: {}{}", question, status == dns::Status::bogus ? "DNSSEC refuses the answer: " : "", reason));
    return true;
}

void DomainCheck::add(const Finding& finding) {
    static constexpr const char* kStates[] = {"ok", "weak", "missing", "wrong", "temperror"};
    auto& printed = call_.report.add(finding.method, kStates[static_cast<std::size_t>(finding.state)]);
    for (const std::string& remark : finding.remarks)
        printed.detail("remark", remark);
}

void DomainCheck::publish(const std::string& name, std::string_view content) {
    records_.push_back(fmt::format("{}. IN TXT \"{}\"", name, content));
}

event::Task<void> DomainCheck::run(std::vector<std::string> selectors) {
    bool given = !selectors.empty();
    if (!given)
        selectors.assign(std::begin(kUsualSelectors), std::end(kUsualSelectors));
    co_await check_mx();
    co_await check_ptr();
    co_await check_spf();
    co_await check_dkim(std::move(selectors), given);
    co_await check_dmarc();
    co_await check_mta_sts();
    co_await check_tls_reports();
    co_await check_tlsa();
    for (const std::string& record : records_)
        call_.report.text("publish: " + record);
}

event::Task<std::vector<std::string>> DomainCheck::find_texts(
    std::string name, std::string_view beginning, Finding& finding) {
    std::vector<std::string> found;
    dns::Answer<std::string> answer = co_await resolver_.txt(name);
    if (finding.take_trouble(answer.status, name, answer.reason))
        co_return found;
    for (std::string& text : answer.records)
        if (text::starts_with_ignoring_case(text, beginning))
            found.push_back(std::move(text));
    co_return found;
}

event::Task<void> DomainCheck::check_spf() {
    Finding finding("spf");
    std::vector<std::string> records = co_await find_texts(domain_, "v=spf1", finding);
    std::erase_if(records, [](const std::string& text) { return !spf::is_spf_record(text); });
    std::string wanted = takes_no_mail_ ? "v=spf1 -all" : "v=spf1 mx -all";
    if (records.empty() && finding.state != State::temperror) {
        finding.add(State::missing, fmt::format("{} has no SPF record: anybody may use it in MAIL FROM", domain_));
        publish(domain_, wanted);
    } else if (records.size() > 1) {
        finding.add(State::wrong, fmt::format("{} has {} SPF records, which is a permerror (RFC 7208, 4.5); one has to go",
                                      domain_, records.size()));
    } else if (!records.empty()) {
        finding.remarks.push_back(records[0]);
        spf::Query query;
        query.helo = query.sender = "postmaster@" + domain_;
        query.helo = domain_;
        query.now = call_.now;
        spf::Limits limits;
        // An address that belongs to nobody: what strangers get.
        query.client = dict::parse_ip("203.0.113.254").value();
        spf::Verdict stranger = co_await spf::check(resolver_, query, spf::Identity::mail_from, limits);
        if (stranger.result == spf::Result::permerror) {
            finding.add(State::wrong, stranger.reason);
        } else if (stranger.result == spf::Result::temperror) {
            finding.add(State::temperror, stranger.reason);
        } else if (stranger.result == spf::Result::pass) {
            finding.add(State::wrong, fmt::format("it lets everybody send (\"{}\")", stranger.mechanism));
            publish(domain_, wanted);
        } else if (stranger.result == spf::Result::neutral) {
            finding.add(State::weak, "it says nothing about strangers; end it with -all or ~all");
        }
        for (const Host& host : hosts_) {
            for (const dict::IpAddress& address : host.addresses) {
                query.client = address;
                spf::Verdict own = co_await spf::check(resolver_, query, spf::Identity::mail_from, limits);
                if (own.result == spf::Result::fail || own.result == spf::Result::softfail)
                    finding.add(State::weak, fmt::format("mail from {} ({}), its own mail exchanger, would get {}",
                                                 host.name, dns::address_text(address), spf::result_name(own.result)));
            }
        }
    }
    add(finding);
}

event::Task<void> DomainCheck::check_dkim(std::vector<std::string> selectors, bool given) {
    Finding finding("dkim");
    int found = 0;
    for (const std::string& selector : selectors) {
        std::string name = selector + "._domainkey." + domain_;
        dns::Answer<std::string> answer = co_await resolver_.txt(name);
        if (finding.take_trouble(answer.status, name, answer.reason))
            continue;
        if (answer.status != dns::Status::found) {
            if (given)
                finding.add(
                    State::missing, fmt::format("{} has no key record; mailauth keygen --domain {} --selector {} makes one",
                                        name, domain_, selector));
            continue;
        }
        ++found;
        if (answer.records.size() > 1)
            finding.add(
                State::wrong, fmt::format("{} has {} records; verifiers may take any of them", name, answer.records.size()));
        auto record = dkim::parse_key_record(answer.records[0]);
        dkim::KeyCache cache;
        auto key = record ? cache.load(*record) : std::unexpected(record.error());
        if (!key) {
            finding.add(State::wrong, fmt::format("{}: {}", name, key.error()));
            continue;
        }
        bool rsa = record->type == dkim::KeyType::rsa;
        finding.remarks.push_back(fmt::format("{}: {}", name, rsa ? fmt::format("RSA, {} bits", key->bits()) : "Ed25519"));
        if (rsa && key->bits() < kGoodKeyBits)
            finding.add(key->bits() < 1024 ? State::wrong : State::weak,
                fmt::format("{}: {} bits are {}", name, key->bits(),
                    key->bits() < 1024 ? "refused (RFC 8301, 3.2)" : "few; 2048 are usual"));
        if (record->testing)
            finding.add(State::weak, fmt::format("{}: t=y says that its signatures do not count yet", name));
    }
    if (found == 0 && !given)
        finding.add(State::missing, fmt::format("no key under the usual selectors; name yours with --selector, or make one: "
                                                "mailauth keygen --domain {} --selector {}",
                                        domain_, "mail"));
    add(finding);
}

event::Task<void> DomainCheck::check_dmarc() {
    Finding finding("dmarc");
    dmarc::PublicSuffixes suffixes;
    dmarc::Discovery discovery(resolver_, suffixes, dmarc::Method::public_suffix_list);
    std::string name = "_dmarc." + domain_;
    std::vector<std::string> own = co_await find_texts(name, "v=DMARC1", finding);
    dmarc::Discovered found = co_await discovery.find_policy(domain_);
    std::string wanted = fmt::format("v=DMARC1; p=quarantine; rua=mailto:postmaster@{}", domain_);
    if (own.size() > 1) {
        finding.add(
            State::wrong, fmt::format("{} has {} DMARC records, so that none counts (RFC 7489, 6.6.3)", name, own.size()));
    } else if (!found.trouble.empty()) {
        finding.add(State::temperror, found.trouble);
    } else if (!found.record) {
        finding.add(own.empty() ? State::missing : State::wrong,
            own.empty() ? fmt::format("{} has no DMARC record: anybody may use the domain in From", name)
                        : fmt::format("{}: \"{}\" cannot be read as a DMARC record", name, own[0]));
        publish(name, wanted);
    } else {
        dmarc::Policy policy = found.record->policy;
        if (found.domain != domain_ && found.record->subdomains)
            policy = *found.record->subdomains;
        finding.remarks.push_back(fmt::format("the record of {} asks for {}", found.domain, dmarc::policy_name(policy)));
        if (policy == dmarc::Policy::none)
            finding.add(State::weak, "p=none only watches: forged mail is delivered");
        if (found.record->aggregate.empty())
            finding.add(State::weak, "without rua= nobody tells the domain who sends in its name");
        if (finding.state == State::weak)
            publish("_dmarc." + found.domain, wanted);
        if (found.record->percent < 100)
            finding.add(State::weak, fmt::format("pct={} lets the rest through", found.record->percent));
    }
    add(finding);
}

event::Task<int> run_check(Invocation& call) {
    std::string domain = text::lower(call.arguments[0]);
    if (domain.ends_with('.'))
        domain.pop_back();
    if (!dns::can_be_asked(domain))
        throw UsageError(fmt::format("\"{}\" is no domain name", call.arguments[0]));
    DomainCheck check(call, domain);
    co_await check.run(call.all("selector"));
    co_return 0;
}

}  // namespace mailauth
