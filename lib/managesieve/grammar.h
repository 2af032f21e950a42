// lib/managesieve/grammar.h - commands and replies of ManageSieve.
//
// A command is read line by line; where a line ends in a literal's length, that many octets and the rest of the command
// follow. Whoever reads puts all of it into one text, literals included, and parse_command() takes it apart.
//
// Standards   RFC 5804, 1.2 to 1.6, 2 and 4
// Failure     a reason for the client, without its octets
// Trust       everything comes from strangers; no NUL is taken in a quoted string, names and numbers are bounded.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace managesieve {

struct Argument {
    enum class Kind { string, number };
    Kind kind = Kind::string;
    std::string text;
    std::uint64_t number = 0;
};

struct Command {
    std::string name;  // in capitals
    std::vector<Argument> arguments;

    // Are these the kinds of the arguments? "ss" is two strings, "sn" a string and a number.
    bool has(std::string_view kinds) const;
};

// The length of the literal that a line ends with; nothing if it ends with none. A length that is too long for any
// literal gives the greatest number.
std::optional<std::uint64_t> literal_at_end(std::string_view line);

// `text` is the command without the last line end.
std::expected<Command, std::string> parse_command(std::string_view text);

// A quoted string, or a literal where the text cannot be quoted.
std::string format_string(std::string_view text);

// `OK "text"`, `NO (QUOTA/MAXSIZE) "text"` with the line end; code and text may be empty.
std::string format_reply(std::string_view word, std::string_view code, std::string_view text);

// The lines of CAPABILITY before and after login (RFC 5804, 1.7), without the OK.
struct Capabilities {
    std::string implementation;
    std::vector<std::string_view> sieve;
    std::vector<std::string_view> notify;
    std::vector<std::string> mechanisms;  // empty when no login is possible now
    bool starttls = false;
    std::uint64_t max_redirects = 0;
    std::string owner;  // the user, once logged in
};
std::string format_capabilities(const Capabilities& capabilities);

}  // namespace managesieve
