#include "lib/message/date.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "lib/message/header.h"

namespace message {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Reads tokens of a date; comments and blanks between them are skipped.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    void skip() {
        std::size_t depth = 0;
        for (; position_ < text_.size(); ++position_) {
            char c = text_[position_];
            if (c == '(')
                ++depth;
            else if (c == ')' && depth > 0)
                --depth;
            else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n')
                break;
        }
    }

    bool eat(char c) {
        if (position_ >= text_.size() || text_[position_] != c)
            return false;
        ++position_;
        return true;
    }

    char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

    // A number of at least `least` and at most `most` digits.
    std::optional<int> number(std::size_t least, std::size_t most) {
        std::size_t start = position_;
        int value = 0;
        while (position_ < text_.size() && is_digit(text_[position_])) {
            if (position_ - start >= most)
                return std::nullopt;
            value = value * 10 + (text_[position_] - '0');
            ++position_;
        }
        digits_ = position_ - start;
        if (digits_ < least)
            return std::nullopt;
        return value;
    }

    std::size_t digits() const { return digits_; }

    std::string_view letters() {
        std::size_t start = position_;
        while (position_ < text_.size() && is_letter(text_[position_]))
            ++position_;
        return text_.substr(start, position_ - start);
    }

    bool at_end() const { return position_ >= text_.size(); }

  private:
    std::string_view text_;
    std::size_t position_ = 0;
    std::size_t digits_ = 0;
};

std::optional<int> month_number(std::string_view name) {
    if (name.size() < 3)
        return std::nullopt;
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
        if (equal_ignoring_case(name.substr(0, 3), kMonths[i]))
            return static_cast<int>(i) + 1;
    }
    return std::nullopt;
}

std::optional<std::int64_t> days_from_civil(int year, int month, int day) {
    std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
        std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok())
        return std::nullopt;
    return std::chrono::sys_days(date).time_since_epoch().count();
}

struct Clock {
    int hour = 0, minute = 0, second = 0;
    bool legal() const { return hour < 24 && minute < 60 && second <= 60; }
};

// "+0200", or a name of RFC 822; what is unknown counts as UTC (RFC 5322, 4.3).
std::optional<int> zone(Scanner& scanner) {
    bool west = scanner.peek() == '-';
    if (scanner.eat('+') || scanner.eat('-')) {
        std::optional<int> value = scanner.number(1, 4);
        if (!value)
            return std::nullopt;
        int minutes = scanner.digits() <= 2 ? *value * 60 : *value / 100 * 60 + *value % 100;
        if (minutes >= 24 * 60)
            return std::nullopt;
        return west ? -minutes : minutes;
    }
    struct Name {
        std::string_view name;
        int hours;
    };
    static constexpr std::array<Name, 8> kNames = {
        {{"EDT", -4}, {"EST", -5}, {"CDT", -5}, {"CST", -6}, {"MDT", -6}, {"MST", -7}, {"PDT", -7}, {"PST", -8}}};
    std::string_view name = scanner.letters();
    for (const Name& known : kNames) {
        if (equal_ignoring_case(name, known.name))
            return known.hours * 60;
    }
    return 0;
}

std::optional<Date> make_date(int year, int month, int day, Clock clock, int zone_minutes) {
    std::optional<std::int64_t> days = days_from_civil(year, month, day);
    if (!days || !clock.legal())
        return std::nullopt;
    Date date;
    clock.second = clock.second == 60 ? 59 : clock.second;  // a leap second stays on its day
    date.zone_minutes = zone_minutes;
    date.utc = *days * 86400 + clock.hour * 3600 + clock.minute * 60 + clock.second - zone_minutes * 60;
    return date;
}

std::tm local_time(std::int64_t utc, int& zone_minutes) {
    std::time_t time = static_cast<std::time_t>(utc);
    std::tm parts{};
    if (!localtime_r(&time, &parts)) {
        time = 0;
        gmtime_r(&time, &parts);
    }
    zone_minutes = static_cast<int>(parts.tm_gmtoff / 60);
    return parts;
}

char zone_sign(int minutes) { return minutes < 0 ? '-' : '+'; }
int zone_digits(int minutes) {
    int size = minutes < 0 ? -minutes : minutes;
    return size / 60 * 100 + size % 60;
}

std::int64_t floor_day(std::int64_t seconds) {
    std::int64_t day = seconds / 86400;
    return seconds % 86400 < 0 ? day - 1 : day;
}

}  // namespace

std::int64_t Date::local_day() const { return floor_day(utc + zone_minutes * 60); }

std::optional<Date> parse_date(std::string_view body) {
    Scanner scanner(body);
    scanner.skip();
    if (is_letter(scanner.peek())) {
        scanner.letters();
        scanner.skip();
        scanner.eat(',');
        scanner.skip();
    }
    std::optional<int> day = scanner.number(1, 2);
    scanner.skip();
    scanner.eat('-');
    std::optional<int> month = month_number(scanner.letters());
    scanner.skip();
    scanner.eat('-');
    std::optional<int> year = scanner.number(2, 4);
    if (!day || !month || !year)
        return std::nullopt;
    if (scanner.digits() == 2)
        *year += *year < 50 ? 2000 : 1900;
    else if (scanner.digits() == 3)
        *year += 1900;

    scanner.skip();
    Clock clock;
    std::optional<int> hour = scanner.number(1, 2);
    scanner.skip();
    if (!hour || !scanner.eat(':'))
        return std::nullopt;
    scanner.skip();
    std::optional<int> minute = scanner.number(1, 2);
    if (!minute)
        return std::nullopt;
    clock.hour = *hour;
    clock.minute = *minute;
    scanner.skip();
    if (scanner.eat(':')) {
        scanner.skip();
        std::optional<int> second = scanner.number(1, 2);
        if (!second)
            return std::nullopt;
        clock.second = *second;
    }
    scanner.skip();
    std::optional<int> offset = zone(scanner);
    return make_date(*year, *month, *day, clock, offset.value_or(0));
}

std::optional<Date> parse_internal_date(std::string_view text) {
    Scanner scanner(text);
    if (scanner.peek() == ' ')
        scanner.eat(' ');
    std::optional<int> day = scanner.number(1, 2);
    if (!day || !scanner.eat('-'))
        return std::nullopt;
    std::string_view name = scanner.letters();
    std::optional<int> month = name.size() == 3 ? month_number(name) : std::nullopt;
    if (!month || !scanner.eat('-'))
        return std::nullopt;
    std::optional<int> year = scanner.number(4, 4);
    if (!year || !scanner.eat(' '))
        return std::nullopt;
    std::optional<int> hour = scanner.number(2, 2);
    if (!hour || !scanner.eat(':'))
        return std::nullopt;
    std::optional<int> minute = scanner.number(2, 2);
    if (!minute || !scanner.eat(':'))
        return std::nullopt;
    std::optional<int> second = scanner.number(2, 2);
    if (!second || !scanner.eat(' ') || (scanner.peek() != '+' && scanner.peek() != '-'))
        return std::nullopt;
    std::optional<int> offset = zone(scanner);
    if (!offset || scanner.digits() != 4 || !scanner.at_end())
        return std::nullopt;
    return make_date(*year, *month, *day, Clock{*hour, *minute, *second}, *offset);
}

std::optional<std::int64_t> parse_search_day(std::string_view text) {
    Scanner scanner(text);
    std::optional<int> day = scanner.number(1, 2);
    if (!day || !scanner.eat('-'))
        return std::nullopt;
    std::string_view name = scanner.letters();
    std::optional<int> month = name.size() == 3 ? month_number(name) : std::nullopt;
    if (!month || !scanner.eat('-'))
        return std::nullopt;
    std::optional<int> year = scanner.number(4, 4);
    if (!year || !scanner.at_end())
        return std::nullopt;
    return days_from_civil(*year, *month, *day);
}

std::string format_internal_date(std::int64_t utc) {
    int minutes = 0;
    std::tm t = local_time(utc, minutes);
    char text[64];
    int length = std::snprintf(text, sizeof text, "%02d-%s-%04d %02d:%02d:%02d %c%04d", t.tm_mday,
        kMonths[static_cast<std::size_t>(t.tm_mon)].data(), t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec,
        zone_sign(minutes), zone_digits(minutes));
    return std::string(text, static_cast<std::size_t>(length));
}

std::string format_date(std::int64_t utc) {
    int minutes = 0;
    std::tm t = local_time(utc, minutes);
    char text[64];
    int length = std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d %c%04d",
        kDays[static_cast<std::size_t>(t.tm_wday)].data(), t.tm_mday, kMonths[static_cast<std::size_t>(t.tm_mon)].data(),
        t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec, zone_sign(minutes), zone_digits(minutes));
    return std::string(text, static_cast<std::size_t>(length));
}

std::int64_t local_day(std::int64_t utc) {
    int minutes = 0;
    local_time(utc, minutes);
    return floor_day(utc + minutes * 60);
}

}  // namespace message
