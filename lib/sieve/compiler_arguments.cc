// Arguments: which tags and values a command has, and the texts in them.
#include <algorithm>

#include <fmt/format.h>

#include "lib/sieve/checks.h"
#include "lib/sieve/compiler.h"
#include "lib/text/text.h"

namespace sieve {

using ast::Node;
using Kind = ast::Argument::Kind;

std::string_view argument_type_name(ArgumentType type) {
    switch (type) {
    case 's': return "a string";
    case 'l': return "a string or a list of strings";
    case 'n': return "a number";
    case 'c': return "the name of a comparator";
    default: return "one of \"gt\", \"ge\", \"lt\", \"le\", \"eq\" and \"ne\"";
    }
}

namespace {

std::string_view kind_name(Kind kind) {
    switch (kind) {
    case Kind::number: return "a number";
    case Kind::string: return "a string";
    case Kind::list: return "a list";
    default: return "a tag";
    }
}

bool fits(const ast::Argument& argument, ArgumentType type) {
    switch (type) {
    case 'n': return argument.kind == Kind::number;
    case 'l': return argument.kind == Kind::string || argument.kind == Kind::list;
    default: return argument.kind == Kind::string;
    }
}

std::string_view shown(const ast::Argument& argument) {
    return argument.kind == Kind::tag ? std::string_view(argument.tag)
                                      : (argument.strings.empty() ? std::string_view() : argument.strings.front().text);
}

}  // namespace

const TagDefinition* UnitCompiler::find_tag(const Definition& definition, std::string_view name) const {
    for (const TagDefinition& tag : definition.tags)
        if (tag.name == name)
            return &tag;
    return nullptr;
}

// Unknown tags and tags that exclude each other, before any parameter is looked at.
bool UnitCompiler::check_tags(const Node& node, const Definition& definition, std::vector<const TagDefinition*>& found) {
    std::string_view what = definition.is_test() ? "test" : "command";
    found.assign(node.arguments.size(), nullptr);
    for (std::size_t i = 0; i < node.arguments.size(); ++i) {
        const ast::Argument& argument = node.arguments[i];
        if (argument.kind != Kind::tag)
            continue;
        const TagDefinition* tag = find_tag(definition, argument.tag);
        bool available = tag != nullptr && (tag->capability.empty() || has(tag->capability));
        if (!available) {
            if (!unknown_tags_.emplace(node.name, argument.tag).second)
                return false;
            error(argument.place, ":" + argument.tag,
                tag == nullptr
                    ? fmt::format("the {} {} has no such tag", what, node.name)
                    : fmt::format("this tag of the {} {} needs require \"{}\"", what, node.name, tag->capability));
            return false;
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (found[j] == nullptr || found[j]->group != tag->group)
                continue;
            error(argument.place, ":" + argument.tag,
                found[j] == tag
                    ? fmt::format("the {} {} has this tag twice", what, node.name)
                    : fmt::format("the {} {} cannot have this tag together with :{}", what, node.name, found[j]->name));
            return false;
        }
        found[i] = tag;
    }
    return true;
}

bool UnitCompiler::take_parameter(const Node& node, const TagDefinition& tag, std::size_t& index, Call& call) {
    const ast::Argument& here = node.arguments[index];
    Argument out;
    bool foreign = tag.slot == Slot::count_of_slots;
    out.slot = foreign ? Slot::match_all : tag.slot;
    out.number = tag.value;
    if (foreign)
        out.tag = tag.name;
    if (tag.parameter == 0) {
        if (Argument* combined = const_cast<Argument*>(call.find(Slot::modifiers)); tag.slot == Slot::modifiers && combined)
            combined->number |= tag.value;
        else
            call.arguments.push_back(std::move(out));
        return true;
    }
    ast::Place place = here.place;
    if (index + 1 >= node.arguments.size() || !fits(node.arguments[index + 1], tag.parameter)) {
        bool missing = index + 1 >= node.arguments.size();
        std::string_view got = missing ? "nothing" : kind_name(node.arguments[index + 1].kind);
        error(place, ":" + here.tag,
            fmt::format(
                "this tag of {} is followed by {}, but {} was found", node.name, argument_type_name(tag.parameter), got));
        return false;
    }
    const ast::Argument& value = node.arguments[++index];
    if (tag.parameter == 'c' || tag.parameter == 'r') {
        const std::string& name = value.strings.front().text;
        constexpr int kComparators = static_cast<int>(Comparator::count_of_comparators);
        constexpr int kRelations = static_cast<int>(Relation::count_of_relations);
        int chosen = -1;
        if (tag.parameter == 'c') {
            for (int i = 0; i < kComparators; ++i)
                if (comparator_name(static_cast<Comparator>(i)) == name)
                    chosen = i;
            bool core = name == "i;octet" || name == "i;ascii-casemap";
            if (chosen >= 0 && !core && !has("comparator-" + name)) {  // RFC 5228, 2.7.3
                error(value.place, name, fmt::format("this comparator needs require \"comparator-{}\"", name));
                return false;
            }
        } else {
            for (int i = 0; i < kRelations; ++i)
                if (text::equal_ignoring_case(relation_name(static_cast<Relation>(i)), name))
                    chosen = i;
        }
        if (chosen < 0) {
            error(value.place, name, fmt::format("behind :{} stands {}", here.tag, argument_type_name(tag.parameter)));
            return false;
        }
        if (tag.parameter_slot != tag.slot)
            call.arguments.push_back(std::move(out));
        call.arguments.push_back({tag.parameter_slot, static_cast<std::uint64_t>(chosen), {}, {}});
        return true;
    }
    bool same = foreign || tag.parameter_slot == tag.slot;
    Argument parameter = same ? out : Argument{tag.parameter_slot, 0, {}, {}};
    if (tag.parameter == 'n')
        parameter.number = value.number;
    else
        parameter.texts = texts_of(value);
    if (!same)
        call.arguments.push_back(std::move(out));
    call.arguments.push_back(std::move(parameter));
    return true;
}

bool UnitCompiler::collect_arguments(const Node& node, const Definition& definition, Call& call) {
    std::vector<const TagDefinition*> tags;
    if (!check_tags(node, definition, tags))
        return false;
    std::size_t positional = 0;
    std::size_t errors = problems_.errors();
    for (std::size_t i = 0; i < node.arguments.size(); ++i) {
        if (tags[i] == nullptr)
            ++positional;
        else if (!take_parameter(node, *tags[i], i, call))
            return false;
    }
    if (problems_.errors() > errors)
        return false;
    std::size_t most = definition.arguments.size();
    std::size_t least = most - (definition.optional == Definition::Optional::none ? 0 : 1);
    if (positional >= least && positional <= most)
        return true;
    std::string wanted = most == 0 ? "no arguments"
                                   : (least == most ? fmt::format("{}", most) : fmt::format("{} or {}", least, most));
    std::string names;
    for (std::string_view name : definition.argument_names)
        names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    error(node.place, node.name,
        fmt::format("the {} {} takes {}{}, but {} {} given", definition.is_test() ? "test" : "command", node.name, wanted,
            names.empty() ? "" : fmt::format(" ({})", names), positional, positional == 1 ? "is" : "are"));
    return false;
}

bool UnitCompiler::collect_positional(const Node& node, const Definition& definition, Call& call) {
    std::vector<const TagDefinition*> tags;
    check_tags(node, definition, tags);
    std::vector<const ast::Argument*> values;
    for (std::size_t i = 0; i < node.arguments.size(); ++i) {
        if (tags[i] == nullptr)
            values.push_back(&node.arguments[i]);
        else if (tags[i]->parameter != 0)
            ++i;
    }
    std::size_t first = definition.optional == Definition::Optional::first ? definition.arguments.size() - values.size() : 0;
    auto foreign = foreign_index_.find(node.name);
    bool keys_last = foreign != foreign_index_.end() && whole_.options().foreign->definitions()[foreign->second].match;
    for (std::size_t i = 0; i < values.size(); ++i) {
        ArgumentType type = definition.arguments[first + i];
        if (!fits(*values[i], type)) {
            error(values[i]->place, shown(*values[i]),
                fmt::format("{} takes {} as argument {} ({}), but {} was found", node.name, argument_type_name(type), i + 1,
                    definition.argument_names[first + i], kind_name(values[i]->kind)));
            return false;
        }
        auto slot = static_cast<Slot>(static_cast<std::size_t>(Slot::arg0) + first + i);
        if (keys_last && i + 1 == values.size())
            slot = Slot::content_types;
        Argument out{slot, values[i]->number, {}, {}};
        bool names_variable = definition.role == Definition::Role::global ||
                              (slot == Slot::arg0 &&
                                  (definition.kind == CallKind::set || definition.kind == CallKind::extracttext ||
                                      definition.kind == CallKind::setflag || definition.kind == CallKind::addflag ||
                                      definition.kind == CallKind::removeflag));
        bool names_flags = definition.kind == CallKind::hasflag && slot == Slot::arg0;
        if (type == 'n') {
            // the number is there
        } else if (names_variable || names_flags) {
            if (definition.role == Definition::Role::action || names_flags) {
                for (const ast::String& string : values[i]->strings) {
                    std::optional<std::uint32_t> place = variable_place(string);
                    if (!place)
                        return false;
                    out.texts.push_back(*place);
                }
            }
        } else {
            out.texts = texts_of(*values[i]);
        }
        call.arguments.push_back(std::move(out));
    }
    return true;
}

std::vector<std::uint32_t> UnitCompiler::texts_of(const ast::Argument& argument) {
    std::vector<std::uint32_t> texts;
    texts.reserve(argument.strings.size());
    for (const ast::String& string : argument.strings)
        texts.push_back(make_text(string));
    return texts;
}

std::uint32_t UnitCompiler::make_text(const ast::String& string) {
    std::string decoded;
    std::string_view text = string.text;
    bool good = true;
    if (has("encoded-character") && text.find("${") != std::string_view::npos) {
        decoded = decode_characters(string, good);
        text = decoded;
    }
    if (good && has("variables") && text.find("${") != std::string_view::npos) {
        Text out;
        if (parse_template(string, text, out))
            return whole_.add_text(std::move(out));
    }
    return whole_.constant_text(text);
}

// RFC 5228, 2.4.2.4: ${hex:40 41} and ${unicode:e4}; what does not look like that stays as it is.
std::string UnitCompiler::decode_characters(const ast::String& string, bool& good) {
    std::string out;
    std::string_view rest = string.text;
    while (!rest.empty()) {
        std::size_t begin = rest.find("${");
        out += rest.substr(0, begin);
        if (begin == std::string_view::npos)
            break;
        rest.remove_prefix(begin);
        std::size_t close = rest.find('}');
        bool hex = text::starts_with_ignoring_case(rest, "${hex:");
        bool unicode = text::starts_with_ignoring_case(rest, "${unicode:");
        std::size_t head = hex ? 6 : 10;
        if (close == std::string_view::npos || (!hex && !unicode)) {
            out += rest.substr(0, 2);
            rest.remove_prefix(2);
            continue;
        }
        std::string_view whole = rest.substr(0, close + 1);
        std::string value;
        bool legal = true;
        std::size_t numbers = 0;
        for (std::string_view digits : text::split(whole.substr(head, close - head), " \t\r\n")) {
            bool all_hex = std::ranges::all_of(digits, [](char c) {
                char lower = text::to_lower(c);
                return text::is_digit(c) || (lower >= 'a' && lower <= 'f');
            });
            if (!all_hex || (hex && digits.size() > 2)) {
                legal = false;
                break;
            }
            ++numbers;
            std::uint32_t code = 0;
            bool too_large = false;
            for (char c : digits) {
                too_large |= code > 0xfffffff;
                code = code * 16 + static_cast<std::uint32_t>(text::is_digit(c) ? c - '0' : text::to_lower(c) - 'a' + 10);
            }
            if (!hex && (too_large || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))) {
                error(string.place, whole, fmt::format("{} is no character of Unicode", digits));
                good = false;
                return out;
            }
            if (code == 0) {
                error(string.place, whole, "a string may not hold a NUL (RFC 5228, 8.1)");
                value += '\0';
            } else if (hex || code < 0x80) {
                value += static_cast<char>(code);
            } else if (code < 0x800) {
                value += {static_cast<char>(0xc0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3f))};
            } else if (code < 0x10000) {
                value += {static_cast<char>(0xe0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3f)),
                    static_cast<char>(0x80 | (code & 0x3f))};
            } else {
                value += {static_cast<char>(0xf0 | (code >> 18)), static_cast<char>(0x80 | ((code >> 12) & 0x3f)),
                    static_cast<char>(0x80 | ((code >> 6) & 0x3f)), static_cast<char>(0x80 | (code & 0x3f))};
            }
        }
        if (!legal || numbers == 0) {
            out += rest.substr(0, 2);
            rest.remove_prefix(2);
            continue;
        }
        out += value;
        rest.remove_prefix(whole.size());
    }
    return out;
}

// ---- variables

// What "${name}" stands for. Nothing: it is no reference, or (reported) one to something that is not there.
std::optional<Piece> UnitCompiler::variable(std::string_view name, ast::Place place, bool report) {
    std::string lower = text::lower(name);
    if (std::ranges::all_of(lower, text::is_digit)) {
        std::uint64_t number = text::parse_number(lower).value_or(UINT64_MAX);
        if (number > kMaxMatchValue) {
            if (report)
                error(place, name, fmt::format("match values go up to ${{{}}}", kMaxMatchValue));
            return std::nullopt;
        }
        return Piece{Piece::Kind::match, static_cast<std::uint32_t>(number)};
    }
    std::size_t dot = lower.find('.');
    if (dot == std::string::npos) {
        if (lower.size() > kMaxVariableName) {
            if (report)
                error(place, name, fmt::format("names of variables have at most {} characters", kMaxVariableName));
            return std::nullopt;
        }
        if (auto known = variables_.find(lower); known != variables_.end())
            return known->second;
        if (locals_ >= kMaxVariables) {
            if (!too_many_variables_ && report)
                error(place, name, fmt::format("a script may have {} variables, no more", kMaxVariables));
            too_many_variables_ = true;
            return std::nullopt;
        }
        Piece piece{Piece::Kind::local, locals_++};
        variables_.emplace(lower, piece);
        return piece;
    }
    std::string_view space = std::string_view(lower).substr(0, dot);
    std::string rest = lower.substr(dot + 1);
    if (space == "global" && has("include")) {
        if (is_variable_name(rest))
            return Piece{Piece::Kind::global, whole_.global(rest)};
        if (report)
            error(place, name, "this is no name of a global variable");
        return std::nullopt;
    }
    const ForeignCommands* foreign = whole_.options().foreign;
    if (foreign != nullptr && has(foreign->capability()) && space == foreign->variables())
        return Piece{Piece::Kind::environment, whole_.literal(lower)};
    if (space == "env" && has("vnd.dovecot.environment"))
        return Piece{Piece::Kind::environment, whole_.literal(rest)};
    if (report)
        error(place, name, fmt::format("there is no namespace \"{}\" for variables", space));
    return std::nullopt;
}

bool UnitCompiler::parse_template(const ast::String& string, std::string_view text, Text& out) {
    std::string plain;
    auto flush = [&] {
        if (!plain.empty())
            out.pieces.push_back({Piece::Kind::literal, whole_.literal(plain)});
        plain.clear();
    };
    bool any = false;
    while (!text.empty()) {
        std::size_t begin = text.find("${");
        plain += text.substr(0, begin);
        if (begin == std::string_view::npos)
            break;
        text.remove_prefix(begin);
        // RFC 5229, 3: "${" [namespace] (identifier / number) "}"
        std::size_t end = 2;
        bool legal = true;
        bool word_begins = true;
        while (end < text.size() && text[end] != '}') {
            char c = text[end];
            bool dot = c == '.' && !word_begins;
            bool word = text::is_alnum(c) || c == '_';
            legal = dot || word;
            if (!legal)
                break;
            word_begins = dot;
            ++end;
        }
        std::string_view name = text.substr(2, end - 2);
        bool number = !name.empty() && std::ranges::all_of(name, text::is_digit);
        bool starts_well = !name.empty() && (number || !text::is_digit(name.front()));
        if (!legal || end >= text.size() || word_begins || !starts_well) {
            plain += "${";
            text.remove_prefix(2);
            continue;
        }
        std::optional<Piece> piece = variable(name, string.place, true);
        if (!piece)
            return false;
        flush();
        out.pieces.push_back(*piece);
        any = true;
        text.remove_prefix(end + 1);
    }
    flush();
    return any;
}

// A variable that a command sets, as a template of one piece.
std::optional<std::uint32_t> UnitCompiler::variable_place(const ast::String& string) {
    if (!has("variables")) {
        if (!has("extracttext"))  // which has complained already
            error(string.place, string.text, "a variable here needs require \"variables\"");
        return std::nullopt;
    }
    std::size_t dot = string.text.find('.');
    bool legal = is_variable_name(string.text) || (dot != std::string::npos && dot > 0 && dot + 1 < string.text.size() &&
                                                      string.text.find("..") == std::string::npos);
    if (!legal) {
        error(string.place, string.text, "this is no name of a variable that can be set");
        return std::nullopt;
    }
    std::optional<Piece> piece = variable(string.text, string.place, true);
    if (!piece)
        return std::nullopt;
    if (piece->kind != Piece::Kind::local && piece->kind != Piece::Kind::global) {
        error(string.place, string.text, "this cannot be set");
        return std::nullopt;
    }
    return whole_.add_text({{*piece}});
}

}  // namespace sieve
