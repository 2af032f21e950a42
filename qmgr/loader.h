// qmgr/loader.h - claims messages that wait, for the active queue.
//
// Failure     what lib/queue could not claim is in the log where it says something: damaged, left by a crash, unreadable
// now. Trust       nothing in a file is believed before its checksums hold, the content's too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
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
    bool fresh = false;             // whatever is there: nobody has handed it over
    bool due = false;               // whose time has come
    bool all = false;               // whatever is there, because somebody asked for it
    std::set<std::string> sites;    // with a recipient in one of these domains, because somebody asked

    // By its name alone; where that does not decide, it is read, and is_flushed() says.
    bool is_due(const queue::Entry& entry) const {
        return fresh || (due && (entry.due <= now || entry.due > now + longest_wait));
    }
    bool is_flushed(const Message& message) const;
};

struct Slice {
    std::vector<std::unique_ptr<Message>> messages;
    bool end = false;
};
// The next messages of a scan, a few dozen at most, having looked at a few thousand names at most.
Slice load_slice(const queue::Spool& spool, queue::Scan& scan, const Wanted& wanted);

}  // namespace qmgr
