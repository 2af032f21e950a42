// lib/ipc/records/deliver.h - the queue manager asks a delivery agent to deliver.
//
// Sender      qmgr, over private/<transport>.
// Receiver    lmtp, smtp, local, virtual, error, retry, discard, pipe.
// The talk    qmgr: DeliverRequest with the content's descriptor, at any time, several outstanding.
//             agent: one or more DeliverResult for each request, in any order, matched by request_id; the one
//             with `last` set ends the request. A recipient that no result names counts as deferred, and so do
//             all of a connection that breaks.
// Content     a read-only descriptor, see content.h.
// Success     an agent says in RecipientResult::action what a success was; qmgr tells senders who asked (NOTIFY=SUCCESS).
// Log         the agent writes the "to=<...>, relay=..., status=..." line of each recipient.
// Trust       the agent believes qmgr. qmgr believes an agent only about the recipients of its own request; its
//             texts come from strangers and are bounded and made printable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/envelope/envelope.h"
#include "lib/ipc/record.h"
#include "lib/ipc/records/content.h"

namespace ipc::records {

struct DeliverRecipient {
    std::uint32_t index = 0;  // names the recipient in the result
    envelope::Recipient recipient;

    static constexpr auto fields() {
        return ipc::FieldList{
            ipc::field("index", &DeliverRecipient::index), ipc::field("recipient", &DeliverRecipient::recipient)};
    }
};

struct DeliverRequest {
    std::uint64_t request_id = 0;
    std::string queue_id;
    std::string transport;  // "lmtp"
    std::string nexthop;    // "inet:127.0.0.1:10024", "[mx.example.test]:25", text for error
    ContentPlace content;
    envelope::Mail mail;         // delays=a/b/c/d: a is from its arrival to active_us,
    std::int64_t active_us = 0;  // b from active_us until the agent takes the request up
    std::vector<DeliverRecipient> recipients;

    static constexpr std::string_view kRecord = "deliver_request/2";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("request_id", &DeliverRequest::request_id),
            ipc::field("queue_id", &DeliverRequest::queue_id), ipc::field("transport", &DeliverRequest::transport),
            ipc::field("nexthop", &DeliverRequest::nexthop), ipc::field("content", &DeliverRequest::content),
            ipc::field("mail", &DeliverRequest::mail), ipc::field("active_us", &DeliverRequest::active_us),
            ipc::field("recipients", &DeliverRequest::recipients)};
    }
};

enum class DeliverStatus : std::int32_t { delivered = 0, deferred = 1, bounced = 2 };

struct RecipientResult {
    std::uint32_t index = 0;
    DeliverStatus status = DeliverStatus::deferred;
    envelope::Action action = envelope::Action::unsaid;  // of what was delivered: whether it was, or only relayed
    std::string dsn;                                     // "2.0.0"
    std::string text;                                    // what stands in parentheses at the end of the log line
    std::string relay;                                   // "127.0.0.1[127.0.0.1]:10024", "virtual"
    std::string remote_mta;                              // RFC 3464 Remote-MTA: the host's name; empty for local agents
    std::string remote_reply;                            // RFC 3464 Diagnostic-Code: the remote's own words

    static constexpr std::string_view kRecord = "recipient_result/2";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("index", &RecipientResult::index), ipc::field("status", &RecipientResult::status),
            ipc::field("action", &RecipientResult::action), ipc::field("dsn", &RecipientResult::dsn),
            ipc::field("text", &RecipientResult::text), ipc::field("relay", &RecipientResult::relay),
            ipc::field("remote_mta", &RecipientResult::remote_mta),
            ipc::field("remote_reply", &RecipientResult::remote_reply)};
    }
};

struct DeliverResult {
    std::uint64_t request_id = 0;
    std::vector<RecipientResult> recipients;
    // The destination could not be reached or spoken to at all (connect, greeting, handshake): qmgr lowers its
    // concurrency and leaves a dead destination alone for a while. Not set for an answer about one recipient.
    bool destination_failed = false;
    std::string failure_dsn;  // with destination_failed: why
    std::string failure_text;
    bool last = true;

    static constexpr std::string_view kRecord = "deliver_result/2";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("request_id", &DeliverResult::request_id),
            ipc::field("recipients", &DeliverResult::recipients),
            ipc::field("destination_failed", &DeliverResult::destination_failed),
            ipc::field("failure_dsn", &DeliverResult::failure_dsn), ipc::field("failure_text", &DeliverResult::failure_text),
            ipc::field("last", &DeliverResult::last)};
    }
};

}  // namespace ipc::records
