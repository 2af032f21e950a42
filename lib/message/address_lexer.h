// lib/message/address_lexer.h - a field body as words and specials, for address_list.cc.
//
// Failure     none; what is no token of RFC 5322 is one all the same, and anomaly() says so.
// Lifetime    the text outlives this.
// Trust       the text comes from strangers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace message {

struct AddressToken {
    enum class Kind { end, word, quoted, literal, special };

    Kind kind = Kind::end;
    std::string text;  // content; of a literal with its brackets
    std::size_t begin = 0;
    std::size_t end = 0;
    bool after_blank = false;  // or after a comment

    bool is(char c) const { return kind == Kind::special && text[0] == c; }
    bool is_word() const { return kind == Kind::word || kind == Kind::quoted || kind == Kind::literal; }
};

class AddressLexer {
  public:
    explicit AddressLexer(std::string_view text) : text_(text) {}

    AddressToken next();
    // The last comment since this was asked before.
    std::optional<std::string> take_comment();
    // The first thing so far that readers take differently; empty if there was none.
    std::string_view anomaly() const { return anomaly_; }

  private:
    bool skip_blanks_and_comments();
    void take_delimited(AddressToken& token);
    void take_word(AddressToken& token);
    void note(std::string_view anomaly);

    std::string_view text_;
    std::size_t at_ = 0;
    std::optional<std::string> comment_;
    std::string_view anomaly_;
};

}  // namespace message
