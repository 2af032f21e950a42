// lib/queue/files.h - messages as files in folders, and the lock on them. For lib/queue alone (test/lint/lint.py looks):
// everybody else has claims (claim.h) and names.
//
// `root` is the descriptor of the queue directory. Every call may block.
//
// Failure     Failure names the call and the file. A file that is not there is no trouble: tools may remove or move one at
//             any time, and each call says so in its result.
// Trust       ids are queue ids, checked by who calls; links and odd file types are not opened.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "lib/event/fd.h"
#include "lib/queue/failure.h"
#include "lib/queue/queue_name.h"

namespace queue::files {

std::string path_of(QueueName queue, std::string_view id);
// With errno.
Failure trouble(std::string_view call, std::string_view what);

// No value: there is no such file there.
std::expected<std::optional<event::Fd>, Failure> open(int root, QueueName queue, std::string_view id, bool writable);
std::expected<bool, Failure> move(int root, std::string_view id, QueueName from, QueueName to);
std::expected<bool, Failure> remove(int root, QueueName queue, std::string_view id);
// The time before which the queue manager leaves a deferred message alone.
std::expected<bool, Failure> set_due(int root, QueueName queue, std::string_view id, std::int64_t when);
// The queue that holds the id; of all but the maildrop, whose ids are its own.
std::optional<QueueName> find(int root, std::string_view id);

// The lock that says "somebody works on this file". It belongs to the open file, so it travels with the descriptor to other
// processes and ends when the last copy is closed.
bool try_lock(int file);
bool is_locked_by_another(int file);
// Waits: only a scan can hold the lock of a file that was just made, and only for a moment.
bool lock(int file);

// One write; the caller keeps the end offset and adds the size of `records` to it.
std::expected<void, Failure> append_statuses(int file, std::uint64_t end, std::string_view records);

// The mark of postsuper -e and -f is a mode bit, as in Postfix.
inline constexpr mode_t kExpireBit = 0001;

}  // namespace queue::files
