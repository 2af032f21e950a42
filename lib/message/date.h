// lib/message/date.h - the date formats of mail: Date fields and IMAP's INTERNALDATE.
//
// Standards   RFC 5322, 3.3 and 4.3; RFC 3501, 9 (date-time)
// Failure     a text that is no date, or none that a calendar has, gives no value.
// Trust       the text comes from strangers; digits are bounded before they are added up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace message {

struct Date {
    std::int64_t utc = 0;  // seconds since 1970
    int zone_minutes = 0;  // east of Greenwich

    // Days since 1970 on the writer's own calendar, as SENTON and its like compare.
    std::int64_t local_day() const;
};

// The value of a Date field.
std::optional<Date> parse_date(std::string_view body);

// `dd-Mon-yyyy hh:mm:ss +zzzz`, as APPEND gives it.
std::optional<Date> parse_internal_date(std::string_view text);

// Days since 1970 of `d-Mon-yyyy`, as SEARCH gives it.
std::optional<std::int64_t> parse_search_day(std::string_view text);

// In the host's time zone.
std::string format_internal_date(std::int64_t utc);
std::string format_date(std::int64_t utc);

// Days since 1970 in the host's time zone.
std::int64_t local_day(std::int64_t utc);

}  // namespace message
