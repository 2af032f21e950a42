// lib/text/xtext.h - xtext: text in which "+XX" stands for an octet, as SMTP parameters carry it.
//
// Standards   RFC 3461, 4: hexadecimal digits in upper case only
// Failure     no value where it is malformed, or where it would hide a control character.
// Trust       the text comes from strangers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace text {

std::optional<std::string> decode_xtext(std::string_view text);
std::string encode_xtext(std::string_view text);

}  // namespace text
