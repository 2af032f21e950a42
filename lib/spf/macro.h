// lib/spf/macro.h - macro strings: %{ir}.%{v}._spf.%{d2} and their like, parsed once, expanded for a client.
//
// Standards   RFC 7208, 7.1 (grammar), 7.2 (letters), 7.3 (transformers, escaping), 7.4
// Failure     parse() tells what breaks the grammar; expand() cannot fail.
// Trust       the text is what a stranger published, the values are what another stranger said. Nothing of a value is
//             looked at for macros again; how often a value is repeated is bounded by the record's length, and the
//             result by kMaxExpansion.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dict/network.h"

namespace spf {

inline constexpr std::size_t kMaxExpansion = 4096;

struct MacroValues {
    std::string local_part, sender_domain;  // %{l} %{o}, %{s} together
    std::string domain;                     // %{d}
    dict::IpAddress client;                 // %{i} %{v} %{c}
    std::string client_name = "unknown";    // %{p}
    std::string helo;                       // %{h}
    std::string receiver;                   // %{r}
    std::int64_t now = 0;                   // %{t}
};

class MacroString {
  public:
    enum class Kind {
        domain_spec,  // ends in a top label or a macro; %{c} %{r} %{t} are not allowed
        modifier,     // the value of a modifier that nobody knows
        explanation,  // the text that exp= leads to: with blanks
    };
    static std::expected<MacroString, std::string> parse(std::string_view text, Kind kind);

    bool uses_client_name() const;
    std::string expand(const MacroValues& values) const;
    // As the target of a query: without the last dot, and without labels on the left where it is too long (7.3).
    std::string expand_domain(const MacroValues& values) const;

  private:
    struct Piece {
        std::string literal;  // where there is no letter
        char letter = 0;      // in lower case
        bool escape = false;  // the letter was in upper case
        unsigned parts = 0;   // 0: all
        bool reverse = false;
        std::string delimiters;
    };
    static std::expected<Piece, std::string> parse_macro(std::string_view text, std::size_t& at, Kind kind);
    void append(std::string_view literal);

    std::vector<Piece> pieces_;
};

}  // namespace spf
