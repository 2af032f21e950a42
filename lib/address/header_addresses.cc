#include "lib/address/header_addresses.h"

#include "lib/text/text.h"

namespace address {
namespace {

// One piece of a field: a word, a quoted string, a domain literal or one special character.
struct Token {
    enum class Kind { word, quoted, literal, special } kind;
    std::string text;  // content, without quotes
    std::size_t begin, end;

    bool is(char c) const { return kind == Kind::special && text[0] == c; }
    bool is_word() const { return kind == Kind::word || kind == Kind::quoted; }
};

constexpr std::string_view kSpecials = "<>@,;:()[]\"\\";

class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::vector<Token> scan() {
        while (at_ < text_.size()) {
            char c = text_[at_];
            if (text::is_space(c))
                ++at_;
            else if (c == '(')
                skip_comment();
            else if (c == '"')
                add_delimited('"', Token::Kind::quoted);
            else if (c == '[')
                add_delimited(']', Token::Kind::literal);
            else if (kSpecials.find(c) != std::string_view::npos && c != '\\')
                add_special();
            else
                add_word();
        }
        return std::move(tokens_);
    }

  private:
    void skip_comment() {
        int level = 0;
        for (; at_ < text_.size(); ++at_) {
            if (text_[at_] == '\\')
                ++at_;
            else if (text_[at_] == '(')
                ++level;
            else if (text_[at_] == ')' && --level == 0)
                break;
        }
        at_ = std::min(at_ + 1, text_.size());
    }

    void add_delimited(char close, Token::Kind kind) {
        Token token{kind, "", at_, at_};
        if (kind == Token::Kind::literal)
            token.text = "[";
        for (++at_; at_ < text_.size() && text_[at_] != close; ++at_) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size())
                ++at_;
            if (text_[at_] != '\r' && text_[at_] != '\n')
                token.text += text_[at_];
        }
        at_ = std::min(at_ + 1, text_.size());
        if (kind == Token::Kind::literal)
            token.text += ']';
        token.end = at_;
        tokens_.push_back(std::move(token));
    }

    void add_special() {
        tokens_.push_back({Token::Kind::special, std::string(1, text_[at_]), at_, at_ + 1});
        ++at_;
    }

    void add_word() {
        Token token{Token::Kind::word, "", at_, at_};
        for (; at_ < text_.size(); ++at_) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size())
                ++at_;
            else if (text::is_space(text_[at_]) ||
                     (kSpecials.find(text_[at_]) != std::string_view::npos && text_[at_] != '\\'))
                break;
            token.text += text_[at_];
        }
        token.end = at_;
        tokens_.push_back(std::move(token));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<Token> tokens_;
};

using Span = std::pair<std::size_t, std::size_t>;  // of token indices

class ListReader {
  public:
    explicit ListReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    std::vector<HeaderAddress> read() {
        std::size_t start = 0;
        std::size_t bracket_depth = 0;
        for (std::size_t i = 0; i <= tokens_.size(); ++i) {
            bool at_end = i == tokens_.size();
            if (!at_end && tokens_[i].is('<'))
                bracket_depth = 1;
            else if (!at_end && tokens_[i].is('>'))
                bracket_depth = 0;
            bool outside = at_end || bracket_depth == 0;
            if (!at_end && outside && tokens_[i].is(':') && !is_inside_route(start, i)) {
                start = i + 1;  // "group name:"; its members follow
            } else if (at_end || (outside && (tokens_[i].is(',') || tokens_[i].is(';')))) {
                add({start, i});
                start = i + 1;
            }
        }
        return std::move(found_);
    }

  private:
    // "@a,@b:user@c" without brackets has its colon behind an "@".
    bool is_inside_route(std::size_t start, std::size_t colon) const { return start < colon && tokens_[start].is('@'); }

    void add(Span span) {
        HeaderAddress address;
        Span spec = span;
        for (std::size_t i = span.first; i < span.second; ++i) {
            if (!tokens_[i].is('<'))
                continue;
            for (std::size_t k = span.first; k < i; ++k)
                address.name += (k > span.first ? " " : "") + tokens_[k].text;
            spec.first = i + 1;
            for (spec.second = spec.first; spec.second < span.second && !tokens_[spec.second].is('>');)
                ++spec.second;
            break;
        }
        skip_route(spec);
        if (spec.first >= spec.second)
            return;
        if (!read_spec(spec, address.mailbox))
            return;
        address.begin = tokens_[spec.first].begin;
        address.end = tokens_[spec.second - 1].end;
        found_.push_back(std::move(address));
    }

    void skip_route(Span& spec) const {
        if (spec.first >= spec.second || !tokens_[spec.first].is('@'))
            return;
        for (std::size_t i = spec.first; i < spec.second; ++i) {
            if (tokens_[i].is(':')) {
                spec.first = i + 1;
                return;
            }
        }
    }

    // word ("." word)* ["@" domain]. Dots are part of words here, so that "." may have blank space beside it
    // (RFC 5322, 4.4): "john . doe @ example . test".
    bool read_spec(Span spec, Mailbox& mailbox) const {
        std::size_t at = spec.second;
        for (std::size_t i = spec.first; i < spec.second; ++i) {
            if (tokens_[i].is('@'))
                at = i;  // the last one
        }
        for (std::size_t i = spec.first; i < at; ++i) {
            const Token& token = tokens_[i];
            if (token.is('@'))
                mailbox.local += '@';
            else if (!token.is_word())
                return false;
            else if (i > spec.first && !joins(tokens_[i - 1], token))
                return false;
            else
                mailbox.local += token.text;
        }
        if (mailbox.local.empty())
            return false;
        for (std::size_t i = at + 1; i < spec.second; ++i) {
            if (tokens_[i].kind != Token::Kind::word && tokens_[i].kind != Token::Kind::literal)
                return false;
            mailbox.domain += tokens_[i].text;
        }
        return at == spec.second || !mailbox.domain.empty();
    }

    // Two words stand together only by a dot: "two words" is no local part.
    static bool joins(const Token& left, const Token& right) {
        return left.is('@') || left.text.ends_with('.') || right.text.starts_with('.') || left.end == right.begin;
    }

    std::vector<Token> tokens_;
    std::vector<HeaderAddress> found_;
};

}  // namespace

std::vector<HeaderAddress> parse_header_addresses(std::string_view field) {
    return ListReader(Scanner(field).scan()).read();
}

std::vector<Mailbox> parse_address_list(std::string_view text) {
    std::vector<Mailbox> mailboxes;
    for (HeaderAddress& address : parse_header_addresses(text))
        mailboxes.push_back(std::move(address.mailbox));
    return mailboxes;
}

}  // namespace address
