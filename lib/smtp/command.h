// lib/smtp/command.h - the grammar of SMTP commands: a line to a verb, an argument and parameters.
//
// Pure functions: octets in, a value or a reason out.
//
// Standards   RFC 5321, 4.1.1 and 4.1.2; RFC 1870 (SIZE), RFC 6152 (BODY), RFC 4954 (AUTH=), RFC 3461 (DSN)
// Failure     parse_parameters() returns what is wrong, as text for the reply.
// Trust       lines come from strangers; their length is bounded by whoever read them. The path is only cut out
//             here: lib/address decides whether it is an address.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smtp {

struct Command {
    std::string verb;           // in upper case
    std::string_view argument;  // what follows, without white space at its ends
};

Command parse_command(std::string_view line);

struct Parameter {
    std::string_view keyword;               // compared without regard to case
    std::optional<std::string_view> value;  // behind "="
};

inline constexpr std::size_t kMaxParameters = 20;

// What follows "FROM:" or "TO:" (`keyword` without the colon): a path, for lib/address to read. No value where
// the keyword or the colon is missing. Blanks around the colon are put up with unless `strict`.
std::optional<std::string_view> path_argument(std::string_view argument, std::string_view keyword, bool strict);

// "SIZE=1000 BODY=8BITMIME", as it stands behind a path.
std::expected<std::vector<Parameter>, std::string> parse_parameters(std::string_view text);

}  // namespace smtp
