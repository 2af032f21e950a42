// lib/sieve/parser.h - from tokens to the tree of commands.
//
// Behind a mistake the parser looks for the end of the command or block, so that one look at a script shows every mistake.
//
// Standards   RFC 5228, 8.2
// Failure     problems.
// Trust       recursion ends at ast::kMaxNesting blocks and as many tests within each other.
#pragma once

#include <string_view>
#include <vector>

#include "lib/sieve/ast.h"
#include "lib/sieve/lexer.h"
#include "lib/sieve/problems.h"

namespace sieve {

class Parser {
  public:
    Parser(std::string_view text, Problems& problems) : lexer_(text, problems), problems_(problems) {}

    std::vector<ast::Node> parse();

  private:
    using Kind = Token::Kind;

    bool parse_commands(std::vector<ast::Node>& commands, std::size_t depth);
    bool parse_command(std::vector<ast::Node>& commands, std::size_t depth);
    bool parse_block(ast::Node& command, std::size_t depth);
    bool parse_arguments(ast::Node& node, std::size_t test_depth);
    bool parse_argument(ast::Node& node);
    bool parse_string_list(ast::Argument& argument);
    bool parse_test(ast::Node& parent, std::size_t test_depth);
    bool parse_test_list(ast::Node& parent, std::size_t test_depth);
    bool skip_to(Kind end);
    void error(const std::string& text);
    bool at(Kind kind) const { return lexer_.token().kind == kind; }

    Lexer lexer_;
    Problems& problems_;
};

}  // namespace sieve
