// lib/ipc/records/qmgr.h - what others tell the queue manager.
//
// All of it over public/qmgr. cleanup sends a QueueHandover with each message that it has just committed, and
// the file's descriptor, whose lock travels with it. There is no reply: the message is on the disk, and a hand-over
// that gets lost is found by the next look into incoming/.
//
// postqueue, sendmail -q, postsuper and cleanup send a QmgrCommand; a QmgrAnswer follows, except to scan_incoming.
//
// Trust       users reach this socket through set-gid tools. So commands offer only what cannot harm, trying again
//             earlier; a hand-over is taken only from the owner of incoming/ (SO_PEERCRED).
#pragma once

#include <cstdint>
#include <string>

#include "lib/ipc/record.h"
#include "lib/ipc/records/content.h"

namespace ipc::records {

struct QueueHandover {
    std::string queue_id;
    ContentPlace content;
    std::uint64_t status_offset = 0;  // where the first status record belongs
    std::string envelope;             // as in the file, lib/queue/envelope.h

    static constexpr std::string_view kRecord = "queue_handover/2";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("queue_id", &QueueHandover::queue_id),
            ipc::field("content", &QueueHandover::content), ipc::field("status_offset", &QueueHandover::status_offset),
            ipc::field("envelope", &QueueHandover::envelope)};
    }
};

enum class QmgrVerb : std::int32_t {
    scan_incoming = 0,  // something may have been missed
    scan_deferred = 1,  // look for messages that are due
    flush_all = 2,      // try everything now, dead destinations too
    flush_id = 3,       // one message; `argument` is its id
    flush_site = 4,     // all messages with a recipient in the domain `argument`
};

struct QmgrCommand {
    QmgrVerb verb = QmgrVerb::scan_incoming;
    std::string argument;

    static constexpr std::string_view kRecord = "qmgr_command/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("verb", &QmgrCommand::verb), ipc::field("argument", &QmgrCommand::argument)};
    }
};

struct QmgrAnswer {
    bool ok = false;
    std::string reason;

    static constexpr std::string_view kRecord = "qmgr_answer/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("ok", &QmgrAnswer::ok), ipc::field("reason", &QmgrAnswer::reason)};
    }
};

}  // namespace ipc::records
