// qmgr/loader.h - claims messages that wait, for the active queue.
//
// Failure     what lib/queue could not claim is in the log where it says something: damaged, left by a crash, unreadable
// now. Trust       nothing in a file is believed before its checksums hold, the content's too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/queue/spool.h"
#include "qmgr/message.h"

namespace qmgr {

// Blocks: for the thread pool. No message where it is gone, or somebody else works on it.
std::unique_ptr<Message> load_message(std::expected<queue::Claimed, queue::Refusal> claimed, const std::string& id);

// Which messages of a directory are wanted.
struct Wanted {
    std::int64_t now = 0;
    std::int64_t longest_wait = 0;  // a due time further ahead comes from a clock that was set
    bool all = false;
    std::string site;  // only messages with a recipient in this domain

    bool is_due(const queue::Entry& entry) const { return all || entry.due <= now || entry.due > now + longest_wait; }
    bool is_for_site(const Message& message) const;
};

struct Slice {
    std::vector<std::unique_ptr<Message>> messages;
    bool end = false;
};
// The next messages of a scan, a few dozen at most, having looked at a few thousand names at most.
Slice load_slice(const queue::Spool& spool, queue::Scan& scan, const Wanted& wanted);

}  // namespace qmgr
