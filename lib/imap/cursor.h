// lib/imap/cursor.h - reads the primitives of the IMAP grammar from one whole command.
//
//     Cursor cursor(text);
//     std::string tag = cursor.tag();
//     cursor.space();
//     std::string mailbox = cursor.astring();
//     cursor.end();
//
// Standards   RFC 3501, 9; RFC 9051, 9 (number64); RFC 7888
// Failure     throws SyntaxError with words for the BAD reply; the command loop catches it once.
// Lifetime    the text must outlive the cursor; values returned own theirs unless they are views.
// Trust       the text comes from strangers. NUL is refused in every string.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace imap {

class SyntaxError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Cursor {
  public:
    explicit Cursor(std::string_view text) : text_(text) {}

    bool at_end() const { return position_ >= text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[position_]; }
    std::string_view rest() const { return text_.substr(position_); }

    bool eat(char c);
    bool eat_word(std::string_view word);  // without regard to case, only if the word ends there
    void expect(char c);
    void space() { expect(' '); }
    void end();

    std::string tag();
    std::string atom();
    std::string astring();
    std::string string();  // quoted or literal
    std::optional<std::string> nstring();
    std::string list_mailbox();  // may hold wildcards
    std::string flag();          // "\Seen" or a keyword
    std::uint32_t number();
    std::uint32_t nonzero_number();
    std::uint64_t number64();  // of 63 bits (RFC 9051, 9): sizes, offsets, modseqs
    std::uint64_t nonzero_number64();

    // The text up to one of the characters, for grammars of their own (sequence sets).
    std::string_view until(std::string_view stops);

    bool at_string() const { return peek() == '"' || peek() == '{'; }

  private:
    std::string quoted();
    std::string literal();
    std::string_view take_while(bool (*accept)(char));
    std::uint64_t number_up_to(std::uint64_t most);

    std::string_view text_;
    std::size_t position_ = 0;
};

bool is_atom_char(char c);

}  // namespace imap
