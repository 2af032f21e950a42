// lib/imap/format.h - strings on their way to an IMAP client.
//
// Standards   RFC 3501, 4.3 and 9
// Trust       values may hold any octet: what no quoted string may hold goes as a literal, and NUL,
//             which no literal may hold, goes as 0x80, so that lengths stay what they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imap {

void append_string(std::string& out, std::string_view value);  // quoted or literal
void append_nstring(std::string& out, const std::optional<std::string>& value);
void append_astring(std::string& out, std::string_view value);  // atom if it can be one
void append_number(std::string& out, std::uint64_t value);

// Replaces NUL as above.
void make_literal_safe(std::string& octets);

// Text for the end of a response line: control characters and 8-bit become "?".
std::string human_text(std::string_view text);

}  // namespace imap
