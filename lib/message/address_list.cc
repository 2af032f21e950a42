#include "lib/message/address_list.h"

#include <utility>

namespace message {
namespace {

// Cuts a field body into words and specials. Comments are skipped, the last one is remembered.
class Lexer {
  public:
    enum class Kind { end, word, special };
    struct Token {
        Kind kind = Kind::end;
        std::string text;
        char special = 0;
        bool after_blank = false;
    };

    explicit Lexer(std::string_view text) : text_(text) {}

    Token next() {
        Token token;
        token.after_blank = skip_blanks_and_comments();
        if (position_ >= text_.size())
            return token;
        char c = text_[position_];
        if (c == '"') {
            token.kind = Kind::word;
            token.text = quoted_string();
        } else if (c == '[') {
            token.kind = Kind::word;
            token.text = domain_literal();
        } else if (is_special(c)) {
            token.kind = Kind::special;
            token.special = c;
            ++position_;
        } else {
            token.kind = Kind::word;
            std::size_t start = position_;
            while (position_ < text_.size() && !is_special(text_[position_]) && !is_blank(text_[position_]) &&
                   text_[position_] != '"' && text_[position_] != '(')
                ++position_;
            token.text = text_.substr(start, position_ - start);
        }
        return token;
    }

    std::string take_comment() { return std::exchange(comment_, std::string()); }

  private:
    static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
    static bool is_special(char c) { return c == '<' || c == '>' || c == ',' || c == ';' || c == ':' || c == '@'; }

    bool skip_blanks_and_comments() {
        std::size_t start = position_;
        while (position_ < text_.size()) {
            if (is_blank(text_[position_]))
                ++position_;
            else if (text_[position_] == '(')
                comment();
            else
                break;
        }
        return position_ > start;
    }

    void comment() {
        std::string content;
        std::size_t depth = 0;
        for (; position_ < text_.size(); ++position_) {
            char c = text_[position_];
            if (c == '(' && depth++ == 0)
                continue;
            if (c == ')' && --depth == 0) {
                ++position_;
                break;
            }
            if (c == '\\' && position_ + 1 < text_.size())
                c = text_[++position_];
            if (c != '\r' && c != '\n')
                content += c;
        }
        comment_ = std::move(content);
    }

    std::string quoted_string() {
        std::string content;
        for (++position_; position_ < text_.size() && text_[position_] != '"'; ++position_) {
            if (text_[position_] == '\\' && position_ + 1 < text_.size())
                ++position_;
            if (text_[position_] != '\r' && text_[position_] != '\n')
                content += text_[position_];
        }
        if (position_ < text_.size())
            ++position_;
        return content;
    }

    std::string domain_literal() {
        std::size_t start = position_;
        std::size_t close = text_.find_first_of("]\r\n", position_);
        position_ = close == std::string_view::npos ? text_.size() : close + (text_[close] == ']' ? 1 : 0);
        return std::string(text_.substr(start, position_ - start));
    }

    std::string_view text_;
    std::size_t position_ = 0;
    std::string comment_;
};

class ListReader {
  public:
    explicit ListReader(std::string_view body) : lexer_(body) {}

    std::vector<Address> read() {
        while (list_.size() < kMaxAddresses) {
            Lexer::Token token = lexer_.next();
            if (token.kind == Lexer::Kind::word)
                word(token);
            else if (token.kind == Lexer::Kind::end || !special(token.special))
                break;
        }
        finish_address();
        if (in_group_)
            end_group();
        return std::move(list_);
    }

  private:
    void word(Lexer::Token& token) {
        std::string& target = seen_at_ ? domain_ : local_;
        if (!seen_at_ && !target.empty() && token.after_blank)
            target += ' ';
        target += token.text;
        has_words_ = true;
    }

    bool special(char c) {
        if (c == '@') {
            seen_at_ = true;
        } else if (c == ',') {
            finish_address();
        } else if (c == ':' && !seen_at_ && !in_group_) {
            start_group();
        } else if (c == ';') {
            finish_address();
            if (in_group_)
                end_group();
        } else if (c == '<') {
            return angle_address();
        }
        return true;
    }

    // After "<": an optional route, then local part and domain up to ">".
    bool angle_address() {
        Address address;
        std::string phrase = std::move(local_);
        if (seen_at_)
            phrase += "@" + domain_;
        std::string comment = lexer_.take_comment();
        std::string* target = &address.mailbox;
        bool more = true;
        bool at_seen = false;
        for (;;) {
            Lexer::Token token = lexer_.next();
            if (token.kind == Lexer::Kind::word) {
                *target += token.text;
            } else if (token.kind == Lexer::Kind::end) {
                more = false;
                break;
            } else if (token.special == '>') {
                break;
            } else if (token.special == '@') {
                if (at_seen)
                    *target += '@';
                at_seen = true;
                target = &address.host;
            } else if (token.special == ':' && address.mailbox.empty()) {
                address.route = "@" + address.host;
                address.host.clear();
                target = &address.mailbox;
                at_seen = false;
            } else if (token.special == ',' && address.mailbox.empty()) {
                address.host += ',';
            } else if (token.special == ',' || token.special == ';') {
                break;  // the ">" is missing
            }
        }
        if (phrase.empty())
            lexer_.take_comment();
        if (!phrase.empty())
            address.name = std::move(phrase);
        else if (!comment.empty())
            address.name = std::move(comment);
        list_.push_back(std::move(address));
        reset();
        angle_done_ = true;
        return more;
    }

    void finish_address() {
        std::string comment = lexer_.take_comment();
        if ((has_words_ || seen_at_) && !angle_done_) {
            Address address;
            address.mailbox = std::move(local_);
            address.host = std::move(domain_);
            if (!comment.empty())
                address.name = std::move(comment);
            list_.push_back(std::move(address));
        }
        reset();
        angle_done_ = false;
    }

    void start_group() {
        Address group;
        group.kind = Address::Kind::group_start;
        group.mailbox = std::move(local_);
        list_.push_back(std::move(group));
        lexer_.take_comment();
        reset();
        angle_done_ = false;
        in_group_ = true;
    }

    void end_group() {
        Address group;
        group.kind = Address::Kind::group_end;
        list_.push_back(std::move(group));
        in_group_ = false;
    }

    void reset() {
        local_.clear();
        domain_.clear();
        seen_at_ = false;
        has_words_ = false;
    }

    Lexer lexer_;
    std::vector<Address> list_;
    std::string local_;
    std::string domain_;
    bool seen_at_ = false;
    bool has_words_ = false;
    bool in_group_ = false;
    bool angle_done_ = false;
};

}  // namespace

std::vector<Address> parse_address_list(std::string_view body) { return ListReader(body).read(); }

}  // namespace message
