#include "lib/command/set_gid.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace command {

std::string missing_group(const std::string& folder, const std::string& setgid_group) {
    struct stat status {};
    if (::geteuid() == 0 || ::stat(folder.c_str(), &status) != 0 || ::geteuid() == status.st_uid ||
        ::group_member(status.st_gid) != 0)
        return "";
    std::error_code error;
    const std::string program = std::filesystem::read_symlink("/proc/self/exe", error).string();
    const group* wanted = ::getgrnam(setgid_group.c_str());
    // An instance of one user, who made it without root.
    if (error || wanted == nullptr || wanted->gr_gid != status.st_gid)
        return "this mail system belongs to another user, and only that user may use it";
    struct stat file {};
    const bool is_set = ::stat(program.c_str(), &file) == 0 && file.st_gid == status.st_gid && (file.st_mode & S_ISGID) != 0;
    if (is_set)
        return fmt::format(
            "{} is set-gid {}, but that has no effect here (nosuid, or no new privileges)", program, setgid_group);
    return fmt::format("{0} must be set-gid {1}; as root: chgrp {1} {0} && chmod 2755 {0}", program, setgid_group);
}

}  // namespace command
