// lib/config/logical_lines.h - text files where a line that begins with blank space continues the one before.
//
// Empty lines and lines whose first visible character is '#' are skipped wherever they stand, also between
// a line and its continuation. This is the form of main.cf, master.cf and of every lookup table in text form.
//
// Standards   postconf(5), postmap(1): "multi-line"
// Failure     read_text_file() returns the system's reason; split_logical_lines() cannot fail.
// Trust       the text is the administrator's. NUL and other odd bytes are kept as they are.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace config {

struct LogicalLine {
    int line = 0;               // the line it begins on, counted from 1
    int last_line = 0;          // the line it ends on
    std::string text;           // joined without the line ends; the blank space of continuations is kept
    bool starts_blank = false;  // begins with blank space although there is nothing to continue
};

std::vector<LogicalLine> split_logical_lines(std::string_view text);

// The whole file, or "open PATH: No such file or directory".
std::expected<std::string, std::string> read_text_file(const std::string& path);

}  // namespace config
