// lib/authres/scanner.h - the words of a structured field: blanks and comments passed over, values with or without quotes.
//
// Standards   RFC 5322, 3.2.2 (CFWS); RFC 2045, 5.1 (value)
// Failure     a comment or quoted string without its end sets broken(); scanning then stands at the end.
// Trust       text of strangers; nested comments are counted, not descended into.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "lib/message/delimited.h"

namespace authres {

class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    bool at_end() const { return at_ >= text_.size(); }
    bool broken() const { return broken_; }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    std::size_t position() const { return at_; }

    // Blanks, line ends and comments; gives the text of the first comment, if there is one.
    std::optional<std::string> skip_cfws();
    // Takes the character if it is the next one.
    bool take(char c);
    // Letters, digits, "-" and "_"; empty if there are none.
    std::string take_keyword();
    std::optional<unsigned> take_number();
    // A quoted string without its quotes, or everything up to a blank, ";", "(" or the end. None: nothing is there.
    std::optional<std::string> take_value();

  private:
    std::string take(message::Delimited piece);

    std::string_view text_;
    std::size_t at_ = 0;
    bool broken_ = false;
};

}  // namespace authres
