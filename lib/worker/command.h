// lib/worker/command.h - what the main() of every command shares: configuration, messages, exit status.
//
// A command writes its messages as "name: fatal: text" to the standard error, and to the mail log as well. In a
// set-gid command the environment is cleaned first, and a configuration directory that an ordinary user names counts
// only when the default main.cf allows it (alternate_config_directories, multi_instance_directories).
//
// Failure     fatal() ends the process with a status of sysexits(3).
// Trust       arguments and environment come from the user, who may be hostile where the command is set-gid.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "lib/config/common_params.h"
#include "lib/config/main_cf.h"

namespace worker {

class Command {
  public:
    // Before anything else in main().
    explicit Command(std::string name);

    // The argument of -c.
    void use_config(std::string directory) { config_directory_ = std::move(directory); }

    // Reads main.cf and opens the log.
    void load(config::HostParams& params);
    // load(), and goes to the queue directory.
    void enter_queue(config::HostParams& params);

    const std::string& name() const { return name_; }
    const std::string& config_directory() const { return config_directory_; }
    config::MainCf& main_cf() { return main_cf_; }

    template <class... Args>
    [[noreturn]] void fatal(int status, fmt::format_string<Args...> format, Args&&... args) const {
        end(status, fmt::format(format, std::forward<Args>(args)...));
    }
    template <class... Args>
    void warning(fmt::format_string<Args...> format, Args&&... args) const {
        complain("warning", fmt::format(format, std::forward<Args>(args)...));
    }

  private:
    [[noreturn]] void end(int status, const std::string& text) const;
    void complain(std::string_view level, const std::string& text) const;
    void require_allowed_config() const;

    std::string name_;
    std::string config_directory_;
    config::MainCf main_cf_;
    bool log_open_ = false;
};

// "alice" for 1000, "1000" where nobody has that number.
std::string user_name(unsigned uid);

}  // namespace worker
