#include "lib/config/problem.h"

#include <fmt/format.h>

namespace config {

std::string format_problem(const Problem& problem) {
    std::string place = problem.file.empty() ? std::string("command line") : problem.file;
    if (problem.line > 0)
        place += fmt::format(", line {}", problem.line);
    if (problem.parameter.empty())
        return fmt::format("{}: {}", place, problem.text);
    return fmt::format("{}: {}: {}", place, problem.parameter, problem.text);
}

}  // namespace config
