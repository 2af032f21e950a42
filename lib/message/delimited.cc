#include "lib/message/delimited.h"

namespace message {
namespace {

void append(std::string& content, char c) {
    if (c != '\r' && c != '\n')
        content += c;
}

Delimited read_until(std::string_view text, std::size_t at, char close) {
    Delimited piece;
    std::size_t i = at + 1;
    for (; i < text.size() && text[i] != close; ++i) {
        if (text[i] == '\\' && i + 1 < text.size())
            ++i;
        append(piece.content, text[i]);
    }
    piece.closed = i < text.size();
    piece.end = piece.closed ? i + 1 : text.size();
    return piece;
}

}  // namespace

Delimited read_quoted_string(std::string_view text, std::size_t at) { return read_until(text, at, '"'); }

Delimited read_domain_literal(std::string_view text, std::size_t at) { return read_until(text, at, ']'); }

Delimited read_comment(std::string_view text, std::size_t at) {
    Delimited piece;
    std::size_t depth = 0;
    for (std::size_t i = at; i < text.size(); ++i) {
        char c = text[i];
        if (c == '(' && depth++ == 0)
            continue;
        if (c == ')' && --depth == 0) {
            piece.closed = true;
            piece.end = i + 1;
            return piece;
        }
        if (c == '\\' && i + 1 < text.size())
            c = text[++i];
        append(piece.content, c);
    }
    piece.end = text.size();
    return piece;
}

}  // namespace message
