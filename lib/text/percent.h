// lib/text/percent.h - "%XX", which stands for an octet in URIs and in RFC 2231 parameters.
//
// Standards   RFC 3986, 2.1; RFC 2231, 4
// Failure     no value where the two digits are not there; whether that is an error is the caller's grammar.
// Trust       the text comes from strangers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace text {

// The octet that the three characters at `at` stand for.
std::optional<char> percent_octet(std::string_view text, std::size_t at);

// All of it; no value where a "%" stands for nothing.
std::optional<std::string> decode_percent(std::string_view text);

}  // namespace text
