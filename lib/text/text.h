// lib/text/text.h - octets and ASCII text: case, trimming, splitting, base64, what a terminal may see.
//
// Mail protocols compare ASCII without regard to case and locale; nothing here looks at the locale.
//
// Failure     decode_base64() returns no value for anything that RFC 4648 does not allow.
// Trust       every argument may come from a stranger.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace text {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_alnum(char c) { return is_digit(c) || is_alpha(c); }
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string lower(std::string_view text);
std::string upper(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

// Without the white space at both ends.
std::string_view trim(std::string_view text);

// The fields between any of `separators`, empty ones left out.
std::vector<std::string_view> split(std::string_view text, std::string_view separators);

// A decimal number with nothing before or after it, within the type.
std::optional<std::uint64_t> parse_number(std::string_view digits);

// RFC 4648, 4: with padding, without line ends.
std::string encode_base64(std::string_view octets);
std::optional<std::string> decode_base64(std::string_view text);

// For logs and terminals: control characters become '?', valid UTF-8 stays (Postfix's printable()).
std::string printable(std::string_view text);
void make_printable(std::string& text);

}  // namespace text
