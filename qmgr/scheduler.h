// qmgr/scheduler.h - the active queue: messages come in, deliveries go out, results decide.
//
// A message is routed recipient by recipient, waits in the rings of its destinations, and is finished when every
// recipient has an answer: removed when all is done, else put into deferred/ with the time of its next attempt.
// A result is written into the queue file before the file is renamed or a report is dropped; only a message that
// is wholly delivered skips that, because its removal says the same.
//
// Failure     a disk that cannot be written keeps the message in memory and is tried again; nothing is forgotten.
// Trust       what agents say is bounded and taken only for what they were asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "lib/config/main_cf.h"
#include "lib/ipc/records/bounce.h"
#include "lib/ipc/service_client.h"
#include "lib/time/jump.h"
#include "qmgr/disk.h"
#include "qmgr/message.h"
#include "qmgr/params.h"
#include "qmgr/routing.h"
#include "qmgr/transport.h"

namespace qmgr {

class Scheduler final : public DeliveryOwner {
  public:
    Scheduler(event::Loop& loop, const Params& params, const config::MainCf& main_cf, Routing& routing);

    // Takes the message over, with its claim.
    void admit(std::unique_ptr<Message> message);
    bool is_active(const std::string& id) const { return active_.contains(id); }
    std::size_t active() const { return active_.size(); }

    // Whether one more message may come in. Old mail leaves half of the places to new mail.
    bool has_room(bool old_mail) const;
    // Called whenever a message has left.
    void on_room(std::function<void()> call) { on_room_ = std::move(call); }

    // Forgets what is known about dead destinations and services.
    void revive_all();
    // Where the system clock was set, nothing is returned as too old, and no sender is warned, for a while.
    void look_at_clock();
    // Called when it was.
    void on_clock_jump(std::function<void()> call) { on_clock_jump_ = std::move(call); }
    // Deliveries under way and changes on the disk: what a process that leaves has to wait for.
    std::size_t unfinished() const;
    // No new deliveries from now on; messages that no agent holds are let go, for the next process. What waits for a table
    // is told to stop, and let go when it has.
    void drain();

  private:
    bool may_start() const override { return !draining_; }
    event::Fd open_content(Message& message) override;
    void recipient_answered(Message& message, const ipc::records::RecipientResult& result) override;
    void answers_given(Message& message) override;
    void set_aside(Message& message, const std::vector<std::uint32_t>& recipients, const std::string& dsn,
        const std::string& reason, bool wanted) override;

    Transport& transport(const std::string& name);
    event::Task<void> route(Message& message);
    void routed(Message& message);
    static bool is_idle(const Message& message);
    event::Task<bool> route_one(Message& message, std::uint32_t index, Route& route);
    void defer_here(Message& message, std::uint32_t index, const std::string& dsn, const std::string& reason);
    static void note_for_all(Message& message, queue::Outcome outcome);
    void note_result(Message& message, std::uint32_t index, Phase phase, queue::Outcome outcome);
    void abandon(Message& message);

    void save_some(Message& message);
    event::Task<void> save_all(Message& message);
    event::Task<void> finish(Message& message);
    event::Task<void> report_failures(Message& message);
    event::Task<void> report_delay(Message& message);
    event::Task<void> put_off(Message& message);
    void remove(Message& message);
    event::Task<void> remove_stubbornly(Message& message);
    void expire(Message& message);
    bool is_over_age(const Message& message, std::int64_t now) const;
    bool clock_is_sound();
    event::Task<void> report_success(Message& message);
    ipc::records::BounceRequest make_report(const Message& message, ipc::records::BounceKind kind, Phase phase) const;
    void drop(Message& message);

    event::Loop& loop_;
    const Params& params_;
    const config::MainCf& main_cf_;
    Routing& routing_;
    question::Asker asker_;
    Disk disk_;
    ipc::RecordClient<ipc::records::BounceRequest, ipc::records::BounceReply> bounce_;
    std::unordered_map<std::string, std::unique_ptr<Message>> active_;
    std::map<std::string, std::unique_ptr<Transport>> transports_;
    std::size_t recipients_ = 0;
    std::size_t limit_;
    wall_clock::JumpWatch clock_;
    Clock::time_point no_expiry_until_{};
    std::function<void()> on_clock_jump_;
    bool draining_ = false;
    std::function<void()> on_room_;
};

}  // namespace qmgr
