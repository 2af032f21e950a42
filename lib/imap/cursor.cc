#include "lib/imap/cursor.h"

#include <algorithm>

#include "lib/imap/literal.h"
#include "lib/imap/number.h"
#include "lib/message/header.h"

namespace imap {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// ASTRING-CHAR: "]" is allowed as well.
bool is_astring_char(char c) { return is_atom_char(c) || c == ']'; }
bool is_tag_char(char c) { return is_astring_char(c) && c != '+'; }
bool is_list_char(char c) { return is_astring_char(c) || c == '%' || c == '*'; }

}  // namespace

bool is_atom_char(char c) {
    // 8-bit characters are no part of an atom (RFC 3501, 9).
    if (is_control(c) || static_cast<unsigned char>(c) > 127)
        return false;
    return std::string_view("(){ %*\"\\]").find(c) == std::string_view::npos;
}

bool Cursor::eat(char c) {
    if (at_end() || text_[position_] != c)
        return false;
    ++position_;
    return true;
}

bool Cursor::eat_word(std::string_view word) {
    std::string_view here = rest().substr(0, word.size());
    if (!message::equal_ignoring_case(here, word))
        return false;
    std::string_view after = rest().substr(word.size());
    if (!after.empty() && is_atom_char(after.front()) && after.front() != '[' && after.front() != '<')
        return false;
    position_ += word.size();
    return true;
}

void Cursor::expect(char c) {
    if (eat(c))
        return;
    if (c == ' ')
        throw SyntaxError(at_end() ? "Missing argument" : "A space is missing between arguments");
    throw SyntaxError(std::string("Missing '") + c + "'");
}

void Cursor::end() {
    if (!at_end())
        throw SyntaxError("Unexpected text after the arguments");
}

std::string_view Cursor::take_while(bool (*accept)(char)) {
    std::size_t start = position_;
    while (position_ < text_.size() && accept(text_[position_]))
        ++position_;
    return text_.substr(start, position_ - start);
}

std::string Cursor::tag() {
    std::string_view tag = take_while(is_tag_char);
    if (tag.empty() || tag.size() > 255)
        throw SyntaxError("Invalid tag");
    return std::string(tag);
}

std::string Cursor::atom() {
    std::string_view atom = take_while(is_atom_char);
    if (atom.empty())
        throw SyntaxError(at_end() ? "Missing argument" : "Invalid characters in atom");
    return std::string(atom);
}

std::string Cursor::astring() {
    if (at_string())
        return string();
    std::string_view atom = take_while(is_astring_char);
    if (atom.empty())
        throw SyntaxError(at_end() ? "Missing argument" : "Invalid characters in atom");
    return std::string(atom);
}

std::string Cursor::list_mailbox() {
    if (at_string())
        return string();
    std::string_view pattern = take_while(is_list_char);
    if (pattern.empty())
        throw SyntaxError("Missing or invalid mailbox pattern");
    return std::string(pattern);
}

std::string Cursor::string() {
    if (peek() == '"')
        return quoted();
    if (peek() == '{')
        return literal();
    throw SyntaxError("A quoted string or a literal is expected");
}

std::optional<std::string> Cursor::nstring() {
    if (at_string())
        return string();
    if (eat_word("NIL"))
        return std::nullopt;
    throw SyntaxError("A string or NIL is expected");
}

std::string Cursor::quoted() {
    std::string value;
    for (++position_; position_ < text_.size(); ++position_) {
        char c = text_[position_];
        if (c == '"') {
            ++position_;
            return value;
        }
        if (c == '\\') {
            ++position_;
            if (peek() != '"' && peek() != '\\')
                throw SyntaxError("Only '\"' and '\\' may follow '\\' in a quoted string");
            c = peek();
        }
        if (c == '\0' || c == '\r' || c == '\n')
            throw SyntaxError("NUL or line end in a quoted string");
        value += c;
    }
    throw SyntaxError("A quoted string has no end");
}

std::string Cursor::literal() {
    std::size_t line_end = text_.find("\r\n", position_);
    if (line_end == std::string_view::npos)
        throw SyntaxError("Invalid literal");
    std::string_view line = text_.substr(position_, line_end - position_);
    std::optional<Literal> announced = announced_literal(line);
    bool alone = line.find('}') == line.size() - 1;
    if (!announced || announced->overflow || !alone || announced->size > text_.size() - line_end - 2)
        throw SyntaxError("Invalid literal");
    std::string_view value = text_.substr(line_end + 2, announced->size);
    if (value.find('\0') != std::string_view::npos)
        throw SyntaxError("NUL in a literal");
    position_ = line_end + 2 + announced->size;
    return std::string(value);
}

std::string Cursor::flag() {
    std::string flag;
    if (eat('\\'))
        flag = "\\";
    return flag + atom();
}

std::uint64_t Cursor::number_up_to(std::uint64_t most) {
    std::string_view digits = take_while(is_digit);
    if (digits.empty())
        throw SyntaxError("A number is expected");
    std::optional<std::uint64_t> value = parse_number64(digits);
    if (!value || *value > most)
        throw SyntaxError("A number is too large");
    return *value;
}

std::uint32_t Cursor::number() { return static_cast<std::uint32_t>(number_up_to(UINT32_MAX)); }

std::uint32_t Cursor::nonzero_number() {
    std::uint32_t value = number();
    if (value == 0)
        throw SyntaxError("Zero is not allowed here");
    return value;
}

std::uint64_t Cursor::number64() { return number_up_to(kLargestNumber64); }

std::uint64_t Cursor::nonzero_number64() {
    std::uint64_t value = number64();
    if (value == 0)
        throw SyntaxError("Zero is not allowed here");
    return value;
}

std::string_view Cursor::until(std::string_view stops) {
    std::size_t end = std::min(text_.find_first_of(stops, position_), text_.size());
    std::string_view found = text_.substr(position_, end - position_);
    position_ = end;
    return found;
}

}  // namespace imap
