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

bool write_all(int fd, std::string_view content) {
    while (!content.empty()) {
        ssize_t done = ::write(fd, content.data(), content.size());
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        content.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
}

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
        if (problem.line > 0)
            fatal(config::format_problem(problem));
        if (asked_for)
            fatal(problem.text);
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

std::expected<void, std::string> replace_file(const std::string& path, std::string_view content) {
    std::string fresh = fmt::format("{}.new.{}", path, ::getpid());
    struct stat old {};
    bool exists = ::stat(path.c_str(), &old) == 0;
    int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return std::unexpected(reason("create " + fresh));
    bool done = write_all(fd, content) && ::fchmod(fd, exists ? old.st_mode & 07777 : 0644) == 0;
    if (done && exists && ::geteuid() == 0)
        done = ::fchown(fd, old.st_uid, old.st_gid) == 0;
    done = done && ::fsync(fd) == 0;
    std::string failure = done ? "" : reason("write " + fresh);
    ::close(fd);
    if (done && ::rename(fresh.c_str(), path.c_str()) < 0) {
        failure = reason("rename " + fresh + " to " + path);
        done = false;
    }
    if (!done) {
        ::unlink(fresh.c_str());
        return std::unexpected(failure);
    }
    return {};
}

}  // namespace command
