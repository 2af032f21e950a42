// lib/text/mail_date.h - a point in time as header fields and reports show it.
//
// Standards   RFC 5322, 3.3, with the zone's name as a comment
// Failure     none.
#pragma once

#include <cstdint>
#include <string>

namespace text {

// "Sun, 22 Nov 2026 01:02:03 +0000 (UTC)", in the host's time zone; seconds since 1970.
std::string format_mail_date(std::int64_t seconds);

}  // namespace text
