// lib/config/problem.h - a mistake in a configuration file, with the place where to mend it.
#pragma once

#include <string>
#include <vector>

namespace config {

struct Problem {
    std::string file;       // empty: the command line
    int line = 0;           // 0: no line to point at
    std::string parameter;  // empty when the mistake is not about one parameter
    std::string text;       // what is wrong and what would be right
    bool unsafe = false;    // running like this could lose mail, relay for strangers or expose a mailbox
};

using Problems = std::vector<Problem>;

// "main.cf, line 3: smtpd_timeout: ..." as logs and `malleposte check` show it.
std::string format_problem(const Problem& problem);

// A file of the configuration that cannot be read; `error` is read_text_file's.
Problem unreadable_file(const std::string& path, const std::string& error);

}  // namespace config
