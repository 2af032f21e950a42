// lib/message/charset.h - text of any character set to UTF-8, and the form in which texts compare.
//
// Standards   RFC 2045, 5.1; RFC 3501, 6.4.4 (CHARSET); RFC 5051 in spirit (case and width ignored)
// Failure     a character set that ICU does not know gives no value; bytes that are not legal in it
//             become U+FFFD.
// Trust       text and name come from strangers; the name's length is bounded here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace message {

bool is_known_charset(std::string_view name);

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset);

// Two texts match in a search if their folded forms do: case, compatibility forms and composition
// are ignored.
std::string fold_for_search(std::string_view utf8);

bool is_ascii(std::string_view text);

}  // namespace message
