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

Problem unreadable_file(const std::string& path, const std::string& error) {
    // The place is said once, in front.
    const std::size_t at = error.find(path + ": ");
    const std::string reason = at == std::string::npos ? error : error.substr(at + path.size() + 2);
    return {path, 0, "",
        fmt::format(
            "cannot be read: {}; -c or MAIL_CONFIG names the configuration directory, and `malleposte init` makes one",
            reason),
        true};
}

}  // namespace config
