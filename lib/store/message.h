// lib/store/message.h - what a list of messages says of each.
//
// A modseq numbers changes of a mailbox (RFC 7162): every change of flags, every arrival and every expunge raises the
// mailbox's highest one by one, and the messages that it touched bear that number from then on. A number that was told to
// anybody never comes back for another change, not even after the loss of everything but the mail itself.
#pragma once

#include <cstdint>

#include "lib/store/flags.h"

namespace store {

using Modseq = std::uint64_t;  // 63 bits are used

struct Message {
    std::uint32_t uid = 0;
    Flags flags = 0;
    Modseq modseq = 0;
    bool operator==(const Message&) const = default;
};

struct UidRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool operator==(const UidRange&) const = default;
};

}  // namespace store
