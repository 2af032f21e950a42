// lib/ipc/records/sieve.h - a message goes to a user whose script decides where it is put.
//
// Sender      lmtp-store, over private/sieve; several requests may be outstanding on one connection.
// Receiver    sieve-delivery, whose parent process forks a process for each user and passes the request on.
// The talk    lmtp-store: SieveDeliver, with the descriptor of a large message   -> SieveDelivered
//             between the parent and a user's process, in both directions:
//             parent: SieveDeliver, with the descriptor if it came with one
//             child:  SieveSubmit, with a descriptor; any number                 -> SieveSubmitted
//             child:  SieveDelivered
// Trust       the parent takes requests from root alone (SO_PEERCRED), and asks auth itself who the user is. A user's
// process runs scripts over strangers' mail:
//             of what it says only the answer for its own message and mail to be sent are taken, as from any local user.
//             What it calls a reply is signed by DKIM like such a user's mail; what it calls a forward is not, but may be
//             sealed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/ipc/record.h"

namespace ipc::records {

inline constexpr std::size_t kSieveInline = 65536;  // octets of a message that go in the record

struct SieveDeliver {
    std::uint64_t request_id = 0;
    std::string session;  // for the log
    std::string user;     // user@domain, as auth knows it: whose rights and whose home that means is auth's to say
    std::string mailbox;  // what keep means
    std::string sender;   // text form, without brackets; empty: the null sender
    std::string recipient;
    std::string content;  // of a small message; a larger one comes as a descriptor, and this is empty

    static constexpr std::string_view kRecord = "sieve_deliver/3";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("request_id", &SieveDeliver::request_id),
            ipc::field("session", &SieveDeliver::session), ipc::field("user", &SieveDeliver::user),
            ipc::field("mailbox", &SieveDeliver::mailbox), ipc::field("sender", &SieveDeliver::sender),
            ipc::field("recipient", &SieveDeliver::recipient), ipc::field("content", &SieveDeliver::content)};
    }
};

// 250: everything the script asked for is done and durable. 5xx: it refused the message. Else nothing was done.
struct SieveDelivered {
    std::uint64_t request_id = 0;
    std::int32_t code = 451;
    std::string dsn;
    std::string text;

    static constexpr std::string_view kRecord = "sieve_delivered/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("request_id", &SieveDelivered::request_id),
            ipc::field("code", &SieveDelivered::code), ipc::field("dsn", &SieveDelivered::dsn),
            ipc::field("text", &SieveDelivered::text)};
    }
};

enum class SieveMail : std::int32_t {
    reply = 0,    // written here: a vacation answer, a notification, a refusal, a report
    forward = 1,  // somebody else's message, redirected
};

// Content comes as a descriptor: a file or memory that is read from its beginning to its end.
struct SieveSubmit {
    SieveMail kind = SieveMail::reply;
    std::string sender;
    std::vector<std::string> recipients;

    static constexpr std::string_view kRecord = "sieve_submit/2";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("kind", &SieveSubmit::kind), ipc::field("sender", &SieveSubmit::sender),
            ipc::field("recipients", &SieveSubmit::recipients)};
    }
};

struct SieveSubmitted {
    std::int32_t code = 451;
    std::string text;  // "queued as ...", or why not

    static constexpr std::string_view kRecord = "sieve_submitted/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("code", &SieveSubmitted::code), ipc::field("text", &SieveSubmitted::text)};
    }
};

}  // namespace ipc::records
