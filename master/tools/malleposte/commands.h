// master/tools/malleposte/commands.h - what the malleposte command does, one function each.
//
// Each returns the exit status: 0, or one of sysexits.h. Messages go to the standard error, each with the file,
// line, parameter or path that it is about.
#pragma once

#include <string>
#include <vector>

#include "lib/config/main_cf.h"
#include "master/params.h"

namespace malleposte {

struct Invocation {
    std::string config_directory;
    std::vector<std::string> arguments;  // behind the command word
};

int init(const Invocation& call);
int start(const Invocation& call, bool foreground);
int stop(const Invocation& call);
int reload(const Invocation& call);
int abort(const Invocation& call);
int flush(const Invocation& call);
int check(const Invocation& call);
int status(const Invocation& call);

// main.cf as all of them read it; problems are printed. `unsafe` tells whether one of them forbids to run.
struct Configuration {
    config::MainCf main_cf;
    master::Params params;
    bool unsafe = false;
};
void load_configuration(const Invocation& call, Configuration& configuration, bool print_problems);

// The running master's pid, 0 where none runs.
int running_master(const Configuration& configuration);

void say(const std::string& text);   // "malleposte: text" on the standard error
void fail(const std::string& text);  // "malleposte: fatal: text"

}  // namespace malleposte
