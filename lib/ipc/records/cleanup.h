// lib/ipc/records/cleanup.h - how a message enters the queue.
//
// Sender      smtpd, pickup, bounce, over public/cleanup.
// Receiver    cleanup.
// The talk    One connection carries many messages, one after the other:
//                 cleanup: CleanupReady                      once, at once: the id that the next message will have
//                 client:  CleanupOpen CleanupRecipients* CleanupContent* CleanupEnd
//                 cleanup: CleanupReply                      holds the id for the message after it
//             CleanupAbort instead of CleanupEnd drops the message without a reply; the id stays the next one.
//             A client that goes away in between leaves nothing behind.
//             Everything up to CleanupEnd may be sent without waiting, in one write for a small message.
// The header  cleanup adds the Received line from the client attributes, because only it knows queue id and
//             final recipients; smtpd gives the comment lines (TLS, authenticated sender) that policy allows.
// Content     octets as RFC 5321 sends them, with CR LF and with the dots unstuffed. A last line without an end
//             gets one.
// Trust       cleanup believes nothing of it beyond what is written in its own limits; the client believes
//             the reply.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/ipc/record.h"

namespace ipc::records {

// The id that the next message on this connection gets, so that it can be logged before the message is there.
struct CleanupReady {
    std::string queue_id;

    static constexpr std::string_view kRecord = "cleanup_ready/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("queue_id", &CleanupReady::queue_id)}; }
};

// The client as the SMTP server saw it. All empty for mail that was made on this host.
struct Client {
    std::string name;     // "unknown" where it could not be verified
    std::string address;  // "192.0.2.1", "2001:db8::1"
    std::string port;
    std::string helo;
    std::string protocol;  // "SMTP", "ESMTP", "ESMTPS", "ESMTPSA", "LMTP": the word after "with"
    std::string sasl_method;
    std::string sasl_username;
    std::string sasl_sender;

    static constexpr std::string_view kRecord = "client/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("name", &Client::name), ipc::field("address", &Client::address),
            ipc::field("port", &Client::port), ipc::field("helo", &Client::helo), ipc::field("protocol", &Client::protocol),
            ipc::field("sasl_method", &Client::sasl_method), ipc::field("sasl_username", &Client::sasl_username),
            ipc::field("sasl_sender", &Client::sasl_sender)};
    }
};

struct CleanupRecipient {
    std::string address;       // without the angle brackets
    std::string original;      // as the client gave it; empty: the same
    std::string orcpt;         // RFC 3461, "rfc822;alice@example.test", still in xtext
    std::uint32_t notify = 0;  // RFC 3461: never 1, success 2, failure 4, delay 8; 0: not said

    static constexpr std::string_view kRecord = "cleanup_recipient/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("address", &CleanupRecipient::address),
            ipc::field("original", &CleanupRecipient::original), ipc::field("orcpt", &CleanupRecipient::orcpt),
            ipc::field("notify", &CleanupRecipient::notify)};
    }
};

// Bits of CleanupOpen::flags.
inline constexpr std::uint32_t kCleanupSmtpUtf8 = 1;     // RFC 6531
inline constexpr std::uint32_t kCleanupEightBit = 2;     // BODY=8BITMIME
inline constexpr std::uint32_t kCleanupLocalOrigin = 4;  // local_header_rewrite_clients: complete the header
inline constexpr std::uint32_t kCleanupInternal = 16;    // a report made here
inline constexpr std::uint32_t kCleanupHold = 32;        // into hold/ (an access table said HOLD)
inline constexpr std::uint32_t kCleanupNoAliases = 64;   // receive_override_options = no_address_mappings
inline constexpr std::uint32_t kCleanupOurs = 128;       // from this host, mynetworks or a logged-in client: signed by DKIM
inline constexpr std::uint32_t kCleanupForward =
    256;  // a user redirects it: never signed as ours, but sealed (ARC) on its way out

struct CleanupOpen {
    std::string sender;  // empty: the null sender
    std::uint32_t flags = 0;
    std::string envid;            // RFC 3461, still in xtext
    std::uint32_t returns = 0;    // RFC 3461: 1 full, 2 headers, 0 not said
    std::string full_name;        // sendmail -F, for a From line that is missing
    std::int64_t arrival_us = 0;  // when it began to arrive, microseconds since 1970; 0: now
    std::int64_t user_id = -1;    // of the person who ran sendmail
    Client client;
    std::vector<std::string> trace_comments;   // "using TLSv1.3 with cipher ...", without the parentheses
    std::vector<CleanupRecipient> recipients;  // the first, usually all
    std::uint32_t prepend_room = 0;            // octets that CleanupEnd::prepend may have; at most 64 KiB

    static constexpr std::string_view kRecord = "cleanup_open/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("sender", &CleanupOpen::sender), ipc::field("flags", &CleanupOpen::flags),
            ipc::field("envid", &CleanupOpen::envid), ipc::field("returns", &CleanupOpen::returns),
            ipc::field("full_name", &CleanupOpen::full_name), ipc::field("arrival_us", &CleanupOpen::arrival_us),
            ipc::field("user_id", &CleanupOpen::user_id), ipc::field("client", &CleanupOpen::client),
            ipc::field("trace_comments", &CleanupOpen::trace_comments), ipc::field("recipients", &CleanupOpen::recipients),
            ipc::field("prepend_room", &CleanupOpen::prepend_room)};
    }
};

// More recipients than belong into one record; at most 1000 each.
struct CleanupRecipients {
    std::vector<CleanupRecipient> recipients;

    static constexpr std::string_view kRecord = "cleanup_recipients/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("recipients", &CleanupRecipients::recipients)}; }
};

// At most 64 KiB each; cut anywhere.
struct CleanupContent {
    std::string octets;

    static constexpr std::string_view kRecord = "cleanup_content/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("octets", &CleanupContent::octets)}; }
};

// The message is whole. Flags that became known late are added to those of CleanupOpen.
struct CleanupEnd {
    std::uint32_t flags = 0;
    std::string prepend;  // header fields with their CR LF, to stand above everything: what is known only now

    static constexpr std::string_view kRecord = "cleanup_end/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("flags", &CleanupEnd::flags), ipc::field("prepend", &CleanupEnd::prepend)};
    }
};

struct CleanupAbort {
    std::uint32_t unused = 0;

    static constexpr std::string_view kRecord = "cleanup_abort/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("unused", &CleanupAbort::unused)}; }
};

// 250 means that the message is on the disk. Anything else left nothing there.
struct CleanupReply {
    std::int32_t code = 451;    // of the SMTP reply
    std::string dsn;            // "4.3.0"
    std::string reason;         // the words after "Error: "
    std::string queue_id;       // of this message
    std::string next_queue_id;  // of the next one on this connection

    static constexpr std::string_view kRecord = "cleanup_reply/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("code", &CleanupReply::code), ipc::field("dsn", &CleanupReply::dsn),
            ipc::field("reason", &CleanupReply::reason), ipc::field("queue_id", &CleanupReply::queue_id),
            ipc::field("next_queue_id", &CleanupReply::next_queue_id)};
    }
};

}  // namespace ipc::records
