#include "lib/message/address_lexer.h"

#include <utility>

#include "lib/message/delimited.h"

namespace message {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_special(char c) {
    constexpr std::string_view kSpecials = "<>,;:@)";
    return kSpecials.find(c) != std::string_view::npos;
}

bool ends_word(char c) { return is_blank(c) || is_special(c) || c == '"' || c == '(' || c == '['; }

bool is_control(char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; }

}  // namespace

AddressToken AddressLexer::next() {
    AddressToken token;
    token.after_blank = skip_blanks_and_comments();
    token.begin = token.end = at_;
    if (at_ >= text_.size())
        return token;
    const char c = text_[at_];
    if (c == '"' || c == '[') {
        take_delimited(token);
    } else if (is_special(c)) {
        token.kind = AddressToken::Kind::special;
        token.text = c;
        ++at_;
    } else {
        take_word(token);
    }
    token.end = at_;
    return token;
}

std::optional<std::string> AddressLexer::take_comment() { return std::exchange(comment_, std::nullopt); }

bool AddressLexer::skip_blanks_and_comments() {
    const std::size_t begin = at_;
    while (at_ < text_.size()) {
        if (is_blank(text_[at_])) {
            ++at_;
        } else if (text_[at_] == '(') {
            Delimited comment = read_comment(text_, at_);
            if (!comment.closed)
                note("a comment does not end");
            at_ = comment.end;
            comment_ = std::move(comment.content);
        } else {
            break;
        }
    }
    return at_ > begin;
}

void AddressLexer::take_delimited(AddressToken& token) {
    const bool quoted = text_[at_] == '"';
    token.kind = quoted ? AddressToken::Kind::quoted : AddressToken::Kind::literal;
    Delimited piece = quoted ? read_quoted_string(text_, at_) : read_domain_literal(text_, at_);
    if (!piece.closed)
        note(quoted ? "a quoted string does not end" : "a \"[\" has no \"]\"");
    token.text = quoted ? std::move(piece.content) : "[" + piece.content + "]";
    if (token.text.find('\0') != std::string::npos)
        note("it holds a control character");
    at_ = piece.end;
}

void AddressLexer::take_word(AddressToken& token) {
    token.kind = AddressToken::Kind::word;
    for (; at_ < text_.size() && !ends_word(text_[at_]); ++at_) {
        if (text_[at_] == '\\')
            note("a \"\\\" stands outside of quotes");
        else if (is_control(text_[at_]))
            note("it holds a control character");
        token.text += text_[at_];
    }
}

void AddressLexer::note(std::string_view anomaly) {
    if (anomaly_.empty())
        anomaly_ = anomaly;
}

}  // namespace message
