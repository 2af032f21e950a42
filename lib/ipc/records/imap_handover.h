// lib/ipc/records/imap_handover.h - an authenticated connection goes from login(8) to a session process.
//
// Sender      login, over private/imap, one record per connection, with one descriptor: the client's socket
//             itself, or, where login goes on doing TLS, login's end's peer of a socketpair.
// Receiver    the imapd spawner, which asks auth (REQUEST auth_id client_pid auth_request cookie) who this is
//             and forks the session. The session itself answers the tagged OK (or NO) of the command that
//             logged the client in; login writes nothing to the client after sending this.
// Reply       ImapHandoverReply, with the same request_id: accepted as soon as the session process exists, or
//             refused with words; after a refusal the spawner has closed the descriptor's other life, and it is
//             login that tells the client (its own descriptor is still open) with `tag NO [UNAVAILABLE] ...`.
// Trust       the spawner believes only what auth answers: user_name, remote and local are for the log, `input`
//             is what the client sent after its login command and is as bad as any other network input.
#pragma once

#include <cstdint>
#include <string>

#include "lib/ipc/record.h"

namespace ipc::records {

struct ImapHandover {
    std::uint64_t request_id = 0;    // login's own; comes back in the reply
    std::uint32_t client_pid = 0;    // of login, as given to auth in CPID
    std::uint32_t auth_request = 0;  // id of the AUTH request that succeeded
    std::string auth_cookie;         // COOKIE that auth gave login when it connected; hexadecimal
    std::string user_name;           // as login knows it
    std::string remote_address;      // "192.0.2.1", "2001:db8::1"
    std::uint32_t remote_port = 0;
    std::string local_address;
    std::uint32_t local_port = 0;
    bool tls = false;
    std::string tag;    // of LOGIN or AUTHENTICATE
    std::string input;  // read already, behind that command

    static constexpr std::string_view kRecord = "imap_handover/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("request_id", &ImapHandover::request_id),
            ipc::field("client_pid", &ImapHandover::client_pid), ipc::field("auth_request", &ImapHandover::auth_request),
            ipc::field("auth_cookie", &ImapHandover::auth_cookie), ipc::field("user_name", &ImapHandover::user_name),
            ipc::field("remote_address", &ImapHandover::remote_address),
            ipc::field("remote_port", &ImapHandover::remote_port), ipc::field("local_address", &ImapHandover::local_address),
            ipc::field("local_port", &ImapHandover::local_port), ipc::field("tls", &ImapHandover::tls),
            ipc::field("tag", &ImapHandover::tag), ipc::field("input", &ImapHandover::input)};
    }
};

struct ImapHandoverReply {
    std::uint64_t request_id = 0;
    bool accepted = false;
    std::string reason;  // for the client, where it was not accepted

    static constexpr std::string_view kRecord = "imap_handover_reply/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("request_id", &ImapHandoverReply::request_id),
            ipc::field("accepted", &ImapHandoverReply::accepted), ipc::field("reason", &ImapHandoverReply::reason)};
    }
};

}  // namespace ipc::records
