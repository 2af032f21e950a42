// lib/command/command.h - what commands for the administrator share: complaints, configuration, files.
//
// Complaints go to the standard error in the form that scripts know: "postmap: warning: ...", "postmap: fatal: ...".
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "lib/config/common_params.h"
#include "lib/config/main_cf.h"

namespace command {

void set_name(std::string_view name);
const std::string& name();

// The first thing in main(): sets the name, and answers `--help` (the usage) and `--version` on the standard output; the
// process ends with 0 then. A command of subcommands is asked with its last word as well ("mailadm user add --help"); in
// others that could be a value or a name, and only the first word counts.
enum class Asked { first_word, last_word_too };
void begin(int argc, char** argv, std::string_view usage, Asked asked = Asked::first_word);

void warn(std::string_view text);
// 1, or a status of sysexits(3), which means the same in every command.
[[noreturn]] void fatal(std::string_view text, int status = 1);
// The command line itself is wrong: 64, EX_USAGE. Nothing has been done.
[[noreturn]] void wrong_usage(std::string_view text);

// main.cf of the directory; a missing file is an error only if the directory was asked for by name.
config::MainCf load_main_cf(const std::string& directory, bool asked_for);

// All of the standard input.
std::string read_standard_input();

}  // namespace command
