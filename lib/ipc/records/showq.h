// lib/ipc/records/showq.h - the listing of the queue.
//
// Sender      showq, over public/showq: one ShowqMessage after the other as soon as somebody connects, then
//             ShowqEnd. The client says nothing.
// Receiver    postqueue.
// Trust       postqueue believes showq, but addresses and reasons come from strangers: printed only after
//             control characters were replaced.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/ipc/record.h"

namespace ipc::records {

struct ShowqRecipient {
    std::string address;
    std::string original;
    std::string reason;    // of the last failed attempt; empty: none
    bool bounced = false;  // the reason is of a failure for good

    static constexpr std::string_view kRecord = "showq_recipient/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("address", &ShowqRecipient::address),
            ipc::field("original", &ShowqRecipient::original), ipc::field("reason", &ShowqRecipient::reason),
            ipc::field("bounced", &ShowqRecipient::bounced)};
    }
};

struct ShowqMessage {
    std::string queue_name;  // "active", "incoming", "deferred", "hold", "maildrop"
    std::string queue_id;
    std::int64_t arrival_time = 0;  // seconds since 1970
    std::int64_t size = 0;
    bool forced_expire = false;
    std::string sender;
    std::vector<ShowqRecipient> recipients;  // those that still wait

    static constexpr std::string_view kRecord = "showq_message/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("queue_name", &ShowqMessage::queue_name),
            ipc::field("queue_id", &ShowqMessage::queue_id), ipc::field("arrival_time", &ShowqMessage::arrival_time),
            ipc::field("size", &ShowqMessage::size), ipc::field("forced_expire", &ShowqMessage::forced_expire),
            ipc::field("sender", &ShowqMessage::sender), ipc::field("recipients", &ShowqMessage::recipients)};
    }
};

struct ShowqEnd {
    std::uint32_t messages = 0;

    static constexpr std::string_view kRecord = "showq_end/1";
    static constexpr auto fields() { return ipc::FieldList{ipc::field("messages", &ShowqEnd::messages)}; }
};

}  // namespace ipc::records
