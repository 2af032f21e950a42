// lib/config/values.h - parameter values in text form, to and from C++ values.
//
// Standards   postconf(5): time units s m h d w; yes/no; lists separated by commas or blank space
// Failure     the reason, as a phrase that names what would be right
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace config {

using List = std::vector<std::string>;

// Text that is kept with its $names, for expansion at the moment of use.
struct Raw {
    std::string text;
    bool operator==(const Raw&) const = default;
};

std::expected<bool, std::string> parse_bool(std::string_view text);
std::expected<std::int64_t, std::string> parse_integer(std::string_view text);

// "300s", "5m", "1h 30m"; a number without a letter counts in default_unit.
std::expected<std::chrono::seconds, std::string> parse_time(std::string_view text, char default_unit);

// "a, b c {d e}" is a, b, c, "d e". Separators inside braces do not separate.
List split_list(std::string_view text);

// One token of blank-separated text in which { } quotes; braces around a whole token are taken off with the
// blank space inside them. Used for the arguments of master.cf and for lists.
std::vector<std::string> split_tokens(std::string_view text, std::string_view separators);

// The trimmed inside of "{ ... }"; nothing when the braces are not there or do not belong together.
std::optional<std::string_view> unwrap_braces(std::string_view text);

std::string format_time(std::chrono::seconds value);

}  // namespace config
