#include "lib/command/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
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

const std::string& name() { return program_name; }

void warn(std::string_view text) { fmt::print(stderr, "{}: warning: {}\n", program_name, text); }

void fatal(std::string_view text, int status) {
    std::fflush(stdout);
    fmt::print(stderr, "{}: fatal: {}\n", program_name, text);
    std::exit(status);
}

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
