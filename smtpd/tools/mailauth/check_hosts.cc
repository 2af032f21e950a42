// mailauth check - the domain's mail exchangers: addresses, names, TLS.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "lib/dns/name.h"
#include "lib/text/text.h"
#include "smtpd/tools/mailauth/check.h"

namespace mailauth {

event::Task<void> DomainCheck::check_mx() {
    Finding finding("mx");
    dns::Answer<dns::MailExchanger> answer = co_await resolver_.mx(domain_);
    if (finding.take_trouble(answer.status, domain_, answer.reason)) {
        add(finding);
        co_return;
    }
    if (answer.status != dns::Status::found) {
        finding.add(answer.name_exists ? State::missing : State::wrong,
            answer.name_exists ? fmt::format("{} has no MX record: its own address stands in (RFC 5321, 5.1)", domain_)
                               : fmt::format("{} does not exist", domain_));
        if (answer.name_exists) {
            records_.push_back(fmt::format("{}. IN MX 10 {}.", domain_, domain_));
            co_await check_host(finding, domain_);
        }
    }
    if (answer.records.size() == 1 && answer.records[0].host.empty()) {
        takes_no_mail_ = true;
        finding.remarks.push_back(fmt::format("{} takes no mail (RFC 7505)", domain_));
        answer.records.clear();
    }
    for (const dns::MailExchanger& one : answer.records) {
        if (one.host.empty())
            finding.add(State::wrong, "the null MX stands beside others (RFC 7505, 3)");
        else if (dict::parse_ip(one.host))
            finding.add(State::wrong, fmt::format("{} is an address; MX wants a name", one.host));
        else
            co_await check_host(finding, one.host);
    }
    for (Host& host : hosts_)
        host.secure = host.secure && answer.secure;
    add(finding);
}

event::Task<void> DomainCheck::check_host(Finding& finding, std::string name) {
    Host host;
    host.name = name;
    dns::Answer<dict::IpAddress> v4 = co_await resolver_.ipv4(name);
    dns::Answer<dict::IpAddress> v6 = co_await resolver_.ipv6(name);
    if (finding.take_trouble(v4.status, name, v4.reason) || finding.take_trouble(v6.status, name, v6.reason))
        co_return;
    host.addresses = v4.records;
    host.addresses.insert(host.addresses.end(), v6.records.begin(), v6.records.end());
    host.secure = v4.secure && v6.secure;
    if (host.addresses.empty())
        finding.add(State::wrong, fmt::format("{} has no address", name));
    else if (!text::equal_ignoring_case(v4.canonical_name, name))
        finding.add(State::wrong,
            fmt::format("{} is an alias of {}; MX wants a real name (RFC 2181, 10.3)", name, v4.canonical_name));
    for (const dict::IpAddress& address : host.addresses)
        finding.remarks.push_back(fmt::format("{} has {}", name, dns::address_text(address)));
    hosts_.push_back(std::move(host));
}

// RFC 5321, 4.1.4 and what large receivers ask of senders: the name of an address leads back to it.
event::Task<void> DomainCheck::check_ptr() {
    if (hosts_.empty())
        co_return;
    Finding finding("ptr");
    for (const Host& host : hosts_) {
        for (const dict::IpAddress& address : host.addresses) {
            std::string text = dns::address_text(address);
            dns::Answer<std::string> names = co_await resolver_.ptr(address);
            if (finding.take_trouble(names.status, text, names.reason))
                continue;
            if (names.status != dns::Status::found) {
                finding.add(State::missing, fmt::format("{} ({}) has no name", text, host.name));
                records_.push_back(fmt::format("{}. IN PTR {}.", dns::reverse_name(address), host.name));
                continue;
            }
            bool confirmed = false;
            for (const std::string& name : names.records) {
                dns::Answer<dict::IpAddress> back;
                if (address.family == AF_INET)
                    back = co_await resolver_.ipv4(name);
                else
                    back = co_await resolver_.ipv6(name);
                confirmed = confirmed || std::find(back.records.begin(), back.records.end(), address) != back.records.end();
            }
            if (!confirmed) {
                finding.add(
                    State::wrong, fmt::format("{} is called {}, which does not lead back to it", text, names.records[0]));
                records_.push_back(fmt::format("{}. IN PTR {}.", dns::reverse_name(address), host.name));
            } else {
                finding.remarks.push_back(fmt::format("{} is called {}", text, names.records[0]));
            }
        }
    }
    add(finding);
}

// RFC 8461, 3.1; the policy itself is fetched by HTTPS and not looked at here.
event::Task<void> DomainCheck::check_mta_sts() {
    if (takes_no_mail_)
        co_return;
    Finding finding("mta-sts");
    std::string name = "_mta-sts." + domain_, policy_host = "mta-sts." + domain_;
    std::vector<std::string> records = co_await find_texts(name, "v=STSv1", finding);
    if (records.empty() && finding.state != State::temperror) {
        finding.add(State::missing, fmt::format("{} has no MTA-STS record: senders may be talked out of TLS", name));
        publish(name, fmt::format("v=STSv1; id={}", call_.now));
    } else if (records.size() > 1) {
        finding.add(State::wrong,
            fmt::format("{} has {} MTA-STS records, so that none counts (RFC 8461, 3.1)", name, records.size()));
    } else if (!records.empty()) {
        finding.remarks.push_back(records[0]);
        std::string id;
        for (std::string_view tag : text::split(records[0], ";"))
            if (std::string_view trimmed = text::trim(tag); trimmed.starts_with("id="))
                id = trimmed.substr(3);
        if (id.empty() || id.size() > 32 || !std::all_of(id.begin(), id.end(), text::is_alnum)) {
            finding.add(State::wrong, "id= must have 1 to 32 letters and digits");
            publish(name, fmt::format("v=STSv1; id={}", call_.now));
        }
        dns::Answer<dict::IpAddress> host = co_await resolver_.ipv4(policy_host);
        dns::Answer<dict::IpAddress> host6 = co_await resolver_.ipv6(policy_host);
        if (host.status == dns::Status::does_not_exist && host6.status == dns::Status::does_not_exist)
            finding.add(State::wrong, fmt::format("{} has no address, so that the policy cannot be fetched", policy_host));
    }
    add(finding);
}

// RFC 8460, 3
event::Task<void> DomainCheck::check_tls_reports() {
    if (takes_no_mail_)
        co_return;
    Finding finding("tls-rpt");
    std::string name = "_smtp._tls." + domain_;
    std::vector<std::string> records = co_await find_texts(name, "v=TLSRPTv1", finding);
    if (records.empty() && finding.state != State::temperror) {
        finding.add(State::missing, fmt::format("{} has no record: nobody tells when TLS to {} fails", name, domain_));
        publish(name, fmt::format("v=TLSRPTv1; rua=mailto:postmaster@{}", domain_));
    } else if (records.size() > 1 || (records.size() == 1 && records[0].find("rua=") == std::string::npos)) {
        finding.add(State::wrong, fmt::format("{} must have one record, with rua=", name));
    }
    add(finding);
}

// RFC 7672, 3.1: what an SMTP sender uses of DANE.
event::Task<void> DomainCheck::check_tlsa() {
    if (hosts_.empty())
        co_return;
    Finding finding("tlsa");
    for (const Host& host : hosts_) {
        std::string name = "_25._tcp." + host.name;
        dns::Answer<dns::TlsaRecord> answer = co_await resolver_.tlsa(name);
        if (finding.take_trouble(answer.status, name, answer.reason))
            continue;
        if (answer.status != dns::Status::found) {
            finding.add(State::missing, fmt::format("{} has no TLSA record", name));
            continue;
        }
        for (const dns::TlsaRecord& record : answer.records) {
            std::string text = fmt::format("{}: {} {} {}", name, record.usage, record.selector, record.matching_type);
            std::size_t wanted = record.matching_type == 1 ? 32 : record.matching_type == 2 ? 64 : 0;
            if (record.usage != 2 && record.usage != 3)
                finding.add(State::wrong, text + ": SMTP uses only 2 (DANE-TA) and 3 (DANE-EE)");
            else if (record.selector > 1 || record.matching_type > 2 || (wanted > 0 && record.association.size() != wanted))
                finding.add(State::wrong, text + ": selector, matching type or length cannot be");
            else
                finding.remarks.push_back(text);
        }
        if (!answer.secure)
            finding.add(
                State::weak, fmt::format("{} is not signed as far as this resolver can tell (dns_trust_anchor_file): "
                                         "unsigned TLSA records count for nothing",
                                 name));
    }
    add(finding);
}

}  // namespace mailauth
