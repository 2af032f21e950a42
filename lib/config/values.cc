#include "lib/config/values.h"

#include <strings.h>

#include <charconv>

namespace config {
namespace {

constexpr std::string_view kBlank = " \t\r\n\f\v";

std::string_view trim(std::string_view text) {
    std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::int64_t unit_seconds(char unit) {
    switch (unit | 0x20) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3600;
    case 'd': return 86400;
    case 'w': return 7 * 86400;
    default: return 0;
    }
}

}  // namespace

std::expected<bool, std::string> parse_bool(std::string_view text) {
    if (equals_ignoring_case(text, "yes"))
        return true;
    if (equals_ignoring_case(text, "no"))
        return false;
    return std::unexpected("\"" + std::string(text) + "\" is neither yes nor no");
}

std::expected<std::int64_t, std::string> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error == std::errc::invalid_argument || end != text.data() + text.size())
        return std::unexpected("\"" + std::string(text) + "\" is not a whole number");
    if (error != std::errc())
        return std::unexpected("\"" + std::string(text) + "\" is too large");
    return value;
}

std::expected<std::chrono::seconds, std::string> parse_time(std::string_view text, char default_unit) {
    auto wrong = [&](std::string_view why) { return std::unexpected("\"" + std::string(text) + "\" " + std::string(why)); };
    constexpr std::string_view kNotATime = "is not a time: write a whole number and one of s, m, h, d, w";
    std::string_view rest = trim(text);
    if (rest.empty())
        return wrong(kNotATime);
    std::int64_t total = 0;
    while (!rest.empty()) {
        std::int64_t number = 0;
        auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
        if (error == std::errc::result_out_of_range)
            return wrong("is too long a time");
        if (error != std::errc() || number < 0)
            return wrong(kNotATime);
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        char unit = default_unit;
        if (!rest.empty() && kBlank.find(rest.front()) == std::string_view::npos) {
            unit = rest.front();
            rest.remove_prefix(1);
        }
        std::int64_t seconds = 0;
        if (unit_seconds(unit) == 0)
            return wrong(kNotATime);
        if (__builtin_mul_overflow(number, unit_seconds(unit), &seconds) || __builtin_add_overflow(total, seconds, &total) ||
            total > std::numeric_limits<int>::max())
            return wrong("is too long a time");
        rest = trim(rest);
    }
    return std::chrono::seconds(total);
}

std::vector<std::string> split_tokens(std::string_view text, std::string_view separators) {
    std::vector<std::string> tokens;
    std::size_t i = 0;
    while (i < text.size()) {
        if (separators.find(text[i]) != std::string_view::npos) {
            ++i;
            continue;
        }
        std::size_t start = i;
        int level = 0;
        for (; i < text.size(); ++i) {
            if (text[i] == '{')
                ++level;
            else if (text[i] == '}' && level > 0)
                --level;
            else if (level == 0 && separators.find(text[i]) != std::string_view::npos)
                break;
        }
        std::string_view token = text.substr(start, i - start);
        tokens.emplace_back(unwrap_braces(token).value_or(token));
    }
    return tokens;
}

List split_list(std::string_view text) { return split_tokens(text, ", \t\r\n"); }

std::optional<std::string_view> unwrap_braces(std::string_view text) {
    if (text.empty() || text.front() != '{')
        return std::nullopt;
    int level = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '{')
            ++level;
        else if (text[i] == '}' && --level == 0)
            return i + 1 == text.size() ? std::optional(trim(text.substr(1, i - 1))) : std::nullopt;
    }
    return std::nullopt;
}

std::string format_time(std::chrono::seconds value) { return std::to_string(value.count()) + "s"; }

}  // namespace config
