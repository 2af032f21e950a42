// lib/dsn/status_text.h - "5.1.1 no such user": an enhanced status code with its words.
//
// Standards   RFC 3463
// Failure     none: text without a status gets the one given.
#pragma once

#include <string>
#include <string_view>

namespace dsn {

// 2, 4 or 5, and two numbers of at most three digits.
bool is_status(std::string_view text);

struct StatusText {
    std::string status;
    std::string text;
};
StatusText split_status_text(std::string_view text, std::string_view default_status);

}  // namespace dsn
