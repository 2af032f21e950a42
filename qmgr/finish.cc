// The end of a round: remove, return, warn, or put off. See scheduler.h.
#include <algorithm>
#include <chrono>

#include "lib/log/log.h"
#include "lib/text/text.h"
#include "lib/time/clock.h"

#include "qmgr/scheduler.h"

namespace qmgr {

using namespace std::chrono_literals;
using ipc::records::BounceKind;
using ipc::records::BounceRecipient;
using ipc::records::BounceReply;
using ipc::records::BounceRequest;

namespace {

constexpr auto kDiskPause = 10s;  // before a failed change on the disk is tried again

// Why there is no report; empty: it is in the queue, or none is due.
std::string refusal(const std::expected<BounceReply, std::string>& answer) {
    if (!answer)
        return answer.error();
    return answer->ok ? std::string() : "bounce: " + answer->reason;
}

bool has_phase(const Message& message, Phase phase) {
    const auto& states = message.states;
    return std::any_of(states.begin(), states.end(), [&](const RecipientState& s) { return s.phase == phase; });
}

}  // namespace

// Writes what has become known while other recipients still wait.
void Scheduler::save_some(Message& message) {
    if (message.saving || message.unsaved.empty())
        return;
    message.saving = true;
    auto records = std::make_shared<std::string>(std::exchange(message.unsaved, {}));
    // The claim is the disk's until this is done: nothing else is recorded meanwhile.
    auto job = [&message, records]() -> std::optional<queue::Failure> {
        const auto done = message.claim.record(*records);
        return done ? std::nullopt : std::optional{done.error()};
    };
    auto done = [this, &message, records](const std::optional<queue::Failure>& trouble) {
        message.saving = false;
        if (trouble) {
            logging::warning("{}: {}", message.id(), trouble->text);
            message.unsaved.insert(0, *records);  // again with the next result
        } else if (!message.finishing) {
            save_some(message);
        }
    };
    disk_.run(std::move(job), std::move(done));
}

event::Task<void> Scheduler::save_all(Message& message) {
    while (message.saving)
        co_await event::sleep_for(loop_, 1ms);
    while (!message.unsaved.empty()) {
        const std::string records = message.unsaved;
        auto job = [&]() -> std::optional<queue::Failure> {
            const auto done = message.claim.record(records);
            return done ? std::nullopt : std::optional{done.error()};
        };
        std::optional<queue::Failure> trouble = co_await disk_.perform(std::move(job));
        if (trouble) {
            logging::warning("{}: {}", message.id(), trouble->text);
            co_await event::sleep_for(loop_, kDiskPause);
            continue;
        }
        message.unsaved.erase(0, records.size());
    }
}

event::Task<void> Scheduler::finish(Message& message) {
    message.finishing = true;
    const auto delivered = [](const RecipientState& s) { return s.phase == Phase::delivered || s.phase == Phase::reported; };
    const bool over = std::all_of(message.states.begin(), message.states.end(), delivered);
    if (over && !message.saving && !message.vanished && !message.owes_success()) {
        remove(message);
        co_return;
    }
    if (!message.vanished)
        expire(message);
    co_await save_all(message);
    if (message.vanished) {
        loop_.post([this, &message] { drop(message); });
        co_return;
    }
    co_await report_failures(message);
    co_await report_success(message);
    co_await report_delay(message);
    co_await save_all(message);
    if (has_phase(message, Phase::deferred) || has_phase(message, Phase::bounced) || message.owes_success())
        co_await put_off(message);
    else
        remove(message);
}

bool Scheduler::is_over_age(const Message& message, std::int64_t now) const {
    const auto lifetime = message.envelope.mail.sender.empty() ? params_.bounce_queue_lifetime()
                                                               : params_.maximal_queue_lifetime();
    return now - message.arrival() >= lifetime.count();
}

// Looked at whenever it decides about mail: between two looks by the hour everything would have grown old.
bool Scheduler::clock_is_sound() {
    look_at_clock();
    return Clock::now() >= no_expiry_until_;
}

// Only after an attempt in this very round, so that a clock that was set wrong returns no mail untried.
void Scheduler::expire(Message& message) {
    const bool aged = is_over_age(message, wall_clock::now_seconds()) && clock_is_sound();
    if (!aged && !message.expire)
        return;
    bool said = false;
    for (std::uint32_t index = 0; index < message.states.size(); ++index) {
        RecipientState& state = message.states[index];
        if (state.phase != Phase::deferred || (!state.tried && !message.expire))
            continue;
        if (!std::exchange(said, true))
            logging::info("{}: from=<{}>, status={}, returned to sender", message.id(), message.envelope.mail.sender,
                message.expire ? "force-expired" : "expired");
        state.phase = Phase::waiting;
        ++message.open;
        note_result(message, index, Phase::bounced, queue::Outcome::bounced);
    }
}

BounceRequest Scheduler::make_report(const Message& message, BounceKind kind, Phase phase) const {
    BounceRequest request;
    request.kind = kind;
    request.queue_id = message.id();
    request.content = message.claim.place();
    request.mail = message.envelope.mail;
    request.expires = message.arrival() + params_.maximal_queue_lifetime().count();
    for (std::size_t index = 0; index < message.states.size(); ++index) {
        const RecipientState& state = message.states[index];
        if (state.phase != phase || (kind == BounceKind::success && !message.owes_success(index)))
            continue;
        BounceRecipient& recipient = request.recipients.emplace_back();
        recipient.recipient = message.envelope.recipients[index];
        recipient.action = state.action;
        recipient.dsn = state.dsn;
        recipient.text = state.text;
        recipient.remote_mta = state.remote_mta;
        recipient.remote_reply = state.remote_reply;
        recipient.when = state.when;
    }
    return request;
}

event::Task<void> Scheduler::report_failures(Message& message) {
    if (!has_phase(message, Phase::bounced))
        co_return;
    event::Fd content = open_content(message);
    if (!content)
        co_return;
    BounceRequest request = make_report(message, BounceKind::failure, Phase::bounced);
    const std::expected<BounceReply, std::string> answer = co_await bounce_.ask(std::move(request), std::move(content));
    const std::string refused = refusal(answer);
    if (!refused.empty()) {
        logging::warning("{}: the sender cannot be told yet: {}", message.id(), refused);
        co_return;
    }
    for (std::uint32_t index = 0; index < message.states.size(); ++index) {
        if (message.states[index].phase != Phase::bounced)
            continue;
        message.states[index].phase = Phase::waiting;
        ++message.open;
        note_result(message, index, Phase::reported, queue::Outcome::reported);
    }
}

// RFC 3461, 5.2: delivered, relayed to where nobody reports, or expanded.
event::Task<void> Scheduler::report_success(Message& message) {
    if (!message.owes_success())
        co_return;
    event::Fd content = open_content(message);
    if (!content)
        co_return;
    BounceRequest request = make_report(message, BounceKind::success, Phase::delivered);
    if (!message.expansion_reported) {
        for (const envelope::Recipient& expanded : message.envelope.expanded) {
            BounceRecipient& recipient = request.recipients.emplace_back();
            recipient.recipient = expanded;
            recipient.action = envelope::Action::expanded;
            recipient.dsn = "2.0.0";
            recipient.text = "alias expanded";
            recipient.when = message.arrival();
        }
    }
    const std::expected<BounceReply, std::string> answer = co_await bounce_.ask(std::move(request), std::move(content));
    const std::string refused = refusal(answer);
    if (!refused.empty()) {
        logging::warning("{}: the sender cannot be told of the delivery yet: {}", message.id(), refused);
        co_return;
    }
    for (std::uint32_t index = 0; index < message.states.size(); ++index) {
        if (!message.owes_success(index))
            continue;
        message.states[index].phase = Phase::waiting;
        ++message.open;
        note_result(message, index, Phase::reported, queue::Outcome::reported);
    }
    if (!message.envelope.expanded.empty() && !message.expansion_reported) {
        message.expansion_reported = true;
        note_for_all(message, queue::Outcome::reported);
    }
}

// A record about the message as a whole.
void Scheduler::note_for_all(Message& message, queue::Outcome outcome) {
    queue::Status status;
    status.recipient = queue::kWholeMessage;
    status.outcome = outcome;
    status.when = wall_clock::now_seconds();
    message.unsaved += queue::encode_status(std::move(status));
}

event::Task<void> Scheduler::report_delay(Message& message) {
    const std::int64_t warn_after = params_.delay_warning_time().count();
    const bool due = warn_after > 0 && !message.delay_reported && !message.envelope.mail.sender.empty() &&
                     wall_clock::now_seconds() - message.arrival() >= warn_after;
    if (!due || !has_phase(message, Phase::deferred) || !clock_is_sound())
        co_return;
    event::Fd content = open_content(message);
    if (!content)
        co_return;
    BounceRequest request = make_report(message, BounceKind::delay_warning, Phase::deferred);
    const std::expected<BounceReply, std::string> answer = co_await bounce_.ask(std::move(request), std::move(content));
    const std::string refused = refusal(answer);
    if (!refused.empty()) {
        logging::warning("{}: the sender cannot be warned yet: {}", message.id(), refused);
        co_return;
    }
    message.delay_reported = true;
    note_for_all(message, queue::Outcome::delay_reported);
}

// The older a message, the longer it waits: as long again as it has waited so far, within the two limits.
event::Task<void> Scheduler::put_off(Message& message) {
    const std::int64_t now = wall_clock::now_seconds();
    const std::int64_t wait = std::clamp<std::int64_t>(now - message.arrival(), params_.minimal_backoff_time().count(),
        std::max(params_.minimal_backoff_time(), params_.maximal_backoff_time()).count());
    for (;;) {
        auto job = [&]() -> std::optional<queue::Failure> {
            const auto deferred = message.claim.defer(now + wait);
            return deferred ? std::nullopt : std::optional{deferred.error()};
        };
        std::optional<queue::Failure> trouble = co_await disk_.perform(std::move(job));
        if (!trouble)
            break;
        logging::warning("{}: {}", message.id(), trouble->text);
        co_await event::sleep_for(loop_, kDiskPause);
    }
    drop(message);
}

void Scheduler::remove(Message& message) {
    auto job = [&message]() -> std::optional<queue::Failure> {
        const auto removed = message.claim.remove();
        return removed ? std::nullopt : std::optional{removed.error()};
    };
    auto done = [this, &message](const std::optional<queue::Failure>& trouble) {
        if (trouble) {
            logging::warning("{}: {}", message.id(), trouble->text);
            loop_.spawn(remove_stubbornly(message));
            return;
        }
        logging::info("{}: removed", message.id());
        drop(message);
    };
    disk_.run(std::move(job), std::move(done));
}

// While it stays in memory, locked, it is not delivered a second time.
event::Task<void> Scheduler::remove_stubbornly(Message& message) {
    co_await event::sleep_for(loop_, kDiskPause);
    remove(message);
}

void Scheduler::drop(Message& message) {
    recipients_ -= message.states.size();
    active_.erase(message.id());
    if (on_room_)
        on_room_();
}

}  // namespace qmgr
