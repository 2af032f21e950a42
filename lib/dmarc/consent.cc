#include "lib/dmarc/consent.h"

#include "lib/dkim/signature.h"
#include "lib/text/text.h"

namespace dmarc {
namespace {

std::string domain_of(const std::string& address) {
    return dkim::to_a_labels(address.substr(address.rfind('@') + 1)).value_or("");
}

// rua= of a consent record replaces the address, but may not lead to yet another host.
std::string replacement(std::string_view record, const std::string& domain) {
    const std::size_t at = text::lower(record).find("rua=");
    if (at == std::string::npos)
        return {};
    const std::string_view list = record.substr(at + 4);
    const auto uris = parse_report_uris(list.substr(0, list.find(';')));
    return !uris.empty() && domain_of(uris[0].address) == domain ? uris[0].address : "";
}

}  // namespace

event::Task<ReportTargets> find_report_targets(dns::Resolver& resolver, const PublicSuffixes& suffixes,
    std::string policy_domain, std::vector<ReportUri> wanted, std::size_t limit) {
    ReportTargets targets;
    const std::string home = suffixes.organizational_domain(policy_domain);
    for (ReportUri& uri : wanted) {
        if (targets.uris.size() == limit) {
            targets.refused.push_back(uri.address + ": more addresses than dmarc_report_recipient_limit");
            continue;
        }
        const std::string domain = domain_of(uri.address);
        if (domain.empty()) {
            targets.refused.push_back(uri.address + ": this is no mail address");
            continue;
        }
        if (suffixes.organizational_domain(domain) == home) {
            targets.uris.push_back(std::move(uri));
            continue;
        }
        const std::string question = policy_domain + "._report._dmarc." + domain;
        const dns::Answer<std::string> answer = co_await resolver.txt(question);
        if (answer.status == dns::Status::temporary_failure || answer.status == dns::Status::bogus) {
            targets.undecided = true;
            targets.refused.push_back(uri.address + ": " + question + ": " + answer.reason);
            continue;
        }
        bool agreed = false;
        for (const std::string& record : answer.records) {
            if (agreed || !is_record(record))
                continue;
            agreed = true;
            if (std::string other = replacement(record, domain); !other.empty())
                uri.address = std::move(other);
        }
        if (agreed)
            targets.uris.push_back(std::move(uri));
        else
            targets.refused.push_back(uri.address + ": " + question + " does not agree");
    }
    co_return targets;
}

}  // namespace dmarc
