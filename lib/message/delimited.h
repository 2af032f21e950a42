// lib/message/delimited.h - quoted strings, comments and domain literals: the one scanner of what has a beginning and an
// end.
//
// Each function is given the place of the opening character and says where the piece ends. A quoted pair stands for its
// second character; line ends of folding are left out of the content.
//
// Standards   RFC 5322, 3.2.1, 3.2.2, 3.2.4, 3.4.1; RFC 2045, 5.1
// Failure     a piece without its end goes to the end of the text and is not closed.
// Trust       text of strangers: one pass, nesting of comments is only counted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace message {

struct Delimited {
    std::string content;  // without the delimiters
    std::size_t end = 0;  // behind the piece
    bool closed = false;
};

// At a `"`.
Delimited read_quoted_string(std::string_view text, std::size_t at);
// At a `(`. Comments inside keep their parentheses.
Delimited read_comment(std::string_view text, std::size_t at);
// At a `[`.
Delimited read_domain_literal(std::string_view text, std::size_t at);

}  // namespace message
