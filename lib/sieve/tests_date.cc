// The date and currentdate tests (RFC 5260).
#include <array>
#include <cstdlib>

#include "lib/message/date.h"
#include "lib/sieve/checks.h"
#include "lib/sieve/machine.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

struct Moment {
    std::int64_t year = 0;
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int weekday = 0;
    int zone = 0;           // minutes
    std::int64_t days = 0;  // since 1970
};

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Days since 1970 to the Gregorian calendar (Hinnant's algorithm).
Moment local_moment(std::int64_t utc, int zone) {
    Moment moment;
    std::int64_t local = utc + static_cast<std::int64_t>(zone) * 60;
    moment.zone = zone;
    moment.days = floor_divide(local, 86400);
    auto seconds = static_cast<int>(local - moment.days * 86400);
    moment.hour = seconds / 3600;
    moment.minute = seconds / 60 % 60;
    moment.second = seconds % 60;
    moment.weekday = static_cast<int>(((moment.days + 4) % 7 + 7) % 7);
    std::int64_t shifted = moment.days + 719468;
    std::int64_t era = floor_divide(shifted, 146097);
    std::int64_t of_era = shifted - era * 146097;
    std::int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    std::int64_t month = (5 * of_year + 2) / 153;
    moment.day = static_cast<int>(of_year - (153 * month + 2) / 5 + 1);
    moment.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
    moment.year = year_of_era + era * 400 + (moment.month <= 2 ? 1 : 0);
    return moment;
}

std::string zone_text(int zone, std::string_view colon) {
    int minutes = std::abs(zone);
    return fmt::format("{}{:02}{}{:02}", zone < 0 ? '-' : '+', minutes / 60, colon, minutes % 60);
}

constexpr auto kDays = std::to_array<std::string_view>({"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"});
constexpr auto kMonths = std::to_array<std::string_view>(
    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"});

// RFC 5260, 4.2
std::optional<std::string> date_part(const Moment& at, std::string_view name) {
    std::string part = text::lower(name);
    if (part == "year")
        return fmt::format("{:04}", at.year);
    if (part == "month")
        return fmt::format("{:02}", at.month);
    if (part == "day")
        return fmt::format("{:02}", at.day);
    if (part == "date")
        return fmt::format("{:04}-{:02}-{:02}", at.year, at.month, at.day);
    if (part == "julian")
        return std::to_string(at.days + 40587);
    if (part == "hour")
        return fmt::format("{:02}", at.hour);
    if (part == "minute")
        return fmt::format("{:02}", at.minute);
    if (part == "second")
        return fmt::format("{:02}", at.second);
    if (part == "time")
        return fmt::format("{:02}:{:02}:{:02}", at.hour, at.minute, at.second);
    if (part == "iso8601")
        return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}", at.year, at.month, at.day, at.hour, at.minute, at.second,
            at.zone == 0 ? "Z" : zone_text(at.zone, ":"));
    if (part == "std11")
        return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} {}", kDays.at(static_cast<std::size_t>(at.weekday)), at.day,
            kMonths.at(static_cast<std::size_t>(at.month - 1)), at.year, at.hour, at.minute, at.second,
            zone_text(at.zone, ""));
    if (part == "zone")
        return zone_text(at.zone, "");
    if (part == "weekday")
        return std::to_string(at.weekday);
    return std::nullopt;
}

int zone_of(Machine& machine, const Call& call, int otherwise) {
    if (!call.has(Slot::zone))
        return otherwise;
    std::string_view zone = machine.text(call, Slot::zone);
    std::optional<int> minutes = parse_zone(zone);
    if (!minutes) {
        machine.warn(fmt::format(":zone \"{}\" is no offset like \"+0100\"", text::printable(zone)));
        return otherwise;
    }
    return *minutes;
}

}  // namespace

bool test_date(Machine& machine, const Call& call) {
    Matcher matcher(machine, call, Slot::arg2);
    std::string part(machine.text(call, Slot::arg1));
    for (HeaderIndex::Field* field : fields_of_test(machine, call, Slot::arg0)) {
        std::string_view value = HeaderIndex::value(*field);
        // A date stands alone or, as in Received, behind the last semicolon.
        std::optional<message::Date> date = message::parse_date(value);
        if (std::size_t sign = value.rfind(';'); !date && sign != std::string_view::npos)
            date = message::parse_date(text::trim(value.substr(sign + 1)));
        if (!date)
            continue;
        int zone = call.has(Slot::original_zone) ? date->zone_minutes
                                                 : zone_of(machine, call, machine.host().zone_minutes());
        std::optional<std::string> found = date_part(local_moment(date->utc, zone), part);
        if (found && matcher.offer(*found))
            return true;
    }
    return matcher.finish();
}

bool test_currentdate(Machine& machine, const Call& call) {
    Matcher matcher(machine, call, Slot::arg1);
    int zone = zone_of(machine, call, machine.host().zone_minutes());
    std::optional<std::string> found = date_part(local_moment(machine.host().now(), zone), machine.text(call, Slot::arg0));
    if (found && matcher.offer(*found))
        return true;
    return matcher.finish();
}

}  // namespace sieve
