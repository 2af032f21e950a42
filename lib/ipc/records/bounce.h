// lib/ipc/records/bounce.h - the queue manager asks for a report to the sender.
//
// Sender      qmgr, over private/bounce, with a read-only descriptor of the content; several outstanding.
// Receiver    bounce, which composes the report and hands it to cleanup.
// Reply       BounceReply when the report is in the queue on the disk, or none was wanted (null sender,
//             NOTIFY); only then qmgr drops the recipients it was about.
// Trust       bounce believes qmgr; the texts inside come from strangers and are cut, cleaned and folded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/envelope/envelope.h"
#include "lib/ipc/record.h"
#include "lib/ipc/records/content.h"

namespace ipc::records {

// success: NOTIFY=SUCCESS asked for it (RFC 3461, 5.2).
enum class BounceKind : std::int32_t { failure = 0, delay_warning = 1, success = 2 };

struct BounceRecipient {
    envelope::Recipient recipient;
    envelope::Action action = envelope::Action::unsaid;  // of kind success: delivered, relayed or expanded
    std::string dsn;
    std::string text;
    std::string remote_mta;
    std::string remote_reply;
    std::int64_t when = 0;  // of the last attempt, seconds since 1970

    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("recipient", &BounceRecipient::recipient),
            ipc::field("action", &BounceRecipient::action), ipc::field("dsn", &BounceRecipient::dsn),
            ipc::field("text", &BounceRecipient::text), ipc::field("remote_mta", &BounceRecipient::remote_mta),
            ipc::field("remote_reply", &BounceRecipient::remote_reply), ipc::field("when", &BounceRecipient::when)};
    }
};

struct BounceRequest {
    std::uint64_t request_id = 0;
    BounceKind kind = BounceKind::failure;
    std::string queue_id;
    ContentPlace content;
    envelope::Mail mail;
    std::int64_t expires = 0;  // delay warning: when qmgr will give up, seconds since 1970
    std::vector<BounceRecipient> recipients;

    static constexpr std::string_view kRecord = "bounce_request/2";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("request_id", &BounceRequest::request_id), ipc::field("kind", &BounceRequest::kind),
            ipc::field("queue_id", &BounceRequest::queue_id), ipc::field("content", &BounceRequest::content),
            ipc::field("mail", &BounceRequest::mail), ipc::field("expires", &BounceRequest::expires),
            ipc::field("recipients", &BounceRequest::recipients)};
    }
};

struct BounceReply {
    std::uint64_t request_id = 0;
    bool ok = false;
    std::string reason;  // where not ok: qmgr defers and asks again

    static constexpr std::string_view kRecord = "bounce_reply/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("request_id", &BounceReply::request_id), ipc::field("ok", &BounceReply::ok),
            ipc::field("reason", &BounceReply::reason)};
    }
};

}  // namespace ipc::records
