#include "smtpd/dmarc_report/sender.h"

#include <fmt/format.h>

#include "lib/dkim/crypto.h"
#include "lib/dmarc/inflate.h"
#include "lib/dmarc/report_writer.h"
#include "lib/log/log.h"

namespace dmarc_report {
namespace {

using dmarc::ReportStore;

constexpr std::uint64_t kDay = 86'400;
constexpr std::size_t kPart = 60'000;

std::string hex(std::string_view octets) {
    std::string out;
    for (char c : octets)
        out += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return out;
}

}  // namespace

dmarc::Report make_report(const dmarc::StoredReport& stored, const ReportStore::Due& due, const Params& params) {
    dmarc::Report report;
    report.org_name = params.organization();
    report.email = params.from();
    report.extra_contact_info = params.contact();
    report.generator = params.mail_name();
    report.begin = due.day * kDay;
    report.end = report.begin + kDay - 1;
    // The same report made twice has the same name, so that a receiver can tell.
    report.report_id = hex(
        dkim::Sha256::of(params.submitter() + " " + due.domain + " " + std::to_string(due.day)).substr(0, 12));
    const ipc::records::DmarcPolicy& policy = stored.policy;
    report.domain = policy.domain;
    report.adkim = policy.adkim;
    report.aspf = policy.aspf;
    report.p = policy.p;
    report.sp = policy.sp;
    report.np = policy.np;
    report.pct = std::to_string(policy.percent);
    report.testing = policy.testing;
    report.discovery_method = policy.discovery_method == "treewalk" ? "treewalk" : "";
    report.fo = policy.fo;
    for (const dmarc::CountedRow& counted : stored.rows) {
        const ipc::records::DmarcRow& from = counted.row;
        dmarc::ReportRow row;
        row.source_ip = from.source_ip;
        row.count = counted.count;
        row.disposition = from.disposition;
        row.dkim = from.dkim;
        row.spf = from.spf;
        for (const auto& reason : from.reasons)
            row.reasons.push_back({reason.type, reason.comment});
        row.envelope_from = from.envelope_from;
        row.header_from = from.header_from;
        for (const auto& dkim : from.dkim_results)
            row.dkim_results.push_back({dkim.domain, dkim.selector, dkim.result, ""});
        row.spf_results.push_back({from.spf_domain, from.spf_scope, from.spf_result.empty() ? "none" : from.spf_result, ""});
        report.rows.push_back(std::move(row));
    }
    return report;
}

event::Task<bool> Sender::submit(std::string address, std::string message) {
    ipc::records::CleanupOpen open;
    open.mail.sender = house_.params.from();
    open.mail.flags = envelope::kInternalMail | envelope::kLocalOrigin;
    open.handling = ipc::records::kCleanupOurs;
    open.recipients.emplace_back();
    open.recipients.back().address = address;
    std::size_t at = 0;
    queue::CleanupClient::Content next = [&](bool restart) {
        at = restart ? 0 : at;
        std::string part = message.substr(at, kPart);
        at += part.size();
        return part;
    };
    const ipc::records::CleanupReply reply = co_await cleanup_.submit(std::move(open), std::move(next));
    if (reply.code != 250)
        logging::warning("report to <{}>: {} {} {}", address, reply.code, reply.dsn, reply.reason);
    else
        logging::info("{}: DMARC report to=<{}>", reply.queue_id, address);
    co_return reply.code == 250;
}

event::Task<bool> Sender::send_one(ReportStore::Due due, std::int64_t now) {
    const std::expected<dmarc::StoredReport, std::string> stored = house_.store.read(due);
    if (!stored) {
        logging::warning("DMARC report for {}: {}", due.domain, stored.error());
        co_return false;
    }
    std::vector<dmarc::ReportUri> wanted;
    for (const auto& uri : stored->policy.report_to)
        wanted.push_back({uri.address, uri.max_octets});
    const auto limit = static_cast<std::size_t>(house_.params.recipient_limit());
    const dmarc::ReportTargets targets = co_await dmarc::find_report_targets(
        house_.resolver, house_.suffixes, due.domain, std::move(wanted), limit);
    for (const std::string& refused : targets.refused)
        logging::info("DMARC report for {}: not to {}", due.domain, refused);
    // What the DNS cannot say today it may say in an hour; a week later nobody wants it.
    if (targets.undecided && now / static_cast<std::int64_t>(kDay) - due.day < 7)
        co_return false;
    const dmarc::Report report = make_report(*stored, due, house_.params);
    auto job = [&report] { return dmarc::gzip(dmarc::write_report(report)); };
    const std::string file = co_await house_.pool.run(std::move(job));
    bool all = true;
    for (const dmarc::ReportUri& uri : targets.uris) {
        const auto most = static_cast<std::uint64_t>(house_.params.size_limit());
        if (file.size() > std::min(most, uri.max_octets == 0 ? most : uri.max_octets)) {
            logging::warning("DMARC report for {}: not to {}: {} octets are too many", due.domain, uri.address, file.size());
            continue;
        }
        dmarc::ReportMail mail{house_.params.submitter(), house_.params.from(), {uri.address}, now,
            fmt::format("dmarc.{}.{}@{}", report.report_id, now, house_.params.myhostname())};
        std::string message = dmarc::write_report_mail(report, mail, file);
        const bool taken = co_await submit(uri.address, std::move(message));
        all = all && taken;
    }
    co_return all;
}

event::Task<void> Sender::send_due(std::int64_t now) {
    const auto today = static_cast<std::uint32_t>(now / static_cast<std::int64_t>(kDay));
    const std::expected<std::vector<ReportStore::Due>, std::string> due = house_.store.due_before(today);
    if (!due) {
        logging::warning("{}", due.error());
        co_return;
    }
    for (const ReportStore::Due& one : *due) {
        bool done = true;
        if (house_.send)
            done = co_await send_one(one, now);
        if (!done)
            continue;
        if (const auto removed = house_.store.remove(one); !removed)
            logging::warning("{}", removed.error());
    }
}

}  // namespace dmarc_report
