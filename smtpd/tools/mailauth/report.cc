// mailauth report show - what is in the reports that others sent.
#include <fmt/format.h>

#include <map>

#include "lib/dmarc/report_mail.h"
#include "lib/text/text.h"
#include "smtpd/tools/mailauth/message.h"

namespace mailauth {
namespace {

std::string day(std::uint64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    char text[40] = "?";
    if (seconds < 253'402'300'800 && gmtime_r(&time, &parts) != nullptr)  // the year 10000
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

std::string describe(const dmarc::ReportRow& row) {
    std::string line = fmt::format(
        "{:>8} {} {} dkim={} spf={} from={}", row.count, row.source_ip, row.disposition, row.dkim, row.spf, row.header_from);
    if (!row.envelope_from.empty())
        line += " envelope-from=" + row.envelope_from;
    for (const dmarc::ReportDkim& dkim : row.dkim_results)
        line += fmt::format(" [dkim {} {} {}]", dkim.domain, dkim.selector, dkim.result);
    for (const dmarc::ReportSpf& spf : row.spf_results)
        line += fmt::format(" [spf {} {}]", spf.domain, spf.result);
    for (const dmarc::ReportReason& reason : row.reasons)
        line += fmt::format(" ({}{}{})", reason.type, reason.comment.empty() ? "" : ": ", reason.comment);
    return line;
}

std::string describe_policy(const dmarc::Report& report) {
    std::string text = "p=" + report.p;
    for (const auto& [name, value] : {std::pair{"sp", &report.sp}, std::pair{"np", &report.np},
             std::pair{"adkim", &report.adkim}, std::pair{"aspf", &report.aspf}, std::pair{"pct", &report.pct}})
        if (!value->empty())
            text += fmt::format(" {}={}", name, *value);
    return text;
}

void show(Report& out, const std::string& path, const dmarc::Report& report) {
    std::uint64_t messages = 0, passed = 0, refused = 0;
    for (const dmarc::ReportRow& row : report.rows) {
        messages += row.count;
        passed += row.dkim == "pass" || row.spf == "pass" ? row.count : 0;
        refused += row.disposition == "reject" || row.disposition == "quarantine" ? row.count : 0;
    }
    out.add("report", "aggregate")
        .detail("file", path)
        .detail("domain", report.domain)
        .detail("policy", describe_policy(report))
        .detail("reporter", fmt::format("{} <{}>", report.org_name, report.email))
        .detail("id", report.report_id)
        .detail("begin", day(report.begin))
        .detail("end", day(report.end))
        .detail("messages", std::to_string(messages))
        .detail("passed", std::to_string(passed))
        .detail("failed", std::to_string(messages - passed))
        .detail("refused-or-quarantined", std::to_string(refused));
    for (const dmarc::ReportRow& row : report.rows)
        out.text(text::printable(describe(row)));
}

void show(Report& out, const std::string& path, const dmarc::Feedback& feedback) {
    auto& finding = out.add("report", "feedback");
    finding.detail("file", path)
        .detail("type", feedback.type)
        .detail("failure", feedback.auth_failure)
        .detail("incidents", std::to_string(feedback.incidents))
        .detail("date", feedback.arrival_date == 0 ? "" : day(static_cast<std::uint64_t>(feedback.arrival_date)))
        .detail("mail-from", feedback.original_mail_from)
        .detail("recipient", feedback.original_rcpt_to)
        .detail("source-ip", feedback.source_ip)
        .detail("reporting-mta", feedback.reporting_mta)
        .detail("user-agent", feedback.user_agent)
        .detail("dkim-domain", feedback.dkim_domain)
        .detail("dkim-selector", feedback.dkim_selector);
    for (const std::string& domain : feedback.reported_domains)
        finding.detail("domain", domain);
    for (const std::string& uri : feedback.reported_uris)
        finding.detail("uri", uri);
    for (const std::string& results : feedback.authentication_results)
        finding.detail("authentication-results", results);
}

void show(Report& out, const std::string& path, const dmarc::TlsReport& report) {
    std::uint64_t successful = 0, failed = 0;
    for (const dmarc::TlsPolicy& policy : report.policies) {
        successful += policy.successful;
        failed += policy.failed;
    }
    out.add("report", "tls")
        .detail("file", path)
        .detail("reporter", fmt::format("{} <{}>", report.organization, report.contact))
        .detail("id", report.report_id)
        .detail("begin", report.begin)
        .detail("end", report.end)
        .detail("successful-sessions", std::to_string(successful))
        .detail("failed-sessions", std::to_string(failed));
    for (const dmarc::TlsPolicy& policy : report.policies) {
        out.text(
            text::printable(fmt::format("{:>8} {:>8} {} {}", policy.successful, policy.failed, policy.type, policy.domain)));
        for (const dmarc::TlsFailure& failure : policy.failures)
            out.text(text::printable(fmt::format("         {:>8} {} from {} to {} ({})", failure.sessions,
                failure.result_type, failure.sending_ip, failure.receiving_mx, failure.receiving_ip)));
    }
}

}  // namespace

event::Task<int> run_report(Invocation& call) {
    if (call.arguments[0] != "show")
        throw UsageError(fmt::format("\"report {}\": show is wanted", call.arguments[0]));
    for (std::size_t i = 1; i < call.arguments.size(); ++i) {
        const std::string& path = call.arguments[i];
        const auto found = dmarc::find_report(read_file(path));
        if (!found)
            throw FileError(fmt::format("{}: {}", path, found.error()));
        std::visit([&](const auto& report) { show(call.report, path, report); }, *found);
    }
    co_return 0;
}

}  // namespace mailauth
