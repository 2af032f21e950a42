// lib/smtp/command.h - the grammar of SMTP commands: a line to a verb, an argument, a path and parameters.
//
// Pure functions: octets in, a value or a reason out.
//
// Standards   RFC 5321, 4.1.1 and 4.1.2; RFC 1870 (SIZE), RFC 6152 (BODY), RFC 4954 (AUTH=), RFC 3461 (DSN)
// Failure     parse_path_command() returns the reply text that says what is wrong.
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
    std::string verb;            // in upper case
    std::string_view argument;   // what follows, without white space at its ends
};

Command parse_command(std::string_view line);

struct Parameter {
    std::string_view keyword;               // compared without regard to case
    std::optional<std::string_view> value;  // behind "="
};

// "FROM:<a@b> SIZE=1", "TO:<c@d>".
struct PathCommand {
    std::string path;                   // without the angle brackets; may be empty
    bool bracketed = true;              // false: the client left the angle brackets out
    std::vector<Parameter> parameters;  // views into the argument
};

inline constexpr std::size_t kMaxParameters = 20;

// `keyword` is "FROM" or "TO". Where `strict` is not set, blanks around the colon and missing angle brackets
// are put up with, as old clients need it (strict_rfc821_envelopes = no).
std::expected<PathCommand, std::string> parse_path_command(std::string_view argument, std::string_view keyword,
                                                           bool strict);

// RFC 3461, 4: text in which "+XX" stands for an octet. No value where it is malformed, or where it would hide
// a control character.
std::optional<std::string> decode_xtext(std::string_view text);
std::string encode_xtext(std::string_view text);

}  // namespace smtp
