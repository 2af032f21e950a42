// lib/ipc/records/content.h - which octets of the descriptor that comes along are the message.
//
// Lines end in CR LF, dots are not stuffed. The descriptor's position is shared with others: read with pread, or by
// lib/queue/file_content.h.
#pragma once

#include <cstdint>

#include "lib/ipc/record.h"

namespace ipc::records {

struct ContentPlace {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;

    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("offset", &ContentPlace::offset), ipc::field("length", &ContentPlace::length)};
    }
};

}  // namespace ipc::records
