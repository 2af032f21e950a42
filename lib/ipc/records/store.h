// lib/ipc/records/store.h - lmtpd asks for a message to be put into mailboxes.
//
// Sender      lmtpd, over private/lmtp-store; one connection carries one message after the other.
// Receiver    lmtp-store, which looks users up, becomes them and writes.
// The talk    lmtpd: StoreLookup                                  -> StoreLookupReply
//             lmtpd: StoreOpen StoreContent* StoreEnd             -> StoreReply
//             Closing the connection before StoreEnd drops the message.
// Trust       lmtpd talks to strangers and may have been taken over: it can have mail delivered to anybody, which is
//             its task, and nothing else. The rights to write come from auth, not from here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/ipc/record.h"

namespace ipc::records {

struct StoreLookup {
    std::string recipient;  // in text form: see lib/address/mailbox.h

    static constexpr std::string_view kRecord = "store_lookup/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("recipient", &StoreLookup::recipient)}; }
};

enum class StoreKnown : std::int32_t { known = 0, unknown = 1, temporary = 2 };

struct StoreLookupReply {
    StoreKnown known = StoreKnown::temporary;
    std::string reason;

    static constexpr std::string_view kRecord = "store_lookup_reply/1";
    static constexpr auto fields() {
        return ipc::FieldList{
            ipc::field("known", &StoreLookupReply::known), ipc::field("reason", &StoreLookupReply::reason)};
    }
};

struct StoreOpen {
    std::string session;  // for the log and the reply, the same in both
    std::string sender;
    std::string trace;                    // the Received line, whole
    std::vector<std::string> recipients;  // in text form

    static constexpr std::string_view kRecord = "store_open/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("session", &StoreOpen::session), ipc::field("sender", &StoreOpen::sender),
            ipc::field("trace", &StoreOpen::trace), ipc::field("recipients", &StoreOpen::recipients)};
    }
};

struct StoreContent {
    std::string octets;  // at most 64 KiB

    static constexpr std::string_view kRecord = "store_content/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("octets", &StoreContent::octets)}; }
};

struct StoreEnd {
    std::uint32_t unused = 0;

    static constexpr std::string_view kRecord = "store_end/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("unused", &StoreEnd::unused)}; }
};

// For each recipient, in their order: 250 means that the message is in the mailbox and on the disk.
struct StoreResult {
    std::int32_t code = 451;
    std::string dsn;
    std::string text;

    static constexpr std::string_view kRecord = "store_result/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("code", &StoreResult::code), ipc::field("dsn", &StoreResult::dsn),
            ipc::field("text", &StoreResult::text)};
    }
};

struct StoreReply {
    std::vector<StoreResult> results;

    static constexpr std::string_view kRecord = "store_reply/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("results", &StoreReply::results)}; }
};

}  // namespace ipc::records
