// lib/queue/spool.h - the queue: new messages in, messages out to whoever works on them, looks at what waits.
//
// How messages lie below the queue directory is known in lib/queue only. Others name a queue (queue_name.h) where a person
// or a tool named it, and hold claims (claim.h) on messages.
//
// Failure     Failure names the call and the file.
// Trust       only names that are queue ids are touched; links and odd file types are not opened. Nothing in a file is
//             believed before its checksums hold.
// Lifetime    outlives its claims and scans. Every call may block: run it in a thread pool.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/event/fd.h"
#include "lib/queue/claim.h"
#include "lib/queue/queue_file.h"
#include "lib/queue/queue_id.h"
#include "lib/queue/scan.h"

namespace queue {

// A message as it is, whoever works on it. Nothing is locked by looking.
struct Seen {
    Message message;
    FileContent content;
    Layout layout;
    bool claimed = false;  // somebody works on it
    QueueName queue{};     // active, where it is being delivered
    std::string label;     // for messages to people: "deferred/4XyZ8m1FQmz9sVx"
};

// What a user has submitted here, as pickup finds it.
struct Submission {
    std::string id;
    Message message;
    FileContent content;
    uid_t owner = 0;
    bool requeued = false;  // it was in the queue before (postsuper -r): only the mail owner can have put it there
    std::int64_t dropped_us = 0;
};

class Spool {
  public:
    // `directory` is "." in programs, which stand in the queue directory already.
    static std::expected<Spool, Failure> open(const std::string& directory);

    // Makes the folders that are missing, for tests and for a fresh instance.
    std::expected<void, Failure> create_directories() const;
    // Free bytes for unprivileged users.
    std::expected<std::uint64_t, Failure> free_space() const;
    // Who owns the queue: whoever may write into it may as well tell the queue manager about it.
    std::expected<uid_t, Failure> owner() const;
    IdSource make_ids(IdForm form) const;

    // A new message: incoming, hold or maildrop. Fails when the name is taken.
    std::expected<QueueWriter, Failure> create(QueueName queue, std::string_view id) const;

    // One that a scan has found, checked whole. What is damaged is set apart, what a crash left is removed.
    std::expected<Claimed, Refusal> claim(const Entry& entry) const;
    // One that waits for an attempt.
    std::expected<Claimed, Refusal> claim(std::string_view id) const;
    // From cleanup, as Claim::hand_over() made it: a reason where it is not that. Does not block.
    std::expected<Claimed, std::string> accept(ipc::records::QueueHandover record, event::Fd file) const;

    std::expected<Seen, Damage> look(const Entry& entry, Verify verify) const;
    // Wherever it is; no value: nowhere.
    std::optional<std::expected<Seen, Damage>> look(std::string_view id, Verify verify) const;
    std::optional<QueueName> find(std::string_view id) const;

    // What waits in these queues, one after the other.
    Scan scan(std::vector<QueueName> queues) const { return Scan{root_.get(), std::move(queues)}; }

    // --- for pickup

    // While it is held no other pickup collects; no value where one does.
    std::optional<event::Fd> lock_submissions() const;
    std::expected<Submission, Refusal> take_submission(std::string_view id) const;
    std::expected<void, Failure> remove_submission(std::string_view id) const;

  private:
    friend class Surgery;
    Spool(std::string directory, event::Fd root) : directory_{std::move(directory)}, root_{std::move(root)} {}
    Refusal closed_submission(std::string_view id, const Failure& trouble) const;
    Refusal settle_damage(const Entry& entry, const event::Fd& file, const Damage& damage) const;
    Refusal set_apart(const Entry& entry, const std::string& why) const;

    std::string directory_;
    event::Fd root_;
};

// Where the queue manager looks for mail: fresh, and due.
inline std::vector<QueueName> fresh_queues() { return {QueueName::active, QueueName::incoming}; }
inline std::vector<QueueName> deferred_queues() { return {QueueName::deferred}; }

}  // namespace queue
