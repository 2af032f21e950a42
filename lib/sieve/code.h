// lib/sieve/code.h - the inside of a program, for the compiler that writes it and the machine that runs it.
//
// Instructions are a flat list. Conditions set one flag, jumps look at it. What a command or test needs is a Call: its kind
// and arguments in named slots. Texts are constants or templates of literal and variable pieces.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/sieve/program.h"

namespace sieve {

enum class Op : std::uint8_t {
    test,  // a: call; sets the flag
    act,   // a: call
    jump,  // a: instruction
    jump_if_false,
    jump_if_true,
    invert,
    set_true,
    set_false,
    stop,
    leave_script,     // return: behind the include, or stop in the outermost script
    include,          // a: unit; b: 1 for :once
    missing_include,  // a: text with the name: runtime error (RFC 6609, 3.2)
    part_begin,       // enters the loop over parts; a: instruction behind the loop
    part_next,        // a: first instruction of the loop's block; falls through when there are no more
    part_leave,       // b: how many loops to leave, then jumps to a
    section_begin,    // a: call of a foreign block; b: instruction behind it
    section_end,
    count_of_ops,
};

struct Instruction {
    Op op = Op::stop;
    std::uint32_t line = 0;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
};

struct Piece {
    enum class Kind : std::uint8_t { literal, local, global, match, environment, count_of_kinds };
    Kind kind = Kind::literal;
    std::uint32_t index = 0;  // of literal or environment item: in Code::literals; of match: the number
};

// One argument text: empty (no pieces), a constant (one literal) or a template.
struct Text {
    std::vector<Piece> pieces;
};

enum class CallKind : std::uint8_t {
    // tests
    address,
    header,
    exists,
    size,
    envelope,
    body,
    date,
    currentdate,
    hasflag,
    string,
    mailboxexists,
    mailboxidexists,
    specialuse_exists,
    metadata,
    metadataexists,
    servermetadata,
    servermetadataexists,
    environment,
    duplicate,
    valid_ext_list,
    ihave,
    notify_method_capability,
    valid_notify_method,
    spamtest,
    virustest,
    foreign_test,
    // commands
    keep,
    fileinto,
    redirect,
    discard,
    reject,
    ereject,
    vacation,
    notify,
    set,
    setflag,
    addflag,
    removeflag,
    addheader,
    deleteheader,
    extracttext,
    error,
    report,
    foreign_command,
    count_of_kinds,
};
inline constexpr bool is_test(CallKind kind) { return kind <= CallKind::foreign_test; }

enum class Slot : std::uint8_t {
    match_type,
    comparator,
    relation,
    address_part,
    index,
    last,
    mime,
    anychild,
    mime_option,
    param_names,
    percent,
    transform,
    content_types,
    size_mode,
    size_limit,
    zone,
    original_zone,
    first,
    copy,
    create,
    flags,
    special_use,
    mailbox_id,
    fcc,
    list,
    seconds,
    subject,
    from,
    addresses,
    mime_reason,
    handle,
    importance,
    options,
    message,
    unique_header,
    unique_id,
    name,
    modifiers,
    headers_only,
    match_all,
    arg0,
    arg1,
    arg2,
    arg3,
    // of the compiler only
    days,
    once,
    optional,
    location,
    count_of_slots,
};

struct Argument {
    Slot slot = Slot::arg0;
    std::uint64_t number = 0;
    std::vector<std::uint32_t> texts;  // in Code::texts
    std::string tag;                   // of foreign tags
};

struct Call {
    CallKind kind = CallKind::keep;
    std::uint32_t line = 0;
    std::uint32_t foreign = 0;  // index of the definition for foreign kinds
    std::vector<Argument> arguments;

    const Argument* find(Slot slot) const {
        for (const Argument& argument : arguments)
            if (argument.slot == slot)
                return &argument;
        return nullptr;
    }
    bool has(Slot slot) const { return find(slot) != nullptr; }
    std::uint64_t number(Slot slot, std::uint64_t otherwise = 0) const {
        const Argument* argument = find(slot);
        return argument == nullptr ? otherwise : argument->number;
    }
    std::span<const std::uint32_t> texts(Slot slot) const {
        const Argument* argument = find(slot);
        return argument == nullptr ? std::span<const std::uint32_t>() : std::span<const std::uint32_t>(argument->texts);
    }
};

enum class MatchType : std::uint8_t { is, contains, matches, value, count, regex, list, count_of_types };
enum class Comparator : std::uint8_t { octet, ascii_casemap, ascii_numeric, unicode_casemap, count_of_comparators };
enum class Relation : std::uint8_t { gt, ge, lt, le, eq, ne, count_of_relations };
enum class AddressPart : std::uint8_t { all, localpart, domain, user, detail, count_of_parts };
enum class MimeOption : std::uint8_t { none, type, subtype, contenttype, param, count_of_options };
enum class BodyTransform : std::uint8_t { text, raw, content, count_of_transforms };
enum class SizeMode : std::uint8_t { over, under, count_of_modes };

// Modifiers of set and extracttext, applied from the highest precedence down (RFC 5229, 4.1).
enum Modifier : std::uint32_t {
    kLower = 1,
    kUpper = 2,
    kLowerFirst = 4,
    kUpperFirst = 8,
    kQuoteWildcard = 16,
    kQuoteRegex = 32,
    kEncodeUrl = 64,
    kLength = 128,
    kAllModifiers = 255,
};

inline constexpr std::uint32_t kMaxMatchValue = 32;  // ${0} to ${32}; RFC 5229, 6 wants 9 at least
inline constexpr std::size_t kMaxVariables = 255;    // of one script; RFC 5229, 6 wants 128 at least
inline constexpr std::size_t kMaxVariableName = 64;  // RFC 5229, 6 wants 32 at least
inline constexpr std::size_t kMaxLoops = 4;          // nested foreverypart

// A script: the main one is units[0], the others are included.
struct Unit {
    std::string name;
    ScriptLocation location = ScriptLocation::personal;
    std::uint32_t begin = 0;   // first instruction
    std::uint32_t locals = 0;  // variables of its own
};

struct Code {
    std::uint64_t source_hash = 0;
    std::string foreign_capability;  // empty: none used
    std::vector<Unit> units;
    std::vector<Instruction> instructions;
    std::vector<Call> calls;
    std::vector<Text> texts;
    std::vector<std::string> literals;
    std::vector<std::string> globals;  // their names
    std::vector<Dependency> dependencies;

    // The text, if it is a constant.
    const std::string* constant(std::uint32_t text) const {
        static const std::string empty;
        const Text& found = texts[text];
        if (found.pieces.empty())
            return &empty;
        if (found.pieces.size() == 1 && found.pieces[0].kind == Piece::Kind::literal)
            return &literals[found.pieces[0].index];
        return nullptr;
    }
};

// Why this code may not be run, or "" if all that it points to is there.
std::string check_code(const Code& code);

}  // namespace sieve
