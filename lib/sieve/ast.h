// lib/sieve/ast.h - a script as the parser leaves it: commands, tests and arguments with their places.
//
// Lifetime    nodes own their text.
// Trust       nesting is bounded by the parser (kMaxNesting for blocks and again for tests), so walking it may recurse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sieve::ast {

inline constexpr std::size_t kMaxNesting = 32;  // RFC 5228, 2.10.5 wants 15 at least
inline constexpr std::size_t kMaxArguments = 32;
inline constexpr std::size_t kMaxName = 32;

struct Place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

struct String {
    std::string text;  // escapes undone, line ends CR LF
    Place place;
};

struct Argument {
    enum class Kind { number, string, list, tag };
    Kind kind = Kind::number;
    Place place;
    std::uint64_t number = 0;
    std::string tag;              // lower case, without the colon
    std::vector<String> strings;  // one for Kind::string
};

struct Node {
    std::string name;  // lower case
    Place place;
    std::vector<Argument> arguments;
    std::vector<Node> tests;
    bool test_list = false;  // the tests stood in parentheses
    bool has_block = false;
    std::vector<Node> block;
};

}  // namespace sieve::ast
