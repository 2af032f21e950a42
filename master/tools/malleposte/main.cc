// NAME
//     malleposte - control the mail system
// SYNOPSIS
//     malleposte init DIR --domain DOMAIN --user NAME:PASSWORD [--user ...] [--port-base N]
//     malleposte [-c config_dir] start|start-fg|stop|reload|abort|flush|check|status
// DESCRIPTION
//     init writes a complete private instance into DIR: configuration, spool, mail and log, on the loopback
//     interface only. start returns when the service accepts connections; stop when everything under way is
//     finished.
// SECURITY
//     Only root controls an instance that root started; an ordinary user may run private ones.
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>

#include "lib/command/command.h"
#include "lib/config/place.h"
#include "master/tools/malleposte/commands.h"

namespace malleposte {

void say(const std::string& text) { std::fprintf(stderr, "malleposte: %s\n", text.c_str()); }
void fail(const std::string& text) { say("fatal: " + text); }

namespace {

struct Command {
    const char* word;
    int (*run)(const Invocation&);
};

int start_background(const Invocation& call) { return start(call, false); }
int start_foreground(const Invocation& call) { return start(call, true); }

constexpr Command kCommands[] = {
    {"init", init},
    {"start", start_background},
    {"start-fg", start_foreground},
    {"stop", stop},
    {"reload", reload},
    {"abort", abort},
    {"flush", flush},
    {"check", check},
    {"status", status},
};

constexpr const char* kUsage =
    "usage: malleposte init DIR --domain DOMAIN --user NAME:PASSWORD [--user ...] [--port-base N]\n"
    "       malleposte [-c config_dir] start|start-fg|stop|reload|abort|flush|check|status";

int usage() {
    std::fprintf(stderr, "%s\n", kUsage);
    return EX_USAGE;
}

int run(int argc, char** argv) {
    command::begin(argc, argv, kUsage, command::Asked::last_word_too);
    Invocation call;
    call.config_directory = config::default_directory();
    for (int option = 0; (option = ::getopt(argc, argv, "+c:v")) != -1;) {
        if (option == 'c')
            call.config_directory = config::absolute_directory(optarg);
        else if (option != 'v')
            return usage();
    }
    if (optind >= argc)
        return usage();
    std::string word = argv[optind];
    call.arguments.assign(argv + optind + 1, argv + argc);
    for (const Command& command : kCommands)
        if (word == command.word)
            return command.run(call);
    say("there is no command \"" + word + "\"");
    return usage();
}

}  // namespace
}  // namespace malleposte

int main(int argc, char** argv) { return malleposte::run(argc, argv); }
