// lib/sieve/script.h - from the text of a script to a program.
//
//     Compiled compiled = compile(text, options);
//     if (!compiled.ok()) for (const Problem& p : compiled.problems) show(format_problem(p));
//     else cache(compiled.program->encode());          // Program::decode() gives it back, see program.h
//
// A program holds everything it needs, included scripts too; Program::dependencies() says which those were, so that a
// cache can see when it is stale.
//
// Standards   RFC 5228 and the extensions that capabilities() lists
// Failure     problems, in the order of the text; with an error among them there is no program.
// Trust       the text comes from users and may be anything; Limits bound time and memory. Nothing recurses deeper than
//             the nesting limits of RFC 5228, 2.10.5 allow.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/sieve/settings.h"

namespace sieve {

class Program;
class ScriptLoader;
class ForeignCommands;

struct Problem {
    enum class Severity { error, warning };
    Severity severity = Severity::error;
    std::string script;        // as CompileOptions::name, or the included script's name
    std::uint32_t line = 0;    // 1-based; 0 when it is about the script as a whole
    std::uint32_t column = 0;  // 1-based, in octets
    std::string token;         // the offending token as written, cut when long; may be empty
    std::string text;          // what is wrong, names included
};

// `name:line:column: text`, with the token when there is one; printable.
std::string format_problem(const Problem& problem);

struct CompileOptions {
    std::string name = "script";  // how messages call the script
    Settings settings;
    // Capabilities that require may name; nothing: all of capabilities().
    std::optional<std::vector<std::string>> enabled;
    // Where include finds scripts. Without one, include is checked but a missing script shows only when it runs.
    ScriptLoader* loader = nullptr;
    // A missing included script is a warning, not an error: it may be uploaded next.
    bool uploading = false;
    // Commands of the program that embeds us; see foreign.h.
    const ForeignCommands* foreign = nullptr;
};

struct Compiled {
    std::shared_ptr<const Program> program;  // null if there was an error
    std::vector<Problem> problems;           // errors and warnings

    bool ok() const { return program != nullptr; }
};

Compiled compile(std::string_view text, const CompileOptions& options);

// Names for ManageSieve's SIEVE capability, comparators included, in order; and for NOTIFY and EXTLISTS.
std::vector<std::string_view> capabilities();
std::vector<std::string_view> notify_methods();

}  // namespace sieve
