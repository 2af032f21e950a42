// qmgr/message.h - a message in the active queue, and where each of its recipients stands.
//
// Lifetime    owned by the Scheduler from admit() until it is finished; the claim lasts so long.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/event/task.h"
#include "lib/queue/claim.h"

namespace qmgr {

enum class Phase : std::uint8_t {
    waiting,  // in a destination's list, or with an agent
    delivered,
    deferred,  // tried in this round, or set aside; for a later one
    bounced,   // failed for good; the sender does not know yet
    reported,  // at its end, and the sender was told or wanted no report
};

struct RecipientState {
    Phase phase = Phase::waiting;
    bool tried = false;      // an agent for its real destination has answered in this round
    bool set_aside = false;  // the destination is out of order; retry(8) only writes that down
    std::string dsn;         // of the last result that was no success
    std::string text;
    std::string remote_mta;
    std::string remote_reply;
    envelope::Action action = envelope::Action::unsaid;  // of a delivery, where known
    std::int64_t when = 0;
};

struct Message {
    explicit Message(queue::Claimed claimed);

    queue::Claim claim;
    queue::Envelope envelope;
    std::vector<RecipientState> states;  // parallel to envelope.recipients
    std::int64_t active_us = 0;
    std::size_t open = 0;               // recipients that are waiting
    std::size_t in_delivery = 0;        // requests that agents hold
    event::Context* routing = nullptr;  // while its recipients are being routed: the task that does it, and refers to us
    bool finishing = false;
    bool expire = false;  // the administrator wants it back now
    bool flush = false;   // somebody asked for it: defer_transports is no obstacle
    bool insist = false;  // asked for, or its last try: a dead destination is no obstacle
    bool delay_reported = false;
    bool expansion_reported = false;
    bool vanished = false;  // a tool removed or moved the file
    std::string unsaved;    // status records not yet on the disk
    bool saving = false;

    const std::string& id() const { return claim.id(); }
    std::int64_t arrival() const { return envelope.mail.arrival_us / 1'000'000; }
    // Whether the sender waits for a report that this recipient has the message (RFC 3461, 5.2).
    bool owes_success(std::size_t index) const;
    // The same for any recipient, or for an address that was expanded.
    bool owes_success() const;
};

}  // namespace qmgr
