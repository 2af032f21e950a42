// lib/sieve/foreign.h - commands and tests that the embedding program adds to the language.
//
// A script reaches them by require with the capability's name, as any extension. The compiler checks arguments by the
// definition; the interpreter evaluates them and calls run(). Only sievec's test suite uses this; delivery has none, and a
// program that needs them is refused by decode() and by an Interpreter without them.
//
// A definition with `block` is a section: the interpreter calls run() before its block and section_ended() behind it. A
// runtime error inside a section ends that section, not the script.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/sieve/interpreter.h"

namespace sieve {

struct ForeignDefinition {
    enum class Use { command, test, either };
    struct Tag {
        std::string_view name;
        char parameter;  // 0: none, 's' string, 'n' number, 'l' string list
    };
    std::string_view name;
    Use use = Use::command;
    bool block = false;
    bool match = false;  // takes match type and comparator; the last argument is the list of keys
    std::vector<Tag> tags;
    std::string_view arguments;       // a letter each, as Tag::parameter
    bool optional_arguments = false;  // trailing ones may be missing
};

struct ForeignCall {
    std::string_view name;
    std::uint32_t line = 0;
    bool is_command = false;                          // of a definition that may be either
    Interpreter::Machine& machine;                    // machine.h: the run that calls
    std::vector<std::vector<std::string>> arguments;  // numbers as decimal text; keys of a match are not here
    std::map<std::string, std::vector<std::string>, std::less<>> tags;
};

struct ForeignResult {
    bool value = true;                  // of a test
    std::vector<std::string> to_match;  // values for the keys of a `match` definition
    bool has_values = false;            // `value` is to be found by matching
    bool leave_section = false;         // go on behind the innermost section
    std::string error;                  // not empty: runtime error
};

class ForeignCommands {
  public:
    virtual ~ForeignCommands() = default;
    virtual std::string_view capability() const = 0;
    virtual const std::vector<ForeignDefinition>& definitions() const = 0;
    // Namespace of variables that Host::environment() gives: "tst" for ${tst.path}.
    virtual std::string_view variables() const { return {}; }
    virtual ForeignResult run(const ForeignCall& call) const = 0;
    // `error` is not empty if the section ended by a runtime error.
    virtual void section_ended(std::string_view error) const = 0;
};

}  // namespace sieve
