// qmgr/transport.h - one delivery service, its destinations, and what it is doing.
//
// Turn-taking: the destinations that have work and room in their window stand in a ring; each gets one delivery
// and goes to the end. Within a destination the messages stand in a ring too, so that a list with thousands of
// recipients and a letter to one person advance together.
//
// Failure     a service that cannot be reached is left alone for transport_retry_time; what waited for it goes back
//             to the scheduler with the reason. A connection that breaks gives its deliveries back once; where the next
//             breaks too, before anything was answered, the service is left alone as well.
// Lifetime    made by the Scheduler when first needed, and kept.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/ipc/records/deliver.h"
#include "lib/ipc/service_link.h"
#include "qmgr/message.h"
#include "qmgr/transport_limits.h"
#include "qmgr/window.h"

namespace qmgr {

using Clock = event::Clock;

// Recipients of one message for one destination.
struct Job {
    Message* message = nullptr;
    std::vector<std::uint32_t> recipients;
    std::size_t taken = 0;  // recipients already in deliveries
};

struct Destination {
    Destination(std::string name, const WindowLimits& limits) : nexthop{std::move(name)}, window{limits} {}

    std::string nexthop;
    Window window;
    std::deque<Job> jobs;
    int busy = 0;
    bool in_ring = false;
    Clock::time_point dead_until{};
    std::string dead_dsn;
    std::string dead_reason;
};

// What an agent is asked to do.
struct Delivery {
    Message* message = nullptr;
    Destination* destination = nullptr;
    std::vector<std::uint32_t> recipients;  // those without an answer yet
    int attempts = 0;                       // connections that broke under it
};

// Whom a Transport reports to.
class DeliveryOwner {
  public:
    // False while the process is about to leave.
    virtual bool may_start() const = 0;
    // A read-only descriptor of the content; none where the file is gone, which marks the message.
    virtual event::Fd open_content(Message& message) = 0;
    virtual void recipient_answered(Message& message, const ipc::records::RecipientResult& result) = 0;
    // All answers of one agent record were given.
    virtual void answers_given(Message& message) = 0;
    // The destination or service is out of order: these recipients wait for another day. `wanted` where the
    // administrator wants it so (defer_transports), which counts as an attempt.
    virtual void set_aside(Message& message, const std::vector<std::uint32_t>& recipients, const std::string& dsn,
        const std::string& reason, bool wanted) = 0;

  protected:
    ~DeliveryOwner() = default;
};

class Transport final : ipc::ServiceLink::Owner {
  public:
    Transport(event::Loop& loop, std::string name, TransportLimits limits, std::chrono::seconds dead_time,
        std::chrono::seconds retry_time, DeliveryOwner& owner);

    const std::string& name() const { return name_; }
    const TransportLimits& limits() const { return limits_; }

    // Adds recipients of a message, all of which go to `nexthop`. `key` names the destination.
    void add(Message& message, const std::string& key, const std::string& nexthop, std::vector<std::uint32_t> recipients);
    // Starts what may start now.
    void pump();
    // Forgets that destinations, or the service itself, were out of order.
    void revive();
    // Drops what has not been given to an agent yet, and says how many recipients that were.
    std::size_t forget(const Message& message);
    // Drops everything that has not been given to an agent.
    void drop_jobs();
    std::size_t outstanding() const { return outstanding_.size(); }

  private:
    void link_ready() override;
    void link_frame(std::string_view frame) override;
    void link_down(const std::string& reason, bool reached) override;

    Destination& destination(const std::string& key, const std::string& nexthop);
    bool is_dead(Destination& destination);
    void enter_ring(Destination& destination);
    void start_delivery(Destination& destination);
    void send(std::uint64_t id, Delivery& delivery);
    void end_delivery(std::uint64_t id, const ipc::records::DeliverResult& result);
    void note_health(Destination& destination, const ipc::records::DeliverResult& result);
    void suspend(Destination& destination, const std::string& dsn, const std::string& reason);
    void abandon(std::deque<Job> jobs, const std::string& dsn, const std::string& reason);
    void put_back(Delivery& delivery, const std::string& reason, bool counts);
    void throttle(const std::string& reason);
    void sweep();

    event::Loop& loop_;
    std::string name_;
    TransportLimits limits_;
    std::chrono::seconds dead_time_;
    std::chrono::seconds retry_time_;
    DeliveryOwner& owner_;
    ipc::ServiceLink link_;
    std::unordered_map<std::string, std::unique_ptr<Destination>> destinations_;
    std::deque<Destination*> ring_;
    std::unordered_map<std::uint64_t, Delivery> outstanding_;
    std::deque<std::pair<std::uint64_t, Delivery>> again_;  // deliveries whose connection broke
    std::uint64_t next_id_ = 1;
    Clock::time_point throttled_until_{};
    std::string throttle_reason_;
    int deaths_ = 0;  // connections that broke under deliveries, in a row
    Clock::time_point swept_{};
};

}  // namespace qmgr
