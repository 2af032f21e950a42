#include "lib/dmarc/tls_report.h"

#include <algorithm>

#include "lib/dmarc/json.h"

namespace dmarc {
namespace {

std::vector<std::string> strings_of(const Json& value) {
    std::vector<std::string> strings;
    if (value.kind == Json::Kind::string)  // some write a single one without the list
        strings.push_back(value.text);
    if (value.kind == Json::Kind::array)
        for (const Json& item : value.items)
            strings.push_back(item.string());
    return strings;
}

TlsFailure read_failure(const Json& value) {
    return TlsFailure{value["result-type"].string(), value["sending-mta-ip"].string(), value["receiving-ip"].string(),
        value["receiving-mx-hostname"].string(), value["receiving-mx-helo"].string(),
        value["additional-information"].string(), value["failure-reason-code"].string(),
        value["failed-session-count"].count()};
}

TlsPolicy read_policy(const Json& value) {
    const Json& policy = value["policy"];
    const Json& details = value["failure-details"];
    TlsPolicy out;
    out.type = policy["policy-type"].string();
    out.strings = strings_of(policy["policy-string"]);
    out.domain = policy["policy-domain"].string();
    out.mx_hosts = strings_of(policy["mx-host"]);
    out.successful = value["summary"]["total-successful-session-count"].count();
    out.failed = value["summary"]["total-failure-session-count"].count();
    if (details.kind == Json::Kind::array)
        for (const Json& item : details.items)
            if (out.failures.size() < kMaxTlsDetails)
                out.failures.push_back(read_failure(item));
    return out;
}

}  // namespace

std::expected<TlsReport, std::string> read_tls_report(std::string_view text) {
    const auto json = parse_json(text);
    if (!json)
        return std::unexpected(json.error());
    const Json& policies = (*json)["policies"];
    if (policies.kind != Json::Kind::array)
        return std::unexpected("there is no list of policies");
    TlsReport report;
    report.organization = (*json)["organization-name"].string();
    report.contact = (*json)["contact-info"].string();
    report.report_id = (*json)["report-id"].string();
    report.begin = (*json)["date-range"]["start-datetime"].string();
    report.end = (*json)["date-range"]["end-datetime"].string();
    for (std::size_t i = 0; i < std::min(policies.items.size(), kMaxTlsPolicies); ++i)
        report.policies.push_back(read_policy(policies.items[i]));
    return report;
}

}  // namespace dmarc
