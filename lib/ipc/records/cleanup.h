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

#include "lib/envelope/envelope.h"
#include "lib/ipc/record.h"

namespace ipc::records {

// The id that the next message on this connection gets, so that it can be logged before the message is there.
struct CleanupReady {
    std::string queue_id;

    static constexpr std::string_view kRecord = "cleanup_ready/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("queue_id", &CleanupReady::queue_id)}; }
};

// Bits of CleanupOpen::handling: what cleanup is asked to do, beside what the envelope says.
inline constexpr std::uint32_t kCleanupHold = 32;       // put on hold (an access table said HOLD)
inline constexpr std::uint32_t kCleanupNoAliases = 64;  // receive_override_options = no_address_mappings
inline constexpr std::uint32_t kCleanupOurs = 128;      // from this host, mynetworks or a logged-in client: signed by DKIM
inline constexpr std::uint32_t kCleanupForward =
    256;  // a user redirects it: never signed as ours, but sealed (ARC) on its way out

struct CleanupOpen {
    envelope::Mail mail;  // without a time of arrival it is now
    std::uint32_t handling = 0;
    std::string full_name;                        // sendmail -F, for a From line that is missing
    std::int64_t user_id = -1;                    // of the person who ran sendmail
    std::vector<std::string> trace_comments;      // "using TLSv1.3 with cipher ...", without the parentheses
    std::vector<envelope::Recipient> recipients;  // the first, usually all
    std::uint32_t prepend_room = 0;               // octets that CleanupEnd::prepend may have; at most 64 KiB

    static constexpr std::string_view kRecord = "cleanup_open/2";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("mail", &CleanupOpen::mail), ipc::field("handling", &CleanupOpen::handling),
            ipc::field("full_name", &CleanupOpen::full_name), ipc::field("user_id", &CleanupOpen::user_id),
            ipc::field("trace_comments", &CleanupOpen::trace_comments), ipc::field("recipients", &CleanupOpen::recipients),
            ipc::field("prepend_room", &CleanupOpen::prepend_room)};
    }
};

// More recipients than belong into one record; at most 1000 each.
struct CleanupRecipients {
    std::vector<envelope::Recipient> recipients;

    static constexpr std::string_view kRecord = "cleanup_recipients/2";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("recipients", &CleanupRecipients::recipients)}; }
};

// At most 64 KiB each; cut anywhere.
struct CleanupContent {
    std::string octets;

    static constexpr std::string_view kRecord = "cleanup_content/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("octets", &CleanupContent::octets)}; }
};

// The message is whole. Handling that became known late is added to that of CleanupOpen.
struct CleanupEnd {
    std::uint32_t handling = 0;
    std::string prepend;  // header fields with their CR LF, to stand above everything: what is known only now

    static constexpr std::string_view kRecord = "cleanup_end/2";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("handling", &CleanupEnd::handling), ipc::field("prepend", &CleanupEnd::prepend)};
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
