// lib/imap/literal.h - the end of a command: a line that announces a literal goes on after it.
//
// The reader of a connection takes lines and literals in turn until a line announces none, and puts
// them together as they were: text, CR LF, literal, text ... Only this function says what is an
// announcement, so that no refused literal can be taken for commands.
//
//     for (;;) {
//         line = read_line();
//         auto literal = announced_literal(line);
//         if (!literal) break;                       // the command is whole
//         ... check limits; if literal->synchronizing, send "+ OK"; read literal->size octets ...
//     }
//
// Standards   RFC 3501, 4.3; RFC 7888; RFC 9051, 9 (number64)
// Trust       the line comes from strangers, also before login.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace imap {

struct Literal {
    std::uint64_t size = 0;
    bool synchronizing = true;
    bool overflow = false;  // larger than any size (number.h): nobody can read past it
};

// The literal that a line (without its line end) announces.
std::optional<Literal> announced_literal(std::string_view line);

}  // namespace imap
