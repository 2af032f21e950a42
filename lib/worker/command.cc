#include "lib/worker/command.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "lib/config/place.h"
#include "lib/log/log.h"

namespace worker {
namespace {

bool is_set_id() { return getauxval(AT_SECURE) != 0; }

// What a hostile caller could steer us or a library with goes; G19 of the bad input list.
void clean_environment() {
    std::string kept[3];
    const char* names[] = {"TZ", "MAIL_CONFIG", "LANG"};
    for (int i = 0; i < 3; ++i) {
        if (const char* value = getenv(names[i]))
            kept[i] = value;
    }
    clearenv();
    for (int i = 0; i < 3; ++i) {
        if (!kept[i].empty())
            setenv(names[i], kept[i].c_str(), 1);
    }
    setenv("PATH", "/usr/bin:/bin:/usr/sbin:/sbin", 1);
}

}  // namespace

Command::Command(std::string name) : name_{std::move(name)} {
    // Descriptors 0 to 2 have to be something, or the first file that is opened becomes the standard error.
    for (int fd = 0; fd < 3; ++fd) {
        struct stat info {};
        if (fstat(fd, &info) != 0 && open("/dev/null", O_RDWR) != fd)
            _exit(EX_OSERR);
    }
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    if (is_set_id())
        clean_environment();
    config_directory_ = config::default_directory();
}

void Command::require_allowed_config() const {
    unsetenv("MAIL_CONFIG");
    const std::string standard = config::default_directory();
    if (!is_set_id() || getuid() == 0 || config_directory_ == standard)
        return;
    const config::MainCf main_cf = config::MainCf::load(standard);
    for (const char* parameter : {"alternate_config_directories", "multi_instance_directories"}) {
        const config::List allowed = config::split_list(main_cf.get(parameter).value_or(""));
        if (std::find(allowed.begin(), allowed.end(), config_directory_) != allowed.end())
            return;
    }
    fatal(EX_NOPERM, "configuration directory {} is not listed in alternate_config_directories of {}/main.cf",
        config_directory_, standard);
}

void Command::load(config::HostParams& params) {
    require_allowed_config();
    setenv("MAIL_CONFIG", config_directory_.c_str(), 1);
    main_cf_ = config::MainCf::load(config_directory_);
    config::Problems problems = main_cf_.problems();
    const config::Problems values = params.load(main_cf_);
    problems.insert(problems.end(), values.begin(), values.end());
    if (main_cf_.settings().empty() && !problems.empty())
        fatal(EX_CONFIG, "{}", config::format_problem(problems.front()));
    logging::Settings settings;
    settings.syslog_name = params.syslog_name();
    settings.service = name_;
    settings.facility = params.syslog_facility();
    settings.file = params.maillog_file();
    settings.host = params.myhostname().substr(0, params.myhostname().find('.'));
    log_open_ = settings.file != "/dev/stdout" && logging::open(settings).empty();
    for (const config::Problem& problem : problems)
        warning("{}", config::format_problem(problem));
}

void Command::enter_queue(config::HostParams& params) {
    load(params);
    if (chdir(params.queue_directory().c_str()) != 0)
        fatal(EX_UNAVAILABLE, "queue_directory: cannot enter {}: {}", params.queue_directory(), std::strerror(errno));
}

void Command::complain(std::string_view level, const std::string& text) const {
    const std::string line = fmt::format("{}: {}: {}\n", name_, level, text);
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

void Command::end(int status, const std::string& text) const {
    std::fflush(stdout);
    complain("fatal", text);
    if (log_open_)
        logging::line(logging::Level::fatal, text);
    _exit(status);
}

std::string user_name(unsigned uid) {
    const passwd* user = getpwuid(uid);
    return user != nullptr ? user->pw_name : std::to_string(uid);
}

}  // namespace worker
