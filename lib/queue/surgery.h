// lib/queue/surgery.h - what the administrator does to messages, whoever works on them: postsuper(1).
//
// Works on the folders alone, whether the mail system runs or not; claims cope with what goes or moves under them.
//
// Failure     Failure, when the system refuses; false where there is no such message in that queue, or nothing to do.
#pragma once

#include "lib/queue/spool.h"

namespace queue {

class Surgery {
  public:
    explicit Surgery(const Spool& spool) : spool_{spool}, root_{spool.root_.get()} {}

    std::expected<bool, Failure> remove(QueueName queue, std::string_view id) const;
    std::expected<bool, Failure> hold(QueueName queue, std::string_view id) const;
    // From hold; due at once.
    std::expected<bool, Failure> release(std::string_view id) const;
    // As if it were submitted here anew.
    std::expected<bool, Failure> requeue(QueueName queue, std::string_view id) const;
    // Returned to its sender after the next attempt, however old it is.
    std::expected<bool, Failure> expire(QueueName queue, std::string_view id) const;

    // What is damaged is set apart, what has a wrong name gets its own back. The text says what was done; empty: nothing.
    std::string check(const Entry& entry) const;
    // What a crash left unfinished an hour ago or more: never acknowledged, and nobody writes it.
    bool purge(const Entry& entry) const;

  private:
    const Spool& spool_;
    int root_;
};

// Where unfinished messages can be.
inline std::vector<QueueName> purged_queues() { return {QueueName::incoming, QueueName::maildrop}; }

}  // namespace queue
