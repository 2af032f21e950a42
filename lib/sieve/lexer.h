// lib/sieve/lexer.h - the tokens of a script.
//
// Line ends inside strings become CR LF, however the file has them (RFC 5228, 2.4.2). Comments and blanks are skipped.
//
// Standards   RFC 5228, 2 and 8.1
// Failure     each illegal token is one problem; lexing goes on behind it. A number that is too large stays a number, a name
//             that is too long a name, so that the parser does not complain about the same thing again.
// Trust       the text may hold anything: a NUL in a string is a problem.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/sieve/ast.h"
#include "lib/sieve/problems.h"

namespace sieve {

struct Token {
    enum class Kind {
        name,
        tag,
        number,
        string,
        comma,
        semicolon,
        open_round,
        close_round,
        open_square,
        close_square,
        open_curly,
        close_curly,
        garbage,
        end,
    };
    Kind kind = Kind::end;
    ast::Place place;
    std::string_view raw;  // as written
    std::string text;      // name and tag in lower case; string's value
    std::uint64_t number = 0;
};

class Lexer {
  public:
    Lexer(std::string_view text, Problems& problems);

    const Token& token() const { return token_; }
    void next();

    // For messages: "';'", "a string", "the end of the script".
    static std::string describe(const Token& token);

  private:
    bool skip_blanks();
    void skip_hash_comment();
    bool skip_bracket_comment();
    void read_word();
    void read_tag();
    void read_number();
    void read_quoted();
    void read_multiline();
    void read_garbage();
    std::string_view take_name();
    char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    bool ended() const { return at_ >= text_.size(); }
    void advance(std::size_t count);
    void check_string();

    std::string_view text_;
    Problems& problems_;
    std::size_t at_ = 0;
    std::uint32_t line_ = 1;
    std::uint32_t column_ = 1;
    Token token_;
};

}  // namespace sieve
