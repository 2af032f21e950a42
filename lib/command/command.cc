#include "lib/command/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace command {
namespace {

std::string program_name = "command";

std::string reason(const std::string& what) { return fmt::format("{}: {}", what, std::strerror(errno)); }

}  // namespace

void set_name(std::string_view name) { program_name = name.substr(name.rfind('/') + 1); }

void begin(int argc, char** argv, std::string_view usage, Asked asked) {
    if (argc < 1)
        return;
    set_name(argv[0]);
    for (int i : {1, asked == Asked::last_word_too ? argc - 1 : 1}) {
        const std::string_view word = i < argc ? argv[i] : "";
        if (word != "--help" && word != "--version")
            continue;
        if (word == "--help") {
            fmt::print("{}\n`man {}` says more.\n", usage, program_name);
        } else {
            const config::HostParams suite;
            fmt::print("{} ({}) {}\n", program_name, suite.mail_name.default_text(), suite.mail_version.default_text());
        }
        std::exit(std::fflush(stdout) == 0 ? EX_OK : EX_IOERR);
    }
}

const std::string& name() { return program_name; }

void warn(std::string_view text) { fmt::print(stderr, "{}: warning: {}\n", program_name, text); }

void fatal(std::string_view text, int status) {
    std::fflush(stdout);
    fmt::print(stderr, "{}: fatal: {}\n", program_name, text);
    std::exit(status);
}

void wrong_usage(std::string_view text) { fatal(text, EX_USAGE); }

config::MainCf load_main_cf(const std::string& directory, bool asked_for) {
    config::MainCf cf = config::MainCf::load(directory);
    for (const config::Problem& problem : cf.problems()) {
        if (problem.line > 0 || asked_for)
            fatal(config::format_problem(problem));
    }
    return cf;
}

std::string read_standard_input() {
    std::string text;
    char buffer[65536];
    std::size_t got = 0;
    while ((got = std::fread(buffer, 1, sizeof buffer, stdin)) > 0)
        text.append(buffer, got);
    if (std::ferror(stdin) != 0)
        fatal(reason("read standard input"));
    return text;
}

}  // namespace command
