#include "qmgr/scheduler.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>

#include "lib/log/log.h"
#include "lib/text/text.h"
#include "lib/time/clock.h"

namespace qmgr {

using ipc::records::DeliverStatus;
using ipc::records::RecipientResult;

namespace {

constexpr std::size_t kSpareDescriptors = 500;  // for connections and for descriptors on their way to agents
constexpr std::size_t kMaxText = 2000;

// Each active message keeps its file open.
std::size_t limit_by_descriptors(std::size_t wanted) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const std::size_t most = limit.rlim_cur > 2 * kSpareDescriptors ? limit.rlim_cur - kSpareDescriptors : 100;
    if (most < wanted)
        logging::info("qmgr_message_active_limit: {} instead of {}, because of the limit on open files", most, wanted);
    return std::min(wanted, most);
}

// It becomes the name of a socket below private/.
bool is_service_name(std::string_view name) {
    return !name.empty() && name.size() < 64 && name.front() != '.' && name.find('/') == std::string_view::npos;
}

std::string clean(const std::string& text) { return text::printable(std::string_view{text}.substr(0, kMaxText)); }

}  // namespace

Scheduler::Scheduler(event::Loop& loop, const Params& params, const config::MainCf& main_cf, Routing& routing)
    : loop_{loop},
      params_{params},
      main_cf_{main_cf},
      routing_{routing},
      asker_{loop},
      disk_{loop},
      bounce_{loop, ipc::ServiceSettings("private/bounce", std::chrono::seconds(30))},
      limit_{limit_by_descriptors(static_cast<std::size_t>(params.qmgr_message_active_limit()))} {}

bool Scheduler::has_room(bool old_mail) const {
    const std::size_t places = old_mail ? std::max<std::size_t>(1, limit_ / 2) : limit_;
    const auto recipients = static_cast<std::size_t>(params_.qmgr_message_recipient_limit());
    return !draining_ && active_.size() < places && recipients_ < recipients;
}

Transport& Scheduler::transport(const std::string& name) {
    std::unique_ptr<Transport>& slot = transports_[name];
    if (!slot)
        slot = std::make_unique<Transport>(loop_, name, read_transport_limits(main_cf_, params_, name),
            params_.minimal_backoff_time(), params_.transport_retry_time(), *this);
    return *slot;
}

void Scheduler::admit(std::unique_ptr<Message> owned) {
    Message& message = *owned;
    if (!active_.emplace(message.id(), std::move(owned)).second)
        return;  // known already
    message.active_us = wall_clock::now_us();
    message.insist = message.flush || is_over_age(message, wall_clock::now_seconds());
    recipients_ += message.states.size();
    logging::info("{}: from=<{}>, size={}, nrcpt={} (queue active)", message.id(), message.envelope.mail.sender,
        message.claim.place().length, message.open);
    loop_.spawn(route(message), &message.routing, [this, &message] { routed(message); });
}

// False where the recipient has its answer already.
event::Task<bool> Scheduler::route_one(Message& message, std::uint32_t index, Route& route) {
    const std::string& address = message.envelope.recipients[index].address;
    const std::string discard = params_.double_bounce_sender() + "@" + params_.myhostname();
    if (text::equal_ignoring_case(address, discard)) {
        logging::info(
            "{}: to=<{}>, relay=none, delay={}, dsn=2.0.0, status=sent (undeliverable postmaster "
            "notification discarded)",
            message.id(), address, std::max<std::int64_t>(0, wall_clock::now_seconds() - message.arrival()));
        note_result(message, index, Phase::delivered, queue::Outcome::delivered);
        co_return false;
    }
    std::expected<Route, std::string> found = co_await routing_.resolve(asker_, message.envelope.mail.sender, address);
    if (found && is_service_name(found->transport)) {
        route = std::move(*found);
        co_return true;
    }
    if (found) {
        logging::warning("{}: <{}>: \"{}\" is not the name of a delivery service", message.id(), address, found->transport);
        set_aside(message, {index}, "4.3.5", "mail system configuration error", true);
        co_return false;
    }
    logging::warning("{}: {}", message.id(), found.error());
    set_aside(message, {index}, "4.3.0", "address resolver failure", true);
    co_return false;
}

event::Task<void> Scheduler::route(Message& message) {
    struct Group {
        Transport* transport;
        std::string nexthop;
        std::vector<std::uint32_t> recipients;
    };
    std::map<std::pair<std::string, std::string>, Group> groups;  // by transport and destination
    for (std::uint32_t index = 0; index < message.states.size(); ++index) {
        if (message.states[index].phase != Phase::waiting)
            continue;
        Route where;
        const bool goes_on = co_await route_one(message, index, where);
        if (draining_)
            co_return;  // the next process routes it anew
        if (!goes_on)
            continue;
        Transport& by = transport(where.transport);
        envelope::Recipient& recipient = message.envelope.recipients[index];
        recipient.redirect(std::move(where.recipient));
        std::string key = text::lower(by.limits().recipients == 1 ? recipient.address : where.nexthop);
        Group& group = groups[{where.transport, std::move(key)}];
        group.transport = &by;
        group.nexthop = std::move(where.nexthop);
        group.recipients.push_back(index);
    }
    for (auto& [name, group] : groups) {
        if (message.vanished) {  // while a table was waited for
            message.open -= group.recipients.size();
            continue;
        }
        group.transport->add(message, name.second, group.nexthop, std::move(group.recipients));
        group.transport->pump();
    }
}

// However it ended. Until now nothing could finish the message.
void Scheduler::routed(Message& message) {
    message.routing = nullptr;
    if (draining_) {
        save_some(message);
        if (is_idle(message))
            active_.erase(message.id());
        return;
    }
    answers_given(message);  // for recipients that were answered on the way
}

// Nobody refers to it but active_.
bool Scheduler::is_idle(const Message& message) {
    return message.routing == nullptr && message.in_delivery == 0 && !message.finishing && !message.saving;
}

event::Fd Scheduler::open_content(Message& message) {
    if (message.vanished)
        return {};
    auto content = message.claim.content();
    if (content && *content)
        return (**content).take_file();
    if (!content)
        logging::warning("{}: {}", message.id(), content.error().text);
    abandon(message);
    return {};
}

// A tool removed the file or moved it away: what has not begun yet shall not begin.
void Scheduler::abandon(Message& message) {
    message.vanished = true;
    for (auto& [name, transport] : transports_)
        message.open -= transport->forget(message);
}

void Scheduler::note_result(Message& message, std::uint32_t index, Phase phase, queue::Outcome outcome) {
    RecipientState& state = message.states[index];
    if (state.phase != Phase::waiting)
        return;
    state.phase = phase;
    state.when = wall_clock::now_seconds();
    --message.open;
    queue::Status status;
    status.recipient = index;
    status.outcome = outcome;
    status.when = state.when;
    // Of a delivery nobody asks later how it went, but for a sender who wants to know.
    if (outcome != queue::Outcome::delivered || message.owes_success(index)) {
        status.dsn = state.dsn;
        status.text = state.text;
        status.relay = state.remote_mta;
        status.remote_reply = state.remote_reply;
        status.action = state.action;
    }
    message.unsaved += queue::encode_status(std::move(status));
}

void Scheduler::recipient_answered(Message& message, const RecipientResult& result) {
    if (result.index >= message.states.size())
        return;
    RecipientState& state = message.states[result.index];
    state.dsn = clean(result.dsn);
    state.text = clean(result.text);
    state.remote_mta = clean(result.remote_mta);
    state.remote_reply = clean(result.remote_reply);
    state.action = result.action;
    state.tried = state.tried || !state.set_aside;
    const bool soft = params_.soft_bounce() && result.status == DeliverStatus::bounced;
    if (result.status == DeliverStatus::delivered)
        note_result(message, result.index, Phase::delivered, queue::Outcome::delivered);
    else if (result.status == DeliverStatus::bounced && !soft)
        note_result(message, result.index, Phase::bounced, queue::Outcome::bounced);
    else
        note_result(message, result.index, Phase::deferred, queue::Outcome::deferred);
}

void Scheduler::answers_given(Message& message) {
    if (message.finishing)
        return;
    if (message.open > 0 || message.in_delivery > 0 || message.routing != nullptr)
        return save_some(message);
    message.finishing = true;
    loop_.spawn(finish(message));
}

void Scheduler::defer_here(Message& message, std::uint32_t index, const std::string& dsn, const std::string& reason) {
    const std::int64_t delay = std::max<std::int64_t>(0, wall_clock::now_seconds() - message.arrival());
    logging::info("{}: to=<{}>, relay=none, delay={}, delays={}/0/0/0, dsn={}, status=deferred ({})", message.id(),
        message.envelope.recipients[index].address, delay, delay, dsn, reason);
    note_result(message, index, Phase::deferred, queue::Outcome::deferred);
}

// retry(8) writes the log line of each recipient; where it cannot be reached either, we do.
void Scheduler::set_aside(Message& message, const std::vector<std::uint32_t>& recipients, const std::string& dsn,
    const std::string& reason, bool wanted) {
    std::vector<std::uint32_t> for_retry;
    bool here = false;
    for (const std::uint32_t index : recipients) {
        RecipientState& state = message.states[index];
        state.dsn = dsn;
        state.text = clean(reason);
        state.tried = state.tried || wanted;
        if (std::exchange(state.set_aside, true)) {
            defer_here(message, index, dsn, state.text);
            here = true;
        } else {
            for_retry.push_back(index);
        }
    }
    if (!for_retry.empty()) {
        Transport& retry = transport("retry");
        const std::string nexthop = dsn + " " + reason;
        retry.add(message, nexthop, nexthop, std::move(for_retry));
        retry.pump();
    }
    if (here)
        answers_given(message);
}

void Scheduler::revive_all() {
    for (auto& [name, transport] : transports_) {
        transport->revive();
        transport->pump();
    }
}

std::size_t Scheduler::unfinished() const {
    std::size_t count = disk_.pending();
    for (const auto& [id, message] : active_)
        count += message->finishing || message->routing != nullptr;
    for (const auto& [name, transport] : transports_)
        count += transport->outstanding();
    return count;
}

void Scheduler::drain() {
    draining_ = true;
    for (auto& [name, transport] : transports_)
        transport->drop_jobs();
    std::erase_if(active_, [](const auto& item) { return is_idle(*item.second); });
    for (auto& [id, message] : active_)
        if (message->routing != nullptr)
            message->routing->cancel();  // it only schedules: nothing leaves active_ here
}

void Scheduler::look_at_clock() {
    const std::int64_t jump = clock_.look();
    if (jump == 0)
        return;
    logging::warning("the system clock jumped by {} s; no mail is returned as too old for the next {} s", jump,
        params_.maximal_backoff_time().count());
    no_expiry_until_ = Clock::now() + params_.maximal_backoff_time();
    if (on_clock_jump_)
        on_clock_jump_();
}

}  // namespace qmgr
