// lib/queue/status.h - what became of each recipient, appended to the queue file as it becomes known.
//
// A result is written here before anything relies on it: a recipient that is recorded as delivered is never
// tried again, and one that is recorded as bounced is in the next report. Each record has its own checksum.
//
// Failure     decode_statuses() stops at the first record that is not whole and says where; what follows a torn
//             record was never relied on, and a recipient without a record is simply tried again.
// Trust       records are bounded; an index past the last recipient counts as damage for the reader.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/envelope/dsn.h"
#include "lib/fields/field_list.h"

namespace queue {

enum class Outcome : std::uint8_t {
    delivered = 1,
    deferred = 2,        // may be overtaken by any later record of the same recipient
    bounced = 3,         // failed for good; not yet reported to the sender
    reported = 4,        // the report about its end, failure or success, is in the queue
    delay_reported = 5,  // the sender has been told of the delay; `recipient` is kWholeMessage
};

// With `reported`: the sender has been told what was expanded.
inline constexpr std::uint32_t kWholeMessage = 0xffffffff;

struct Status {
    std::uint32_t recipient = 0;  // index into Envelope::recipients
    Outcome outcome = Outcome::deferred;
    std::int64_t when = 0;                               // seconds since 1970
    std::string dsn;                                     // "4.4.1"
    std::string text;                                    // the reason in words
    std::string relay;                                   // the remote or local agent, "mx.example.test[192.0.2.1]:25"
    std::string remote_reply;                            // the remote's own words, where there were any
    envelope::Action action = envelope::Action::unsaid;  // of `delivered`, where the sender wants to know

    // By position, lib/fields/kept.h: a new member goes to the end.
    static constexpr auto fields() {
        return fields::FieldList{fields::field("index", &Status::recipient), fields::field("outcome", &Status::outcome),
            fields::field("when", &Status::when), fields::field("dsn", &Status::dsn), fields::field("text", &Status::text),
            fields::field("relay", &Status::relay), fields::field("remote_reply", &Status::remote_reply),
            fields::field("action", &Status::action)};
    }
};

// Texts are cut at 4096 octets.
std::string encode_status(Status status);

struct Statuses {
    std::vector<Status> records;  // in the order of writing
    std::size_t valid_bytes = 0;  // where the next record belongs
};
Statuses decode_statuses(std::string_view bytes, std::size_t recipient_count);

}  // namespace queue
