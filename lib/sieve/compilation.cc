// A program from its scripts: included ones are compiled when they are met, and put behind each other at the end.
#include <algorithm>

#include <fmt/format.h>

#include "lib/sieve/compiler.h"
#include "lib/sieve/parser.h"
#include "lib/text/text.h"

namespace sieve {

using ast::Node;

Compiled compile(std::string_view text, const CompileOptions& options) {
    Compilation compilation(options);
    return compilation.run(text);
}

Compiled Compilation::run(std::string_view text) {
    Compiled result;
    code_->source_hash = content_hash(text);
    Unit& main = code_->units.emplace_back();
    main.name = options_.name;
    open_.emplace_back(ScriptLocation::personal, "");
    compile_unit(0, text);
    open_.pop_back();
    link();
    if (std::string broken = failed_ ? "" : check_code(*code_); !broken.empty()) {
        problems_.push_back(
            {Problem::Severity::error, options_.name, 0, 0, "", "the compiler made a broken program: " + broken});
        failed_ = true;
    }
    if (!failed_)
        result.program = std::make_shared<const Program>(std::move(code_));
    result.problems = std::move(problems_);
    return result;
}

bool Compilation::compile_unit(std::uint32_t unit, std::string_view text) {
    Problems problems(code_->units[unit].name, options_.settings.limits.problems);
    if (text.size() > options_.settings.limits.script_octets) {
        problems.error({}, {},
            fmt::format("the script has {} octets; {} is the most", text.size(), options_.settings.limits.script_octets));
    } else {
        std::vector<Node> commands = Parser(text, problems).parse();
        if (problems.errors() == 0)
            UnitCompiler(*this, problems, unit).compile(commands);
    }
    problems_.insert(problems_.end(), problems.list.begin(), problems.list.end());
    failed_ |= problems.errors() > 0;
    return problems.errors() == 0;
}

Compilation::Included Compilation::include(ScriptLocation location, const std::string& name, bool once) {
    const Limits& limits = options_.settings.limits;
    Key key{location, name};
    bool circular = std::ranges::find(open_, key) != open_.end();
    if (circular && !once)
        return {std::nullopt, fmt::format("the script \"{}\" includes itself", name)};
    if (auto known = units_.find(key); known != units_.end())
        return {known->second, ""};
    if (options_.loader == nullptr)
        return {};
    std::optional<std::string> text = options_.loader->load(location, name);
    Dependency dependency{location, name, text.has_value(), text ? content_hash(*text) : 0};
    code_->dependencies.push_back(dependency);
    if (!text)
        return {};
    if (open_.size() > limits.include_depth)
        return {std::nullopt, fmt::format("includes may be nested {} deep, no more", limits.include_depth)};
    if (++includes_ > limits.includes)
        return {std::nullopt, fmt::format("a script may include {} others, no more", limits.includes)};
    constexpr std::size_t kWhole = 4;  // all scripts together may be this many times as large as one
    octets_ += text->size();
    if (octets_ > kWhole * limits.script_octets)
        return {std::nullopt,
            fmt::format("the included scripts have more than {} octets together", kWhole * limits.script_octets)};
    auto unit = static_cast<std::uint32_t>(code_->units.size());
    Unit& added = code_->units.emplace_back();
    added.name = name;
    added.location = location;
    units_[key] = unit;
    open_.push_back(key);
    bool good = compile_unit(unit, *text);
    open_.pop_back();
    if (!good)
        return {std::nullopt, fmt::format("the included script \"{}\" has errors", name)};
    return {unit, ""};
}

void Compilation::finish_unit(std::uint32_t unit, std::vector<Instruction> instructions, std::uint32_t locals) {
    unit_code_.resize(code_->units.size());
    unit_code_[unit] = std::move(instructions);
    code_->units[unit].locals = locals;
}

// Puts the units behind each other and moves their jumps along.
void Compilation::link() {
    for (std::size_t unit = 0; unit < unit_code_.size(); ++unit) {
        auto base = static_cast<std::uint32_t>(code_->instructions.size());
        code_->units[unit].begin = base;
        for (Instruction instruction : unit_code_[unit]) {
            switch (instruction.op) {
            case Op::jump:
            case Op::jump_if_false:
            case Op::jump_if_true:
            case Op::part_begin:
            case Op::part_next:
            case Op::part_leave: instruction.a += base; break;
            case Op::section_begin: instruction.b += base; break;
            default: break;
            }
            code_->instructions.push_back(instruction);
        }
    }
}

std::uint32_t Compilation::literal(std::string_view text) {
    auto [place, fresh] = literals_.try_emplace(std::string(text), static_cast<std::uint32_t>(code_->literals.size()));
    if (fresh)
        code_->literals.emplace_back(text);
    return place->second;
}

std::uint32_t Compilation::add_text(Text text) {
    code_->texts.push_back(std::move(text));
    return static_cast<std::uint32_t>(code_->texts.size() - 1);
}

std::uint32_t Compilation::constant_text(std::string_view text) {
    std::uint32_t index = literal(text);
    auto [place, fresh] = constants_.try_emplace(index, static_cast<std::uint32_t>(code_->texts.size()));
    if (fresh)
        add_text({{{Piece::Kind::literal, index}}});
    return place->second;
}

std::uint32_t Compilation::global(const std::string& name) {
    auto [place, fresh] = globals_.try_emplace(name, static_cast<std::uint32_t>(code_->globals.size()));
    if (fresh)
        code_->globals.push_back(name);
    return place->second;
}

std::string format_problem(const Problem& problem) {
    std::string where = problem.script;
    if (problem.line > 0)
        where += fmt::format(":{}:{}", problem.line, problem.column);
    std::string kind = problem.severity == Problem::Severity::warning ? "warning: " : "";
    std::string token = problem.token.empty() ? "" : fmt::format(": {}", problem.token);
    return text::printable(fmt::format("{}: {}{}{}", where, kind, problem.text, token));
}

}  // namespace sieve
