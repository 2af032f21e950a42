// lib/queue/spool.h - the directories of the queue: finding, opening, moving and removing messages.
//
// A message is in `incoming` until its first attempt is over, then in `deferred`, or in `hold` or `corrupt`.
// Being active is a state of the queue manager and shows as a lock on the file, not as a place; `active` exists
// because tools of others look for it, and is searched like the rest.
//
// Failure     Trouble names the call and the file. A message that is not there is no trouble: tools may remove
//             or move one at any time, and each call says so in its result.
// Trust       only names that are queue ids are touched; links and odd file types are not opened.
#pragma once

#include <dirent.h>

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/event/fd.h"
#include "lib/queue/queue_file.h"

namespace queue {

inline constexpr std::array<std::string_view, 4> kMessageQueues{"hold", "incoming", "active", "deferred"};

// Blocking calls below the queue directory.
class Spool {
  public:
    // `directory` is "." in programs, which stand in the queue directory already.
    static std::expected<Spool, Trouble> open(const std::string& directory);

    int root() const { return root_.get(); }

    // Makes the directories that are missing, for tests and for a fresh instance.
    std::expected<void, Trouble> create_directories() const;

    // No value: there is no such message there.
    std::expected<std::optional<event::Fd>, Trouble> open_message(
        std::string_view queue, std::string_view id, bool writable) const;
    std::expected<bool, Trouble> move(std::string_view id, std::string_view from, std::string_view to) const;
    std::expected<bool, Trouble> remove(std::string_view queue, std::string_view id) const;

    // The time before which the queue manager leaves a deferred message alone.
    std::expected<bool, Trouble> set_due(std::string_view queue, std::string_view id, std::int64_t when) const;

    // The queue that holds the id, of kMessageQueues and corrupt.
    std::optional<std::string> find(std::string_view id) const;

    // Free bytes for unprivileged users, or the errno text.
    std::expected<std::uint64_t, Trouble> free_space() const;

  private:
    explicit Spool(event::Fd root) : root_{std::move(root)} {}
    event::Fd root_;
};

struct Entry {
    std::string id;
    std::int64_t due = 0;  // modification time, seconds
    mode_t mode = 0;
    std::int64_t size = 0;
};

// Reads a directory in slices, so that a million messages take neither memory nor a long wait.
class DirectoryScan {
  public:
    static std::expected<DirectoryScan, Trouble> open(const Spool& spool, std::string_view queue);

    // At most `count` entries that are queue ids, with their times; empty at the end.
    std::vector<Entry> next(std::size_t count);

  private:
    struct Close {
        void operator()(DIR* directory) const { closedir(directory); }
    };
    explicit DirectoryScan(DIR* directory) : directory_{directory} {}
    std::unique_ptr<DIR, Close> directory_;
};

}  // namespace queue
