// lib/sasl/auth_line.h - a line of the auth protocols: fields divided by tabs.
//
// Standards   Dovecot's auth protocol, version 1: NUL, tab, CR, LF and \001 inside a field are \001 and a letter
// Failure     cannot fail; a stray \001 is dropped.
// Trust       lines may come from a peer that has been taken over; they are bounded by whoever reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sasl {

std::string escape_field(std::string_view text);
std::string unescape_field(std::string_view text);

// The fields, unescaped.
std::vector<std::string> split_fields(std::string_view line);

// The value of "name=value" among fields [first, end); "" for a bare "name"; nothing when it is not there.
std::optional<std::string> find_parameter(const std::vector<std::string>& fields, std::size_t first, std::string_view name);

}  // namespace sasl
