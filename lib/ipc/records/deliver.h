// lib/ipc/records/deliver.h - the queue manager asks a delivery agent to deliver.
//
// Sender      qmgr, over private/<transport>.
// Receiver    lmtp, smtp, local, virtual, error, retry, discard, pipe.
// The talk    qmgr: DeliverRequest with the content's descriptor, at any time, several outstanding.
//             agent: one or more DeliverResult for each request, in any order, matched by request_id; the one
//             with `last` set ends the request. A recipient that no result names counts as deferred, and so do
//             all of a connection that breaks.
// Content     (descriptor, offset, length): read-only, lines end in CR LF, dots are not stuffed. The descriptor's
//             position is shared: use pread.
// Log         the agent writes the "to=<...>, relay=..., status=..." line of each recipient.
// Trust       the agent believes qmgr. qmgr believes an agent only about the recipients of its own request; its
//             texts come from strangers and are bounded and made printable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/ipc/record.h"
#include "lib/ipc/records/cleanup.h"

namespace ipc::records {

struct DeliverRecipient {
    std::uint32_t index = 0;  // names the recipient in the result
    std::string address;
    std::string original;  // for X-Original-To; empty: the same
    std::string orcpt;
    std::uint32_t notify = 0;

    static constexpr std::string_view kRecord = "deliver_recipient/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("index", &DeliverRecipient::index),
            ipc::field("address", &DeliverRecipient::address), ipc::field("original", &DeliverRecipient::original),
            ipc::field("orcpt", &DeliverRecipient::orcpt), ipc::field("notify", &DeliverRecipient::notify)};
    }
};

struct DeliverRequest {
    std::uint64_t request_id = 0;
    std::string queue_id;
    std::string transport;  // "lmtp"
    std::string nexthop;    // "inet:127.0.0.1:10024", "[mx.example.test]:25", text for error
    std::string sender;
    std::uint64_t content_offset = 0;
    std::uint64_t content_length = 0;
    std::uint32_t flags = 0;  // 1 SMTPUTF8, 2 8BITMIME, as in cleanup.h
    std::string envid;
    std::uint32_t returns = 0;
    std::int64_t arrival_us = 0;  // delays=a/b/c/d: a is from arrival_us to active_us,
    std::int64_t active_us = 0;   // b from active_us until the agent takes the request up
    Client client;                // for XFORWARD and for filters
    std::vector<DeliverRecipient> recipients;

    static constexpr std::string_view kRecord = "deliver_request/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("request_id", &DeliverRequest::request_id),
            ipc::field("queue_id", &DeliverRequest::queue_id), ipc::field("transport", &DeliverRequest::transport),
            ipc::field("nexthop", &DeliverRequest::nexthop), ipc::field("sender", &DeliverRequest::sender),
            ipc::field("content_offset", &DeliverRequest::content_offset),
            ipc::field("content_length", &DeliverRequest::content_length), ipc::field("flags", &DeliverRequest::flags),
            ipc::field("envid", &DeliverRequest::envid), ipc::field("returns", &DeliverRequest::returns),
            ipc::field("arrival_us", &DeliverRequest::arrival_us), ipc::field("active_us", &DeliverRequest::active_us),
            ipc::field("client", &DeliverRequest::client), ipc::field("recipients", &DeliverRequest::recipients)};
    }
};

enum class DeliverStatus : std::int32_t { delivered = 0, deferred = 1, bounced = 2 };

struct RecipientResult {
    std::uint32_t index = 0;
    DeliverStatus status = DeliverStatus::deferred;
    std::string dsn;           // "2.0.0"
    std::string text;          // what stands in parentheses at the end of the log line
    std::string relay;         // "127.0.0.1[127.0.0.1]:10024", "virtual"
    std::string remote_mta;    // RFC 3464 Remote-MTA: the host's name; empty for local agents
    std::string remote_reply;  // RFC 3464 Diagnostic-Code: the remote's own words

    static constexpr std::string_view kRecord = "recipient_result/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("index", &RecipientResult::index), ipc::field("status", &RecipientResult::status),
            ipc::field("dsn", &RecipientResult::dsn), ipc::field("text", &RecipientResult::text),
            ipc::field("relay", &RecipientResult::relay), ipc::field("remote_mta", &RecipientResult::remote_mta),
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

    static constexpr std::string_view kRecord = "deliver_result/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("request_id", &DeliverResult::request_id),
            ipc::field("recipients", &DeliverResult::recipients),
            ipc::field("destination_failed", &DeliverResult::destination_failed),
            ipc::field("failure_dsn", &DeliverResult::failure_dsn), ipc::field("failure_text", &DeliverResult::failure_text),
            ipc::field("last", &DeliverResult::last)};
    }
};

}  // namespace ipc::records
