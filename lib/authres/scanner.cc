#include "lib/authres/scanner.h"

#include <utility>

#include "lib/text/text.h"

namespace authres {

std::optional<std::string> Scanner::skip_cfws() {
    std::optional<std::string> comment;
    while (!at_end()) {
        if (text::is_space(text_[at_])) {
            ++at_;
        } else if (text_[at_] == '(') {
            std::string found = take(message::read_comment(text_, at_));
            if (!comment)
                comment = std::move(found);
        } else {
            break;
        }
    }
    return comment;
}

std::string Scanner::take(message::Delimited piece) {
    broken_ = broken_ || !piece.closed;
    at_ = piece.end;
    return std::move(piece.content);
}

bool Scanner::take(char c) {
    if (peek() != c || at_end())
        return false;
    ++at_;
    return true;
}

std::string Scanner::take_keyword() {
    std::string word;
    while (!at_end() && (text::is_alnum(text_[at_]) || text_[at_] == '-' || text_[at_] == '_'))
        word += text_[at_++];
    return word;
}

std::optional<unsigned> Scanner::take_number() {
    const std::size_t begin = at_;
    while (!at_end() && text::is_digit(text_[at_]))
        ++at_;
    const auto number = text::parse_number(text_.substr(begin, at_ - begin));
    if (!number || *number > 1'000'000)
        return std::nullopt;
    return static_cast<unsigned>(*number);
}

std::optional<std::string> Scanner::take_value() {
    if (peek() == '"') {
        std::string quoted = take(message::read_quoted_string(text_, at_));
        // "alice smith"@example.test: a local part in quotes; they belong to the value then.
        if (peek() != '@')
            return quoted;
        std::string value = "\"" + quoted + "\"";
        while (!at_end() && !text::is_space(peek()) && peek() != ';' && peek() != '(')
            value += text_[at_++];
        return value;
    }
    std::string value;
    while (!at_end() && !text::is_space(peek()) && peek() != ';' && peek() != '(' && peek() != '"')
        value += text_[at_++];
    if (value.empty())
        return std::nullopt;
    return value;
}

}  // namespace authres
