#include "lib/sieve/parser.h"

#include <fmt/format.h>

namespace sieve {

using ast::Argument;
using ast::Node;

void Parser::error(const std::string& text) { problems_.error(lexer_.token().place, lexer_.token().raw, text); }

std::vector<Node> Parser::parse() {
    std::vector<Node> commands;
    while (problems_.more_allowed()) {
        parse_commands(commands, 0);
        if (at(Kind::end))
            break;
        error(fmt::format("a command was expected here, but {} was found", Lexer::describe(lexer_.token())));
        if (at(Kind::close_curly) || at(Kind::semicolon))
            lexer_.next();
        else if (skip_to(Kind::semicolon) && at(Kind::semicolon))
            lexer_.next();
        else if (at(Kind::close_curly) || at(Kind::close_round) || at(Kind::close_square))
            lexer_.next();
    }
    return commands;
}

// False if the end of the block must be searched for by the caller.
bool Parser::parse_commands(std::vector<Node>& commands, std::size_t depth) {
    while (at(Kind::name) && problems_.more_allowed()) {
        if (!parse_command(commands, depth))
            return false;
    }
    return true;
}

bool Parser::parse_command(std::vector<Node>& commands, std::size_t depth) {
    Node& command = commands.emplace_back();
    command.name = lexer_.token().text;
    command.place = lexer_.token().place;
    lexer_.next();
    bool good = parse_arguments(command, 0);
    if (good && !at(Kind::semicolon) && !at(Kind::open_curly)) {
        error(fmt::format("the command {} ends with ';' or a block '{{'; {} was found instead", command.name,
            Lexer::describe(lexer_.token())));
        good = false;
    }
    if (!good) {
        if (!skip_to(Kind::semicolon))
            return false;
        if (at(Kind::close_curly))  // the end of the block around ends the command too
            return true;
    }
    if (at(Kind::semicolon)) {
        lexer_.next();
        return true;
    }
    return parse_block(command, depth + 1);
}

bool Parser::parse_block(Node& command, std::size_t depth) {
    ast::Place begin = lexer_.token().place;
    command.has_block = true;
    if (depth > ast::kMaxNesting) {
        error(fmt::format("blocks may be nested {} deep, no more", ast::kMaxNesting));
        lexer_.next();
        bool found = skip_to(Kind::close_curly);
        if (found)
            lexer_.next();
        return found;
    }
    lexer_.next();
    bool good = parse_commands(command.block, depth);
    if (good && !at(Kind::close_curly)) {
        if (at(Kind::end)) {
            problems_.error(begin, "{", fmt::format("the block of {} that begins here is not closed by '}}'", command.name));
            return false;
        }
        error(fmt::format(
            "a command or the end of the block '}}' was expected, but {} was found", Lexer::describe(lexer_.token())));
        good = false;
    }
    if (!good && !skip_to(Kind::close_curly))
        return false;
    lexer_.next();
    return true;
}

// Looks for the end of a command (';', or '}' or '{' that end or open a block) or of a block or list, stepping over nested
// ones.
bool Parser::skip_to(Kind end) {
    if (!problems_.more_allowed())
        return false;
    std::size_t nesting = 0;
    while (!at(Kind::end)) {
        if (nesting == 0) {
            if (at(end))
                return true;
            if (end == Kind::semicolon && (at(Kind::close_curly) || at(Kind::open_curly)))
                return true;
            if (end != Kind::close_curly && at(Kind::close_curly))
                return false;
        }
        if (at(Kind::open_curly) || at(Kind::open_round) || at(Kind::open_square))
            ++nesting;
        else if ((at(Kind::close_curly) || at(Kind::close_round) || at(Kind::close_square)) && nesting > 0)
            --nesting;
        lexer_.next();
    }
    return false;
}

bool Parser::parse_arguments(Node& node, std::size_t test_depth) {
    for (;;) {
        switch (lexer_.token().kind) {
        case Kind::string:
        case Kind::number:
        case Kind::tag:
        case Kind::open_square:
            if (node.arguments.size() >= ast::kMaxArguments) {
                error(fmt::format("{} has more than {} arguments", node.name, ast::kMaxArguments));
                return false;
            }
            if (!parse_argument(node))
                return false;
            break;
        case Kind::name: return parse_test(node, test_depth + 1);
        case Kind::open_round: return parse_test_list(node, test_depth + 1);
        default: return true;
        }
    }
}

bool Parser::parse_argument(Node& node) {
    Argument& argument = node.arguments.emplace_back();
    const Token& token = lexer_.token();
    argument.place = token.place;
    if (token.kind == Kind::open_square)
        return parse_string_list(argument);
    if (token.kind == Kind::number) {
        argument.kind = Argument::Kind::number;
        argument.number = token.number;
    } else if (token.kind == Kind::tag) {
        argument.kind = Argument::Kind::tag;
        argument.tag = token.text;
    } else {
        argument.kind = Argument::Kind::string;
        argument.strings.push_back({token.text, token.place});
    }
    lexer_.next();
    return true;
}

bool Parser::parse_string_list(Argument& argument) {
    argument.kind = Argument::Kind::list;
    do {
        lexer_.next();
        if (!at(Kind::string)) {
            error(fmt::format(
                "a list in '[]' holds strings with ',' between them; {} was found", Lexer::describe(lexer_.token())));
            if (!skip_to(Kind::close_square))
                return false;
            break;
        }
        argument.strings.push_back({lexer_.token().text, lexer_.token().place});
        lexer_.next();
        if (!at(Kind::comma) && !at(Kind::close_square)) {
            error(fmt::format(
                "in a list of strings ',' or ']' was expected, but {} was found", Lexer::describe(lexer_.token())));
            if (!skip_to(Kind::close_square))
                return false;
            break;
        }
    } while (at(Kind::comma));
    lexer_.next();
    return true;
}

bool Parser::parse_test(Node& parent, std::size_t test_depth) {
    if (test_depth > ast::kMaxNesting) {
        error(fmt::format("tests may be nested {} deep, no more", ast::kMaxNesting));
        return false;
    }
    Node& test = parent.tests.emplace_back();
    test.name = lexer_.token().text;
    test.place = lexer_.token().place;
    lexer_.next();
    return parse_arguments(test, test_depth);
}

bool Parser::parse_test_list(Node& parent, std::size_t test_depth) {
    if (test_depth > ast::kMaxNesting) {
        error(fmt::format("lists of tests may be nested {} deep, no more", ast::kMaxNesting));
        return false;
    }
    parent.test_list = true;
    do {
        lexer_.next();
        if (!at(Kind::name)) {
            error(fmt::format(
                "a list in '()' holds tests with ',' between them; {} was found", Lexer::describe(lexer_.token())));
            if (!skip_to(Kind::close_round))
                return false;
            break;
        }
        if (!parse_test(parent, test_depth))
            return false;
        if (!at(Kind::comma) && !at(Kind::close_round)) {
            error(fmt::format(
                "in a list of tests ',' or ')' was expected, but {} was found", Lexer::describe(lexer_.token())));
            if (!skip_to(Kind::close_round))
                return false;
            break;
        }
    } while (at(Kind::comma));
    lexer_.next();
    return true;
}

}  // namespace sieve
