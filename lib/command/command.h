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

void warn(std::string_view text);
[[noreturn]] void fatal(std::string_view text, int status = 1);

// main.cf of the directory; a missing file is an error only if the directory was asked for by name.
config::MainCf load_main_cf(const std::string& directory, bool asked_for);

// All of the standard input.
std::string read_standard_input();

}  // namespace command
