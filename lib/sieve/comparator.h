// lib/sieve/comparator.h - comparing, searching and wildcard matching under the four comparators.
//
// Standards   RFC 4790, 9 (i;octet, i;ascii-casemap, i;ascii-numeric); RFC 5051 (i;unicode-casemap); RFC 5228, 2.7.1
// Failure     wildcard matching that takes too many steps is `exhausted`.
// Trust       both sides come from strangers.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/sieve/code.h"

namespace sieve {

// The form in which texts are equal octet by octet when the comparator calls them equal; not for ascii_numeric.
std::string fold(std::string_view text, Comparator comparator);

std::strong_ordering compare(std::string_view a, std::string_view b, Comparator comparator);

inline bool equal(std::string_view a, std::string_view b, Comparator comparator) {
    return compare(a, b, comparator) == std::strong_ordering::equal;
}

bool holds(std::strong_ordering order, Relation relation);

enum class GlobResult { no_match, match, exhausted };

// :matches. "*" takes as little as possible, "?" one character, which is an octet but for unicode_casemap; "\" takes away
// their meaning. `groups` gets the whole and what each wildcard stands for, as views into `value`.
GlobResult glob(std::string_view value, std::string_view pattern, Comparator comparator, std::uint64_t steps,
    std::vector<std::string_view>& groups);

}  // namespace sieve
