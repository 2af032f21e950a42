// lib/text/append.h - formatted text at the end of a string, without a string in between.
//
//     text::append(line, "* {} EXISTS\r\n", count);
//
// fmt::format_to() with an inserter does the same, but compiles all of {fmt}'s formatting anew in every file that uses it.
//
// Failure     the format is checked when it is compiled.
#pragma once

#include <fmt/core.h>

#include <string>

namespace text {

void append_formatted(std::string& out, fmt::string_view format, fmt::format_args arguments);

template <class... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... arguments) {
    append_formatted(out, format, fmt::make_format_args(arguments...));
}

}  // namespace text
