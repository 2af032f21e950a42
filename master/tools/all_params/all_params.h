// master/tools/all_params/all_params.h - the parameter sets of all programs, for postconf, `malleposte check` and the
// manual.
//
// The list is made by CMake from the params.h of every folder (see CMakeLists.txt here), so there is none to keep. This
// is the one place where a program sees the headers of another; only their declarations are used.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/config/check.h"
#include "lib/config/param.h"

namespace all_params {

struct ProgramParams {
    std::string header;  // "smtpd/params.h"
    std::string type;    // "smtpd::Params"
    std::unique_ptr<config::ParamSet> set;
};

// In the order of the headers' names; lib/ first.
std::vector<ProgramParams> make_all();

// Every parameter once, by name, with the headers that declare it.
struct Declared {
    const config::ParamBase* parameter = nullptr;
    std::vector<std::string> headers;
};
using Declarations = std::map<std::string, Declared, std::less<>>;
Declarations declarations(const std::vector<ProgramParams>& programs);

config::NameSet names(const Declarations& declarations);
void declare_defaults(const Declarations& declarations, config::MainCf& cf);

}  // namespace all_params
