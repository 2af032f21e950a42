// lib/dmarc/consent.h - who may be sent a report: an address elsewhere only if that domain says that it wants it.
//
// Standards   RFC 7489, 7.1
// Trust       rua= is written by whoever owns the policy's domain; without this check it would be a way to have mail sent to
//             anybody.
#pragma once

#include <string>
#include <vector>

#include "lib/dmarc/public_suffix.h"
#include "lib/dmarc/record.h"
#include "lib/dns/resolver.h"
#include "lib/event/task.h"

namespace dmarc {

struct ReportTargets {
    std::vector<ReportUri> uris;       // that may be written to, at most `limit`
    std::vector<std::string> refused;  // and others, with the reason
    bool undecided = false;            // the DNS did not answer about some
};

event::Task<ReportTargets> find_report_targets(dns::Resolver& resolver, const PublicSuffixes& suffixes,
    std::string policy_domain, std::vector<ReportUri> wanted, std::size_t limit);

}  // namespace dmarc
