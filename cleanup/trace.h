// cleanup/trace.h - the lines that we write into a header ourselves.
//
// Standards   RFC 5321, 4.4 (Received); RFC 5322, 3.3 (dates), 3.2.5 (phrases); RFC 2047 for names that are not
//             ASCII
// Trust       names and HELO texts come from strangers: control characters never get through, so nothing here
//             can begin a new line of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/ipc/records/cleanup.h"

namespace cleanup {

// "<20261122010203.ID@host>", from the time in UTC.
std::string format_message_id(std::int64_t seconds, std::string_view queue_id, std::string_view host);

// A display name as it may stand before an address: as it is, quoted, or as encoded words.
std::string format_phrase(std::string_view name);

struct TraceSite {
    std::string_view myhostname;
    std::string_view mail_name;
};
// The Received field, folded and with its line end.
std::string format_received(
    const ipc::records::CleanupOpen& open, std::string_view queue_id, const TraceSite& site, std::int64_t seconds);

}  // namespace cleanup
