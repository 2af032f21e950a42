#include "lib/sieve/compiler.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/sieve/checks.h"
#include "lib/text/text.h"

namespace sieve {

using ast::Node;
using Role = Definition::Role;

void UnitCompiler::error(ast::Place place, std::string_view token, std::string text) {
    if (unreachable_ == 0)
        problems_.error(place, token, std::move(text));
}

void UnitCompiler::warning(ast::Place place, std::string_view token, std::string text) {
    if (unreachable_ == 0)
        problems_.warning(place, token, std::move(text));
}

std::size_t UnitCompiler::emit(Op op, ast::Place place, std::uint32_t a, std::uint32_t b) {
    instructions_.push_back({op, place.line, a, b});
    return instructions_.size() - 1;
}

std::uint32_t UnitCompiler::add_call(Call call) {
    code().calls.push_back(std::move(call));
    return static_cast<std::uint32_t>(code().calls.size() - 1);
}

void UnitCompiler::compile(const std::vector<Node>& commands) {
    compile_commands(commands, true);
    check_dependencies();
    emit(Op::leave_script, {});
    whole_.finish_unit(unit_, std::move(instructions_), locals_);
}

void UnitCompiler::compile_commands(const std::vector<Node>& commands, bool top_level) {
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i < commands.size() && problems_.more_allowed(); ++i)
        compile_command(commands, i, top_level, ends);
}

const Definition* UnitCompiler::look_up(const Node& node, bool as_test) {
    const Definition* definition = nullptr;
    if (auto foreign = foreign_.find(node.name); foreign != foreign_.end())
        definition = &foreign->second;
    else if (const Definition* known = find_definition(node.name);
             known != nullptr && (known->capability.empty() || has(known->capability)))
        definition = known;
    if (definition != nullptr)
        return definition;
    if (!unknown_names_.insert(node.name).second)
        return nullptr;
    const Definition* other = find_definition(node.name);
    if (other != nullptr && is_capability(other->capability))
        error(node.place, node.name,
            fmt::format("{} is not known here: it needs require \"{}\"", node.name, other->capability));
    else
        error(node.place, node.name, fmt::format("there is no {} of this name", as_test ? "test" : "command"));
    return nullptr;
}

bool UnitCompiler::check_order(
    const std::vector<Node>& siblings, std::size_t index, bool top_level, const Definition& definition) {
    const Node& node = siblings[index];
    const std::string_view previous = index == 0 ? std::string_view() : siblings[index - 1].name;
    if (definition.role == Role::require && (!top_level || (index > 0 && previous != "require"))) {
        error(node.place, node.name, "require stands at the top of a script, before all other commands (RFC 5228, 3.2)");
        return false;
    }
    bool chained = definition.role == Role::elsif || definition.role == Role::else_;
    if (chained && previous != "if" && previous != "elsif") {
        error(node.place, node.name, fmt::format("{} must follow the block of an if or elsif", node.name));
        return false;
    }
    return true;
}

bool UnitCompiler::check_tests(const Node& node, const Definition& definition) {
    std::string_view what = definition.is_test() ? "test" : "command";
    if (definition.tests == 0 && !node.tests.empty()) {
        const Node& test = node.tests.front();
        if (const Definition* other = find_definition(test.name); other != nullptr && !other->is_test())
            error(test.place, test.name, fmt::format("the {} {} is not ended by ';'", what, node.name));
        else if (other == nullptr && find_tag(definition, test.name) != nullptr)
            error(
                test.place, test.name, fmt::format("the tag :{} of the {} {} lacks its colon", test.name, what, node.name));
        else
            error(test.place, test.name,
                fmt::format("the {} {} takes no tests; is a ';' missing before this?", what, node.name));
        return false;
    }
    if (definition.tests == 1 && (node.tests.size() != 1 || node.test_list)) {
        error(node.place, node.name, fmt::format("the {} {} takes exactly one test", what, node.name));
        return false;
    }
    if (definition.tests == 2 && (node.tests.empty() || !node.test_list)) {
        error(node.place, node.name, fmt::format("the {} {} takes a list of tests in '()'", what, node.name));
        return false;
    }
    return true;
}

bool UnitCompiler::check_block(const Node& node, const Definition& definition) {
    if (definition.block && !node.has_block) {
        error(node.place, node.name, fmt::format("the command {} needs a block in '{{}}'", node.name));
        return false;
    }
    if (!definition.block && node.has_block) {
        error(node.place, node.name, fmt::format("the command {} takes no block", node.name));
        return false;
    }
    return true;
}

bool UnitCompiler::check_shape(const Node& node, const Definition& definition, bool as_test, Call& call) {
    call.kind = definition.kind;
    call.line = node.place.line;
    if (!collect_arguments(node, definition, call)) {
        check_tests(node, definition);  // a tag without its colon looks like a test
        return false;
    }
    if (!check_tests(node, definition) || (!as_test && !check_block(node, definition)))
        return false;
    return collect_positional(node, definition, call) && check_call(node, definition, call);
}

void UnitCompiler::compile_command(
    const std::vector<Node>& siblings, std::size_t index, bool top_level, std::vector<std::size_t>& ends) {
    const Node& node = siblings[index];
    if (node.name != "require")
        check_dependencies();
    const Definition* definition = look_up(node, false);
    if (definition == nullptr)
        return;
    auto foreign = foreign_index_.find(node.name);
    bool both = foreign != foreign_index_.end() &&
                whole_.options().foreign->definitions()[foreign->second].use == ForeignDefinition::Use::either;
    if (definition->is_test() && !both) {
        error(node.place, node.name, fmt::format("{} is a test; it stands behind if, elsif or not", node.name));
        return;
    }
    if (!check_order(siblings, index, top_level, *definition))
        return;
    Call call;
    if (foreign != foreign_index_.end())
        call.foreign = foreign->second;
    bool valid = check_shape(node, *definition, false, call);
    if (both)
        call.kind = CallKind::foreign_command;
    switch (definition->role) {
    case Role::if_:
    case Role::elsif:
    case Role::else_: {
        const std::string_view next = index + 1 < siblings.size() ? std::string_view(siblings[index + 1].name) : "";
        compile_if(node, next == "elsif" || (next == "else" && definition->role != Role::else_), ends);
        return;
    }
    case Role::require:
        if (valid)
            compile_require(node);
        return;
    case Role::foreverypart: compile_loop(node, call); return;
    default: break;
    }
    if (foreign != foreign_index_.end() && definition->block) {
        compile_foreign_block(node, std::move(call));
        return;
    }
    if (!valid)
        return;
    switch (definition->role) {
    case Role::stop: emit(Op::stop, node.place); break;
    case Role::return_: emit(Op::leave_script, node.place); break;
    case Role::include: compile_include(node, call); break;
    case Role::global: compile_global(node); break;
    case Role::break_: compile_break(node, call); break;
    default: emit(Op::act, node.place, add_call(std::move(call))); break;
    }
}

void UnitCompiler::compile_if(const Node& node, bool more, std::vector<std::size_t>& ends) {
    Known known;
    std::optional<std::size_t> skip;
    if (node.name != "else") {
        for (const Node& test : node.tests)
            known = compile_test(test);
        skip = emit(Op::jump_if_false, node.place);
    }
    bool shut = known.ihave && known.value == false;
    unreachable_ += shut ? 1 : 0;
    compile_commands(node.block, false);
    unreachable_ -= shut ? 1 : 0;
    if (more)
        ends.push_back(emit(Op::jump, node.place));
    if (skip)
        patch(*skip);
    if (more)
        return;
    for (std::size_t end : ends)
        patch(end);
    ends.clear();
}

void UnitCompiler::compile_loop(const Node& node, const Call& call) {
    OpenLoop loop;
    if (call.has(Slot::name))
        if (const std::string* name = code().constant(call.texts(Slot::name)[0]))
            loop.name = *name;
    if (loops_.size() >= kMaxLoops) {
        error(node.place, node.name, fmt::format("loops over parts may be nested {} deep, no more", kMaxLoops));
        return;
    }
    loops_.push_back(std::move(loop));
    std::size_t begin = emit(Op::part_begin, node.place);
    std::uint32_t block = here();
    compile_commands(node.block, false);
    emit(Op::part_next, node.place, block);
    patch(begin);
    for (std::size_t jump : loops_.back().breaks)
        patch(jump);
    loops_.pop_back();
}

void UnitCompiler::compile_break(const Node& node, const Call& call) {
    std::size_t depth = loops_.size();
    if (call.has(Slot::name)) {
        const std::string* name = code().constant(call.texts(Slot::name)[0]);
        while (depth > 0 && (name == nullptr || loops_[depth - 1].name != *name))
            --depth;
    }
    if (depth == 0) {
        error(node.place, node.name,
            call.has(Slot::name) ? "no loop around this break has that name"
                                 : "break stands inside the block of a foreverypart");
        return;
    }
    std::size_t jump = emit(Op::part_leave, node.place, 0, static_cast<std::uint32_t>(loops_.size() - depth + 1));
    loops_[depth - 1].breaks.push_back(jump);
}

void UnitCompiler::compile_include(const Node& node, const Call& call) {
    const ast::Argument* argument = nullptr;
    for (const ast::Argument& each : node.arguments)
        if (each.kind == ast::Argument::Kind::string)
            argument = &each;
    if (argument == nullptr)
        return;
    ast::Place place = argument->place;
    const std::string* name = code().constant(call.texts(Slot::arg0)[0]);
    if (name == nullptr) {
        error(place, argument->strings[0].text, "the name of an included script may not hold variables (RFC 6609, 3.2)");
        return;
    }
    std::string wanted = *name;
    if (!is_valid_script_name(wanted)) {
        error(place, wanted, "this is no name of a script");
        return;
    }
    if (unreachable_ > 0)
        return;
    // Names are kept without the ending that files have.
    if (wanted.ends_with(".sieve"))
        wanted.resize(wanted.size() - 6);
    auto location = static_cast<ScriptLocation>(call.number(Slot::location));
    bool once = call.has(Slot::once);
    Compilation::Included included = whole_.include(location, wanted, once);
    if (!included.problem.empty()) {
        error(place, wanted, included.problem);
        return;
    }
    if (included.unit) {
        emit(Op::include, node.place, *included.unit, once ? 1 : 0);
        return;
    }
    if (call.has(Slot::optional))
        return;
    bool later = whole_.options().uploading || whole_.options().loader == nullptr;
    std::string problem = fmt::format(
        "there is no {} script of this name", location == ScriptLocation::personal ? "personal" : "global");
    if (!later)
        error(place, wanted, problem);
    else
        warning(place, wanted, problem);
    emit(Op::missing_include, node.place, whole_.constant_text(wanted));
}

void UnitCompiler::compile_global(const Node& node) {
    if (!has("variables")) {
        error(node.place, node.name, "global needs require \"variables\" (RFC 6609, 3.4.1)");
        return;
    }
    for (const ast::Argument& argument : node.arguments) {
        for (const ast::String& string : argument.strings) {
            std::string name = text::lower(string.text);
            if (!is_variable_name(name)) {
                error(string.place, string.text, "this is no name of a variable");
                continue;
            }
            auto known = variables_.find(name);
            if (known != variables_.end() && known->second.kind == Piece::Kind::local) {
                error(string.place, string.text, "this variable was used before it was declared global (RFC 6609, 3.4.1)");
                continue;
            }
            variables_[name] = {Piece::Kind::global, whole_.global(name)};
        }
    }
}

void UnitCompiler::compile_foreign_block(const Node& node, Call call) {
    call.kind = CallKind::foreign_command;
    std::size_t begin = emit(Op::section_begin, node.place, add_call(std::move(call)));
    compile_commands(node.block, false);
    emit(Op::section_end, node.place);
    instructions_[begin].b = here();
}

// ---- capabilities

void UnitCompiler::compile_require(const Node& node) {
    for (const ast::Argument& argument : node.arguments)
        for (const ast::String& string : argument.strings)
            require(string.text, string.place);
}

void UnitCompiler::require(const std::string& capability, ast::Place place) {
    const CompileOptions& options = whole_.options();
    if (options.foreign != nullptr && capability == options.foreign->capability()) {
        code().foreign_capability = capability;
        std::uint32_t index = 0;
        for (const ForeignDefinition& foreign : options.foreign->definitions()) {
            Definition definition;
            definition.name = foreign.name;
            bool test = foreign.use != ForeignDefinition::Use::command;
            definition.role = test ? Role::test : Role::action;
            definition.kind = test ? CallKind::foreign_test : CallKind::foreign_command;
            definition.arguments = foreign.arguments;
            definition.argument_names.assign(foreign.arguments.size(), "argument");
            definition.block = foreign.block;
            definition.optional = foreign.optional_arguments ? Definition::Optional::last : Definition::Optional::none;
            if (foreign.match)
                for (std::string_view tag : {"is", "contains", "matches", "value", "count", "regex", "comparator"})
                    definition.tags.push_back(*find_tag(*find_definition("header"), tag));
            int group = 1000;
            for (const ForeignDefinition::Tag& tag : foreign.tags)
                definition.tags.push_back(
                    {tag.name, "", group++, Slot::count_of_slots, 1, tag.parameter, Slot::count_of_slots});
            foreign_.emplace(foreign.name, std::move(definition));
            foreign_index_.emplace(foreign.name, index++);
        }
        capabilities_.insert(capability);
        return;
    }
    bool enabled = !options.enabled || std::ranges::find(*options.enabled, capability) != options.enabled->end();
    if (!is_capability(capability) || !enabled) {
        const Definition* core = find_definition(capability);
        if (core != nullptr && core->capability.empty())
            error(place, capability, "this is no capability: it is always there and needs no require");
        else
            error(place, capability, "this capability is not known here");
        return;
    }
    capabilities_.insert(capability);
    required_at_.try_emplace(capability, place);
    for (std::string_view implied : implied_capabilities(capability))
        capabilities_.emplace(implied);
}

// RFC 5703, 7: extracttext works on variables inside loops.
void UnitCompiler::check_dependencies() {
    if (dependencies_checked_)
        return;
    dependencies_checked_ = true;
    if (!has("extracttext"))
        return;
    for (std::string_view needed : {"variables", "foreverypart"})
        if (!has(needed))
            error(required_at_["extracttext"], "extracttext", fmt::format("extracttext needs require \"{}\" too", needed));
}

// ---- tests

UnitCompiler::Known UnitCompiler::compile_test(const Node& node) {
    const Definition* definition = look_up(node, true);
    if (definition == nullptr)
        return {};
    if (!definition->is_test()) {
        error(node.place, node.name, fmt::format("{} is a command, not a test", node.name));
        return {};
    }
    Call call;
    if (auto foreign = foreign_index_.find(node.name); foreign != foreign_index_.end())
        call.foreign = foreign->second;
    bool valid = check_shape(node, *definition, true, call);
    switch (definition->role) {
    case Role::true_: emit(Op::set_true, node.place); return {true, false};
    case Role::false_: emit(Op::set_false, node.place); return {false, false};
    case Role::allof: return compile_test_list(node, true);
    case Role::anyof: return compile_test_list(node, false);
    case Role::not_: {
        Known known;
        for (const Node& test : node.tests)
            known = compile_test(test);
        emit(Op::invert, node.place);
        if (known.value)
            known.value = !*known.value;
        return known;
    }
    default: break;
    }
    if (!valid)
        return {};
    if (definition->kind == CallKind::ihave)
        return compile_ihave(node);
    emit(Op::test, node.place, add_call(std::move(call)));
    return {};
}

UnitCompiler::Known UnitCompiler::compile_test_list(const Node& node, bool all) {
    Known known{all, false};
    std::vector<std::size_t> jumps;
    emit(all ? Op::set_true : Op::set_false, node.place);
    int shut = 0;
    for (const Node& test : node.tests) {
        Known one = compile_test(test);
        jumps.push_back(emit(all ? Op::jump_if_false : Op::jump_if_true, node.place));
        known.ihave |= one.ihave;
        if (one.value == !all) {
            known.value = !all;
            if (one.ihave) {  // what follows is never reached
                ++shut;
                ++unreachable_;
            }
        } else if (!one.value && known.value == all) {
            known.value.reset();
        }
    }
    unreachable_ -= shut;
    for (std::size_t jump : jumps)
        patch(jump);
    return known;
}

// RFC 5463, 4: a capability that is there counts as required from here on. Those that change how strings are read cannot be
// switched on in the middle.
UnitCompiler::Known UnitCompiler::compile_ihave(const Node& node) {
    const CompileOptions& options = whole_.options();
    std::vector<const ast::String*> names;
    for (const ast::Argument& argument : node.arguments)
        for (const ast::String& string : argument.strings)
            names.push_back(&string);
    bool all = std::ranges::all_of(names, [&](const ast::String* name) {
        if (has(name->text))
            return true;
        bool enabled = !options.enabled || std::ranges::find(*options.enabled, name->text) != options.enabled->end();
        return enabled && is_capability(name->text) && name->text != "variables" && name->text != "encoded-character";
    });
    if (all && unreachable_ == 0)
        for (const ast::String* name : names)
            if (!has(name->text))
                require(name->text, name->place);
    Call call;
    call.kind = CallKind::ihave;
    call.line = node.place.line;
    if (all)
        call.arguments.push_back({Slot::match_all, 1, {}, {}});
    Argument shown{Slot::arg0, 0, {}, {}};
    for (const ast::String* name : names)
        shown.texts.push_back(whole_.constant_text(name->text));
    call.arguments.push_back(std::move(shown));
    emit(Op::test, node.place, add_call(std::move(call)));
    return {all, true};
}

}  // namespace sieve
