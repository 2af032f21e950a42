// lib/log/log.h - the log, in Postfix's line format, for pflogsumm, fail2ban and people.
//
// Every line is `syslog_name/service[pid]: text`. Where it goes is decided once, by open(): a file
// (with a date and host in front), the standard output, syslog, or the journal. Before open() lines go to
// the standard error. One event is one line: control characters from peers are made harmless here, and a
// line is handed over in one write, so that several processes may share a file.
//
// Failure     logging never fails towards the caller; a line that cannot be written is dropped.
// Threads     any thread may log.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace logging {

enum class Level { info, warning, error, fatal, panic };

struct Settings {
    std::string syslog_name = "malleposte";  // syslog_name; the service's own name is added
    std::string service;                     // "smtpd", "submission/smtpd"; empty for commands
    std::string facility = "mail";           // syslog_facility
    std::string file;                        // maillog_file: a path, /dev/stdout, "journal", or empty for syslog
    std::string host;                        // in front of lines in a file
    bool also_stderr = false;                // commands that a person runs
};

// Opens the destination; called before a process gives up its rights. Returns a reason where it cannot.
std::string open(const Settings& settings);

// For a service, which has mail to care for whatever becomes of its log: where the file cannot be opened, lines go to
// syslog, and what is more than information to the standard error too. The loss is the first thing said there, and returned.
std::string open_for_service(const Settings& settings);

// Messages of debug_peer kind are not kept; -v raises this.
void set_verbosity(int level);
int verbosity();

void line(Level level, std::string_view text);

// A busy worker writes the lines of one turn of its event loop together: the loop calls flush() before it waits.
// Ends by itself in a child process, which starts with nothing kept. fatal and panic lines are never held back.
void set_buffered(bool buffered);
void flush();

template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    line(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
    line(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    line(Level::error, fmt::format(format, std::forward<Args>(args)...));
}
// Detail that helps to find a fault, written with -v.
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    if (verbosity() > 0)
        line(Level::info, fmt::format(format, std::forward<Args>(args)...));
}

// fatal: the configuration or the system is at fault; exits with status 1, and master restarts slowly.
[[noreturn]] void exit_fatal(std::string_view text);
// panic: our own fault; aborts, so that there is a core to look at.
[[noreturn]] void abort_panic(std::string_view text);

template <class... Args>
[[noreturn]] void fatal(fmt::format_string<Args...> format, Args&&... args) {
    exit_fatal(fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
[[noreturn]] void panic(fmt::format_string<Args...> format, Args&&... args) {
    abort_panic(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace logging
