// lib/queue/claim.h - a message that this process works on, and nobody else: what it is, and what becomes of it.
//
//     std::expected<queue::Claimed, queue::Refusal> got = spool.claim(id);
//     got->message.envelope ...                      // who sent it, who shall get it, what became of them so far
//     got->claim.content()                           // (descriptor, offset, length), to read or to pass on
//     got->claim.record(results); got->claim.defer(until);   // or hold(), remove(), release()
//
// A claim is a lock that travels with the message: from cleanup, which makes it, to the queue manager. While somebody has
// it, no other queue manager takes the message, and nobody takes it for debris. Tools of the administrator do as they are
// told all the same; a claim copes with a message that is gone or was moved.
//
// Where a message lies is not known outside of lib/queue. Every call may block but those that say otherwise.
//
// Failure     Failure, when the system refuses: the claim and the message are as before, and the call may be made again.
// Lifetime    a claim that ends without remove() leaves the message where it is, for the next who looks. The Spool outlives
//             it.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "lib/event/fd.h"
#include "lib/ipc/records/qmgr.h"
#include "lib/queue/failure.h"
#include "lib/queue/file_content.h"
#include "lib/queue/message.h"
#include "lib/queue/queue_name.h"

namespace queue {

// A claim on its way to the queue manager.
struct Handover {
    ipc::records::QueueHandover record;
    event::Fd file;
};

class Claim {
  public:
    // By Spool and QueueWriter. `end` is where the next result belongs.
    Claim(int root, QueueName queue, std::string id, event::Fd file, ipc::records::ContentPlace place, std::uint64_t end);
    Claim(Claim&&) noexcept = default;
    Claim& operator=(Claim&&) noexcept = default;

    // These do not block.
    const std::string& id() const { return id_; }
    const ipc::records::ContentPlace& place() const { return place_; }
    // Lets go; the message stays where it is.
    void release() { file_.reset(); }
    // With the envelope as it was committed; nothing is left here.
    Handover hand_over(std::string envelope) &&;

    // Read-only, and of its own: it may be given to others. No value: a tool has removed or moved the message.
    std::expected<std::optional<FileContent>, Failure> content() const;
    // Adds results (encode_status) to what is known of the recipients. One call at a time.
    std::expected<void, Failure> record(std::string_view results);
    // Nobody tries it before `until`, in seconds since 1970. Keeps the claim.
    std::expected<void, Failure> defer(std::int64_t until);
    // For the administrator. Keeps the claim.
    std::expected<void, Failure> hold();
    // Also where a tool has moved it meanwhile. Ends the claim.
    std::expected<void, Failure> remove();

  private:
    std::expected<void, Failure> move_to(QueueName queue);

    int root_;
    QueueName queue_;
    std::string id_;
    event::Fd file_;  // locked
    ipc::records::ContentPlace place_;
    std::uint64_t end_;
};

struct Claimed {
    Claim claim;
    Message message;
};

// Why there is no claim.
struct Refusal {
    enum class Kind {
        gone,        // there is no such message, or no longer
        busy,        // somebody else works on it, or still writes it
        removed,     // was left unfinished by a crash and never acknowledged: nothing is left of it
        set_apart,   // damaged; for the administrator now
        unreadable,  // the system could not read it now
    };
    Kind kind = Kind::gone;
    std::string text;  // for the log; empty where there is nothing to say
};

}  // namespace queue
