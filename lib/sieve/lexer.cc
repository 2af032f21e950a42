#include "lib/sieve/lexer.h"

#include <fmt/format.h>

#include "lib/text/text.h"

namespace sieve {
namespace {

bool starts_name(char c) { return text::is_alpha(c) || c == '_'; }
bool in_name(char c) { return text::is_alnum(c) || c == '_'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

Lexer::Lexer(std::string_view text, Problems& problems) : text_(text), problems_(problems) {
    if (text_.starts_with("\xef\xbb\xbf"))  // a byte order mark that editors leave
        text_.remove_prefix(3);
    next();
}

void Lexer::advance(std::size_t count) {
    for (; count > 0 && at_ < text_.size(); --count, ++at_) {
        if (text_[at_] == '\n') {
            ++line_;
            column_ = 1;
        } else {
            ++column_;
        }
    }
}

void Lexer::skip_hash_comment() {
    while (!ended() && peek() != '\n')
        advance(1);
}

bool Lexer::skip_bracket_comment() {
    ast::Place begin{line_, column_};
    std::size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) {
        problems_.error(begin, "/*", "the comment that begins here is not closed by */");
        advance(text_.size() - at_);
        return false;
    }
    advance(end + 2 - at_);
    return true;
}

bool Lexer::skip_blanks() {
    for (;;) {
        if (is_blank(peek()) && !ended())
            advance(1);
        else if (peek() == '#')
            skip_hash_comment();
        else if (peek() == '/' && peek(1) == '*')
            skip_bracket_comment();
        else
            return !ended();
    }
}

void Lexer::next() {
    token_ = {};
    bool more = skip_blanks();
    token_.place = {line_, column_};
    if (!more)
        return;
    std::size_t begin = at_;
    char c = peek();
    constexpr std::string_view kSigns = ",;()[]{}";
    if (std::size_t sign = kSigns.find(c); sign != std::string_view::npos && c != '\0') {
        token_.kind = static_cast<Token::Kind>(static_cast<int>(Token::Kind::comma) + static_cast<int>(sign));
        advance(1);
    } else if (starts_name(c)) {
        read_word();
    } else if (c == ':') {
        read_tag();
    } else if (text::is_digit(c)) {
        read_number();
    } else if (c == '"') {
        read_quoted();
    } else {
        read_garbage();
    }
    token_.raw = text_.substr(begin, at_ - begin);
}

std::string_view Lexer::take_name() {
    std::size_t begin = at_;
    while (!ended() && in_name(peek()))
        advance(1);
    std::string_view name = text_.substr(begin, at_ - begin);
    if (name.size() > ast::kMaxName) {
        problems_.error(
            token_.place, name, fmt::format("this name has {} characters; {} is the most", name.size(), ast::kMaxName));
        name = name.substr(0, ast::kMaxName);
    }
    return name;
}

void Lexer::read_word() {
    if (text::starts_with_ignoring_case(text_.substr(at_), "text:")) {
        read_multiline();
        return;
    }
    token_.kind = Token::Kind::name;
    token_.text = text::lower(take_name());
}

void Lexer::read_tag() {
    if (!starts_name(peek(1))) {
        read_garbage();
        return;
    }
    advance(1);
    token_.kind = Token::Kind::tag;
    token_.text = text::lower(take_name());
}

void Lexer::read_number() {
    token_.kind = Token::Kind::number;
    std::uint64_t value = 0;
    bool too_large = false;
    while (text::is_digit(peek())) {
        too_large |= __builtin_mul_overflow(value, std::uint64_t{10}, &value);
        too_large |= __builtin_add_overflow(value, static_cast<std::uint64_t>(peek() - '0'), &value);
        advance(1);
    }
    std::uint64_t factor = 1;
    switch (text::to_lower(peek())) {  // RFC 5228, 2.4.1
    case 'k': factor = 1ULL << 10; break;
    case 'm': factor = 1ULL << 20; break;
    case 'g': factor = 1ULL << 30; break;
    default: break;
    }
    if (factor != 1)
        advance(1);
    too_large |= __builtin_mul_overflow(value, factor, &value);
    if (too_large)
        problems_.error(token_.place, text_.substr(at_ > 24 ? at_ - 24 : 0, at_ > 24 ? 24 : at_),
            "this number is larger than 18446744073709551615");
    token_.number = too_large ? UINT64_MAX : value;
}

void Lexer::check_string() {
    // RFC 5228, 2.4.2: any octets but NUL; what must be UTF-8 (mailbox names, addresses) is checked where it is used.
    if (token_.text.find('\0') != std::string::npos)
        problems_.error(token_.place, {}, "a string holds a NUL, which no script may (RFC 5228, 8.1)");
}

void Lexer::read_quoted() {
    token_.kind = Token::Kind::string;
    advance(1);
    std::string& value = token_.text;
    while (!ended() && peek() != '"') {
        if (peek() == '\\' && at_ + 1 < text_.size()) {  // RFC 5228, 2.4.2: \c is c for any c
            advance(1);
        }
        char c = peek();
        advance(1);
        if (c == '\r' && peek() == '\n')
            continue;
        if (c == '\n' || c == '\r')
            value += "\r\n";
        else
            value += c;
    }
    if (ended()) {
        problems_.error(token_.place, "\"", "the string that begins here is not closed");
        return;
    }
    advance(1);
    check_string();
}

// RFC 5228, 2.4.2: "text:" blanks [comment] CRLF lines "." CRLF, with dots doubled at line beginnings.
void Lexer::read_multiline() {
    token_.kind = Token::Kind::string;
    advance(5);
    while (peek() == ' ' || peek() == '\t')
        advance(1);
    if (peek() == '#')
        skip_hash_comment();
    if (peek() == '\r')
        advance(1);
    if (peek() != '\n') {
        problems_.error({line_, column_}, text_.substr(at_, 1), "behind text: only a comment may stand on the same line");
        return;
    }
    advance(1);
    while (!ended()) {
        std::size_t end = text_.find('\n', at_);
        bool last = end == std::string_view::npos;
        std::string_view line = text_.substr(at_, last ? std::string_view::npos : end - at_);
        advance(line.size() + (last ? 0 : 1));
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line == ".") {
            check_string();
            return;
        }
        if (line.starts_with(".."))  // ".foo" is not stuffed and stays
            line.remove_prefix(1);
        token_.text.append(line);
        token_.text.append("\r\n");
    }
    problems_.error(token_.place, "text:", "the text that begins here is not closed by a line with a single dot");
}

void Lexer::read_garbage() {
    token_.kind = Token::Kind::garbage;
    std::size_t begin = at_;
    constexpr std::string_view kSane = ",;()[]{}\":# \t\r\n";
    do {
        advance(1);
    } while (!ended() && kSane.find(peek()) == std::string_view::npos && !in_name(peek()));
    std::string_view raw = text_.substr(begin, at_ - begin);
    problems_.error(token_.place, raw, "these characters mean nothing in a script");
}

std::string Lexer::describe(const Token& token) {
    switch (token.kind) {
    case Token::Kind::end: return "the end of the script";
    case Token::Kind::string: return "a string";
    case Token::Kind::number: return fmt::format("the number {}", token.raw);
    case Token::Kind::garbage: return "characters that mean nothing";
    case Token::Kind::name: return fmt::format("the name {}", token.text);
    case Token::Kind::tag: return fmt::format("the tag :{}", token.text);
    default: return fmt::format("'{}'", token.raw);
    }
}

}  // namespace sieve
