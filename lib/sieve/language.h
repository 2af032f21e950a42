// lib/sieve/language.h - which commands, tests and tags there are, and what capability each needs.
//
// One row each: the compiler checks and translates by these tables alone; what tables cannot say is in compiler_checks.cc.
//
// Standards   RFC 5228; RFC 3894 (copy), 5173 (body), 5183 (environment), 5229 (variables), 5230 and 6131 (vacation), 5231
//             (relational), 5232 (imap4flags), 5233 (subaddress), 5235 (spamtest, virustest), 5260 (date, index), 5293
//             (editheader), 5429 (reject), 5435 (enotify), 5463 (ihave), 5490 (mailbox, metadata), 5703 (mime, foreverypart,
//             extracttext), 6134 (extlists), 6609 (include), 7352 (duplicate), 8579 (special-use), 8580 (fcc), 9042
//             (mailboxid)
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lib/sieve/code.h"

namespace sieve {

// What an argument must be: 's' string, 'l' string or list, 'n' number, 'c' name of a comparator, 'r' relation.
using ArgumentType = char;

struct TagDefinition {
    std::string_view name;
    std::string_view capability;  // "" for RFC 5228's own
    int group;                    // tags of one group exclude each other
    Slot slot;
    std::uint64_t value = 1;  // stored in the slot; for Slot::modifiers a bit
    ArgumentType parameter = 0;
    Slot parameter_slot = Slot::arg0;
};

struct Definition {
    enum class Role {
        test,
        action,
        require,
        if_,
        elsif,
        else_,
        stop,
        include,
        return_,
        global,
        foreverypart,
        break_,  // controls
        allof,
        anyof,
        not_,
        true_,
        false_,  // tests of tests
    };
    std::string_view name;
    Role role;
    std::string_view capability;
    std::string_view arguments;  // types of the positional ones
    std::vector<std::string_view> argument_names;
    enum class Optional { none, first, last } optional = Optional::none;
    int tests = 0;       // 0 none, 1 one, 2 a list
    bool block = false;  // must have one
    CallKind kind = CallKind::keep;
    std::vector<TagDefinition> tags;

    bool is_test() const { return role == Role::test || role >= Role::allof; }
};

const Definition* find_definition(std::string_view name);

// Is this a capability that require may name? Comparators included.
bool is_capability(std::string_view name);
// Capabilities that come along with this one.
std::span<const std::string_view> implied_capabilities(std::string_view name);

std::string_view comparator_name(Comparator comparator);
std::string_view relation_name(Relation relation);
std::string_view match_type_name(MatchType type);
std::string_view address_part_name(AddressPart part);
std::string_view call_name(CallKind kind);

}  // namespace sieve
