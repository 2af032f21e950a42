// lib/sieve/checks.h - what names, addresses and values must look like: the compiler asks for constants, the machine for
// what only shows when a script runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sieve {

bool is_header_name(std::string_view name);                // RFC 5322, 3.6.8
bool is_address_header(std::string_view lower_case_name);  // RFC 5228, 5.1: those that hold addresses
bool is_field_value(std::string_view value);               // may stand in a field: UTF-8, no NUL, folded if it has lines
bool is_token(std::string_view text);                      // RFC 2045, 5.1
bool is_mailbox_name(std::string_view name);
bool is_special_use_flag(std::string_view flag);  // RFC 6154: "\" atom
bool is_variable_name(std::string_view name);     // RFC 5229, 3: an identifier, no number
bool is_notify_option(std::string_view option);   // RFC 5435, 3.4
bool is_annotation_name(std::string_view name);   // RFC 5464, 4: /private/... or /shared/...
bool is_date_part(std::string_view part);         // RFC 5260, 4.2
bool is_system_flag(std::string_view flag);       // "\Seen" and its like, without regard to case
bool is_flag(std::string_view flag);              // system flag or keyword

// Minutes east of Greenwich of "+0100".
std::optional<int> parse_zone(std::string_view zone);

// An address as scripts have it: `alice@example.test` or `Alice <alice@example.test>`, blanks around its parts allowed, dots
// in odd places too. The result is plain local@domain, quoted where it must be. The domain may not be missing.
std::optional<std::string> parse_script_address(std::string_view text);

// An envelope path, in angle brackets or not: RFC 5321's with source route, and local parts that are not in its grammar but
// are seen. "" for the null sender.
struct Path {
    std::string local;
    std::string domain;  // may be empty
    std::string text() const;
};
std::optional<Path> parse_path(std::string_view text);

// Unquoted text without NUL, CR and LF, as an address list or a header would show it.
std::string on_one_line(std::string_view text);

std::size_t utf8_length(std::string_view text);
// The first characters, and an ellipsis if there were more.
std::string shorten(std::string_view text, std::size_t characters);
// Cuts at a character's border.
std::string_view cut_utf8(std::string_view text, std::size_t octets);

}  // namespace sieve
