// lib/sieve/compiler.h - from the tree to code.
//
// One UnitCompiler for each script, a Compilation for all that go into one program. Checks go on behind a mistake, so a user
// sees all of them; whatever code was made of a faulty script is thrown away.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/sieve/ast.h"
#include "lib/sieve/code.h"
#include "lib/sieve/foreign.h"
#include "lib/sieve/language.h"
#include "lib/sieve/problems.h"
#include "lib/sieve/script.h"

namespace sieve {

class Compilation {
  public:
    explicit Compilation(const CompileOptions& options) : options_(options) {}

    Compiled run(std::string_view text);

    // The unit of an included script, compiled when first met; nothing if there is none of that name.
    struct Included {
        std::optional<std::uint32_t> unit;
        std::string problem;  // why it cannot be included, other than that it is missing
    };
    Included include(ScriptLocation location, const std::string& name, bool once);

    const CompileOptions& options() const { return options_; }
    Code& code() { return *code_; }

    std::uint32_t literal(std::string_view text);
    std::uint32_t constant_text(std::string_view text);
    std::uint32_t add_text(Text text);
    std::uint32_t global(const std::string& name);
    void finish_unit(std::uint32_t unit, std::vector<Instruction> instructions, std::uint32_t locals);

  private:
    void link();
    using Key = std::pair<ScriptLocation, std::string>;
    bool compile_unit(std::uint32_t unit, std::string_view text);

    const CompileOptions& options_;
    std::unique_ptr<Code> code_ = std::make_unique<Code>();
    std::vector<Problem> problems_;
    std::vector<std::vector<Instruction>> unit_code_;
    std::map<Key, std::uint32_t> units_;
    std::vector<Key> open_;  // being compiled, outermost first
    std::size_t includes_ = 0;
    std::size_t octets_ = 0;  // of included scripts
    bool failed_ = false;
    std::unordered_map<std::string, std::uint32_t> literals_;
    std::unordered_map<std::uint32_t, std::uint32_t> constants_;
    std::map<std::string, std::uint32_t> globals_;
};

class UnitCompiler {
  public:
    UnitCompiler(Compilation& whole, Problems& problems, std::uint32_t unit)
        : whole_(whole), problems_(problems), unit_(unit) {}

    void compile(const std::vector<ast::Node>& commands);

  private:
    friend class ArgumentChecks;

    // What a test is known to be before anything runs; `ihave` if that depends on what is supported.
    struct Known {
        std::optional<bool> value;
        bool ihave = false;
    };
    struct OpenLoop {
        std::string name;
        std::vector<std::size_t> breaks;  // jumps to patch
    };

    // compiler.cc: commands and control
    void compile_commands(const std::vector<ast::Node>& commands, bool top_level);
    void compile_command(
        const std::vector<ast::Node>& siblings, std::size_t index, bool top_level, std::vector<std::size_t>& ends);
    // `ends`: jumps from the ends of the chain's earlier branches to behind the chain.
    void compile_if(const ast::Node& node, bool more, std::vector<std::size_t>& ends);
    void compile_loop(const ast::Node& node, const Call& call);
    void compile_break(const ast::Node& node, const Call& call);
    void compile_include(const ast::Node& node, const Call& call);
    void compile_global(const ast::Node& node);
    void compile_foreign_block(const ast::Node& node, Call call);
    void compile_require(const ast::Node& node);
    void require(const std::string& capability, ast::Place place);
    void check_dependencies();
    Known compile_test(const ast::Node& node);
    Known compile_test_list(const ast::Node& node, bool all);
    Known compile_ihave(const ast::Node& node);
    bool check_order(
        const std::vector<ast::Node>& siblings, std::size_t index, bool top_level, const Definition& definition);
    const Definition* look_up(const ast::Node& node, bool as_test);
    bool check_shape(const ast::Node& node, const Definition& definition, bool as_test, Call& call);
    bool check_tests(const ast::Node& node, const Definition& definition);
    bool check_block(const ast::Node& node, const Definition& definition);

    // compiler_arguments.cc: tags, positional arguments, texts
    bool collect_arguments(const ast::Node& node, const Definition& definition, Call& call);
    const TagDefinition* find_tag(const Definition& definition, std::string_view name) const;
    bool check_tags(const ast::Node& node, const Definition& definition, std::vector<const TagDefinition*>& found);
    bool take_parameter(const ast::Node& node, const TagDefinition& tag, std::size_t& index, Call& call);
    bool collect_positional(const ast::Node& node, const Definition& definition, Call& call);
    std::vector<std::uint32_t> texts_of(const ast::Argument& argument);
    std::uint32_t make_text(const ast::String& string);
    bool parse_template(const ast::String& string, std::string_view text, Text& out);
    std::string decode_characters(const ast::String& string, bool& good);
    std::optional<Piece> variable(std::string_view name, ast::Place place, bool report);
    std::optional<std::uint32_t> variable_place(const ast::String& string);

    // compiler_checks.cc: what only this command knows
    bool check_call(const ast::Node& node, const Definition& definition, Call& call);

    bool has(std::string_view capability) const { return capabilities_.contains(capability); }
    void error(ast::Place place, std::string_view token, std::string text);
    void warning(ast::Place place, std::string_view token, std::string text);
    std::size_t emit(Op op, ast::Place place, std::uint32_t a = 0, std::uint32_t b = 0);
    std::uint32_t here() const { return static_cast<std::uint32_t>(instructions_.size()); }
    void patch(std::size_t instruction) { instructions_[instruction].a = here(); }
    std::uint32_t add_call(Call call);
    Code& code() { return whole_.code(); }
    const Settings& settings() const { return whole_.options().settings; }

    Compilation& whole_;
    Problems& problems_;
    std::uint32_t unit_;
    std::vector<Instruction> instructions_;  // numbered from 0; the Compilation puts units together
    std::set<std::string, std::less<>> capabilities_;
    std::map<std::string, ast::Place> required_at_;
    bool dependencies_checked_ = false;
    std::map<std::string, Piece, std::less<>> variables_;  // name -> place
    std::uint32_t locals_ = 0;
    bool too_many_variables_ = false;
    std::vector<OpenLoop> loops_;
    std::set<std::string, std::less<>> unknown_names_;
    std::set<std::pair<std::string, std::string>> unknown_tags_;
    std::map<std::string, Definition, std::less<>> foreign_;  // definitions of the embedding program
    std::map<std::string, std::uint32_t, std::less<>> foreign_index_;
    int unreachable_ = 0;  // inside blocks that ihave shut
};

std::string_view argument_type_name(ArgumentType type);

}  // namespace sieve
