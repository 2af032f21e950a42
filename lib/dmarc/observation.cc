#include "lib/dmarc/observation.h"

#include "lib/event/error.h"
#include "lib/log/log.h"

namespace dmarc {
namespace {

using namespace std::chrono_literals;
using ipc::records::DmarcObservation;

constexpr std::size_t kMaxWaiting = 10'000;
constexpr std::size_t kMaxDkim = 10;  // results in one row

std::string_view letter(Alignment alignment) { return alignment == Alignment::strict ? "s" : "r"; }

}  // namespace

std::optional<DmarcObservation> make_observation(
    const Verdict& verdict, const ObservedEnvelope& envelope, Method method, std::int64_t now) {
    if (verdict.policy_domain.empty() || verdict.record.aggregate.empty())
        return std::nullopt;
    if (verdict.code != Code::pass && verdict.code != Code::fail)
        return std::nullopt;  // nothing was evaluated
    const Record& record = verdict.record;
    DmarcObservation seen;
    seen.time = now;
    seen.policy.domain = verdict.policy_domain;
    seen.policy.p = policy_name(record.policy);
    seen.policy.sp = record.subdomains ? policy_name(*record.subdomains) : "";
    seen.policy.np = record.nonexistent ? policy_name(*record.nonexistent) : "";
    seen.policy.adkim = letter(record.dkim);
    seen.policy.aspf = letter(record.spf);
    seen.policy.percent = record.percent;
    seen.policy.testing = method == Method::tree_walk ? (record.testing ? "y" : "n") : "";
    seen.policy.discovery_method = method == Method::tree_walk ? "treewalk" : "psl";
    seen.policy.fo = record.failure_options;
    for (const ReportUri& uri : record.aggregate)
        seen.policy.report_to.push_back({uri.address, uri.max_octets});
    seen.row.source_ip = envelope.client;
    seen.row.disposition = policy_name(verdict.disposition);
    seen.row.dkim = verdict.dkim_aligned ? "pass" : "fail";
    seen.row.spf = verdict.spf_aligned ? "pass" : "fail";
    for (const Override& one : verdict.overrides)
        seen.row.reasons.push_back({one.type, one.comment});
    seen.row.envelope_from = envelope.sender_domain;
    seen.row.header_from = verdict.author_domain;
    seen.row.spf_domain = envelope.spf_domain;
    seen.row.spf_scope = envelope.spf_of_helo ? "helo" : "mfrom";
    seen.row.spf_result = envelope.spf_result;
    if (envelope.dkim != nullptr) {
        for (const dkim::Result& result : *envelope.dkim)
            if (seen.row.dkim_results.size() < kMaxDkim && !result.domain.empty())
                seen.row.dkim_results.push_back({result.domain, result.selector, std::string(dkim::code_name(result.code))});
    }
    return seen;
}

ReportLink::~ReportLink() {
    if (sending_ != nullptr)
        sending_->cancel();
}

void ReportLink::tell(DmarcObservation observation) {
    if (waiting_.size() >= kMaxWaiting) {
        ++dropped_;
        return;
    }
    waiting_.push_back(std::move(observation));
    if (is_sending_)
        return;
    is_sending_ = true;
    event::Context* context = nullptr;
    loop_.spawn(send(), &context, [this] {
        is_sending_ = false;
        sending_ = nullptr;
    });
    if (is_sending_)
        sending_ = context;
}

namespace {

struct Told {};

// The collector answers nothing: it takes what it reads.
event::Task<std::expected<Told, std::string>> tell_all(
    ipc::ServicePool<>::Lease& lease, const std::vector<DmarcObservation>& batch) {
    for (const DmarcObservation& one : batch)
        lease.channel.write(one);
    co_await lease.channel.stream().flush();
    co_return Told();
}

}  // namespace

event::Task<void> ReportLink::send() {
    while (!waiting_.empty()) {
        std::vector<DmarcObservation> batch = std::exchange(waiting_, {});
        ipc::ServicePool<>::Talk<Told> talk = [&batch](ipc::ServicePool<>::Lease& lease) { return tell_all(lease, batch); };
        std::expected<Told, std::string> told = co_await pool_.converse<Told>(talk);
        if (told)
            continue;
        logging::warning("{}; {} results of DMARC are missing in the report", told.error(), batch.size() + dropped_);
        dropped_ = 0;
    }
}

}  // namespace dmarc
