#include "qmgr/transport.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "lib/log/log.h"

namespace qmgr {

using ipc::records::DeliverRecipient;
using ipc::records::DeliverRequest;
using ipc::records::DeliverResult;
using ipc::records::RecipientResult;

namespace {

constexpr int kMaxAttempts = 1;  // how often a delivery survives its agent
constexpr int kMaxDeaths = 1;    // and how often in a row an agent may break off before it is left alone
constexpr std::size_t kManyDestinations = 1000;

ipc::ServiceSettings agent_settings(const std::string& name) {
    ipc::ServiceSettings settings("private/" + name, std::chrono::seconds(30));
    settings.max_frame = 4 << 20;
    return settings;
}

DeliverRequest make_request(const Delivery& delivery, const std::string& transport, std::uint64_t id) {
    const Message& message = *delivery.message;
    DeliverRequest request;
    request.request_id = id;
    request.queue_id = message.id();
    request.transport = transport;
    request.nexthop = delivery.destination->nexthop;
    request.content = message.claim.place();
    request.mail = message.envelope.mail;
    request.active_us = message.active_us;
    for (const std::uint32_t index : delivery.recipients) {
        DeliverRecipient& to = request.recipients.emplace_back();
        to.index = index;
        to.recipient = message.envelope.recipients[index];
    }
    return request;
}

}  // namespace

Transport::Transport(event::Loop& loop, std::string name, TransportLimits limits, std::chrono::seconds dead_time,
    std::chrono::seconds retry_time, DeliveryOwner& owner)
    : loop_{loop},
      name_{std::move(name)},
      limits_{limits},
      dead_time_{dead_time},
      retry_time_{retry_time},
      owner_{owner},
      link_{loop, agent_settings(name_), *this} {}

Destination& Transport::destination(const std::string& key, const std::string& nexthop) {
    std::unique_ptr<Destination>& slot = destinations_[key];
    if (!slot)
        slot = std::make_unique<Destination>(nexthop, limits_.window);
    return *slot;
}

bool Transport::is_dead(Destination& destination) {
    if (destination.window.dead() && Clock::now() >= destination.dead_until)
        destination.window.revive();
    return destination.window.dead();
}

void Transport::enter_ring(Destination& destination) {
    if (destination.in_ring || destination.jobs.empty())
        return;
    destination.in_ring = true;
    ring_.push_back(&destination);
}

void Transport::add(
    Message& message, const std::string& key, const std::string& nexthop, std::vector<std::uint32_t> recipients) {
    if (limits_.deferred && !message.flush)
        return owner_.set_aside(message, recipients, "4.3.2", "deferred transport", true);
    sweep();
    if (Clock::now() < throttled_until_ && !message.insist)
        return owner_.set_aside(message, recipients, "4.3.0", throttle_reason_, false);
    Destination& target = destination(key, nexthop);
    if (message.insist && target.window.dead())
        target.window.revive();
    if (is_dead(target))
        return owner_.set_aside(message, recipients, target.dead_dsn, target.dead_reason, false);
    target.jobs.push_back({&message, std::move(recipients), 0});
    enter_ring(target);
}

// Takes the next recipients of the job in front; the job goes to the end of its ring while it has more.
void Transport::start_delivery(Destination& target) {
    Job job = std::move(target.jobs.front());
    target.jobs.pop_front();
    const std::size_t left = job.recipients.size() - job.taken;
    const std::size_t most = limits_.recipients > 0 ? static_cast<std::size_t>(limits_.recipients) : left;
    const auto from = job.recipients.begin() + static_cast<std::ptrdiff_t>(job.taken);
    const std::size_t count = std::min(left, most);

    Delivery delivery;
    delivery.message = job.message;
    delivery.destination = &target;
    delivery.recipients.assign(from, from + static_cast<std::ptrdiff_t>(count));
    job.taken += count;
    if (count < left)
        target.jobs.push_back(std::move(job));
    ++target.busy;
    ++delivery.message->in_delivery;
    const std::uint64_t id = next_id_++;
    send(id, outstanding_.emplace(id, std::move(delivery)).first->second);
}

void Transport::send(std::uint64_t id, Delivery& delivery) {
    event::Fd content = owner_.open_content(*delivery.message);
    if (!content) {  // removed or moved by a tool: nothing to deliver any more
        delivery.message->open -= delivery.recipients.size();
        delivery.recipients.clear();
        return end_delivery(id, DeliverResult{});
    }
    link_.write(make_request(delivery, name_, id), std::move(content));
}

void Transport::pump() {
    const auto most = static_cast<std::size_t>(limits_.deliveries);
    const bool work = !ring_.empty() || !again_.empty();
    if (!work || outstanding_.size() >= most || !owner_.may_start())
        return;
    if (!link_.ready())
        return link_.want();
    while (!again_.empty()) {
        auto [id, delivery] = std::move(again_.front());
        again_.pop_front();
        send(id, outstanding_.emplace(id, std::move(delivery)).first->second);
    }
    while (!ring_.empty() && outstanding_.size() < most && link_.ready()) {
        Destination& target = *ring_.front();
        ring_.pop_front();
        target.in_ring = false;
        if (target.jobs.empty() || is_dead(target) || !target.window.has_room(target.busy))
            continue;  // enters again when a delivery ends or the destination is revived
        start_delivery(target);
        enter_ring(target);
    }
}

void Transport::link_ready() { pump(); }

void Transport::link_frame(std::string_view frame) {
    const auto result = ipc::decode<DeliverResult>(frame);
    if (!result) {
        logging::warning("private/{}: {}", name_, result.error());
        return;
    }
    const auto found = outstanding_.find(result->request_id);
    if (found == outstanding_.end()) {
        logging::warning("private/{}: an answer to request {}, which was not asked", name_, result->request_id);
        return;
    }
    deaths_ = 0;
    Delivery& delivery = found->second;
    for (const RecipientResult& answer : result->recipients) {
        const auto at = std::find(delivery.recipients.begin(), delivery.recipients.end(), answer.index);
        if (at == delivery.recipients.end())
            continue;  // answered before, or never asked
        delivery.recipients.erase(at);
        owner_.recipient_answered(*delivery.message, answer);
    }
    if (result->last)
        end_delivery(result->request_id, *result);
    else
        owner_.answers_given(*delivery.message);
    pump();
}

void Transport::note_health(Destination& target, const DeliverResult& result) {
    if (!result.destination_failed)
        return target.window.succeeded(target.busy);
    target.window.failed();
    if (target.window.dead()) {
        const std::string dsn = result.failure_dsn.starts_with("4.") ? result.failure_dsn : "4.4.1";
        suspend(target, dsn, result.failure_text);
    }
}

void Transport::suspend(Destination& target, const std::string& dsn, const std::string& reason) {
    target.dead_until = Clock::now() + dead_time_;
    target.dead_dsn = dsn;
    target.dead_reason = "delivery temporarily suspended: " + reason;
    const std::string why = target.dead_reason;
    abandon(std::exchange(target.jobs, {}), dsn, why);
}

void Transport::abandon(std::deque<Job> jobs, const std::string& dsn, const std::string& reason) {
    for (Job& job : jobs) {
        job.recipients.erase(job.recipients.begin(), job.recipients.begin() + static_cast<std::ptrdiff_t>(job.taken));
        owner_.set_aside(*job.message, job.recipients, dsn, reason, false);
    }
}

void Transport::end_delivery(std::uint64_t id, const DeliverResult& result) {
    const auto found = outstanding_.find(id);
    const Delivery delivery = std::move(found->second);
    outstanding_.erase(found);
    Destination& target = *delivery.destination;
    for (const std::uint32_t index : delivery.recipients) {
        RecipientResult none;
        none.index = index;
        none.dsn = "4.3.0";
        none.text = "the delivery agent gave no answer";
        owner_.recipient_answered(*delivery.message, none);
    }
    note_health(target, result);
    --target.busy;
    --delivery.message->in_delivery;
    enter_ring(target);
    owner_.answers_given(*delivery.message);
}

void Transport::link_down(const std::string& reason, bool reached) {
    auto broken = std::exchange(outstanding_, {});
    if (!reached)
        return throttle(reason);
    if (!broken.empty())
        logging::warning("private/{}: {} with {} deliveries under way", name_, reason, broken.size());
    const bool died = !broken.empty();
    std::vector<Delivery> given_up;
    for (auto& [id, delivery] : broken) {
        if (!delivery.recipients.empty() && delivery.attempts++ < kMaxAttempts)
            again_.emplace_back(id, std::move(delivery));
        else
            given_up.push_back(std::move(delivery));
    }
    // An agent that takes requests and breaks off would otherwise get the whole queue in no time.
    if (died && ++deaths_ > kMaxDeaths)
        throttle(reason);
    // They were there each time the agent went down: they may be the reason, so this counts as an attempt.
    for (Delivery& delivery : given_up)
        put_back(delivery, "the delivery agent gave no answer", true);
    pump();
}

// A delivery that no agent holds any more.
void Transport::put_back(Delivery& delivery, const std::string& reason, bool counts) {
    Destination& target = *delivery.destination;
    --target.busy;
    --delivery.message->in_delivery;
    enter_ring(target);
    if (delivery.recipients.empty())  // all answered; only the last word was missing
        return owner_.answers_given(*delivery.message);
    owner_.set_aside(*delivery.message, delivery.recipients, "4.3.0", reason, counts);
}

void Transport::throttle(const std::string& reason) {
    logging::warning("private/{}: {}; mail for it waits {} s", name_, reason, retry_time_.count());
    throttled_until_ = Clock::now() + retry_time_;
    throttle_reason_ = "mail transport unavailable";
    deaths_ = 0;
    // What is set aside can end a message, which makes room for another, which may add a destination here: nothing of
    // ours is walked through while the owner is told.
    std::deque<Job> jobs;
    for (auto& [key, target] : destinations_)
        std::ranges::move(std::exchange(target->jobs, {}), std::back_inserter(jobs));
    for (Destination* target : std::exchange(ring_, {}))
        target->in_ring = false;
    auto again = std::exchange(again_, {});
    for (auto& [id, delivery] : again)
        put_back(delivery, throttle_reason_, false);
    abandon(std::move(jobs), "4.3.0", throttle_reason_);
}

void Transport::revive() {
    throttled_until_ = {};
    for (auto& [key, target] : destinations_) {
        if (target->window.dead())
            target->window.revive();
    }
}

std::size_t Transport::forget(const Message& message) {
    std::size_t dropped = 0;
    for (auto& [key, target] : destinations_) {
        std::erase_if(target->jobs, [&](const Job& job) {
            if (job.message != &message)
                return false;
            dropped += job.recipients.size() - job.taken;
            return true;
        });
    }
    return dropped;
}

void Transport::drop_jobs() {
    for (auto& [key, target] : destinations_)
        target->jobs.clear();
}

// Destinations that nobody needs any more would add up over the months.
void Transport::sweep() {
    if (destinations_.size() < kManyDestinations || Clock::now() - swept_ < retry_time_)
        return;
    swept_ = Clock::now();
    std::erase_if(destinations_, [](const auto& item) {
        const Destination& target = *item.second;
        return target.jobs.empty() && target.busy == 0 && !target.in_ring && !target.window.dead();
    });
}

}  // namespace qmgr
