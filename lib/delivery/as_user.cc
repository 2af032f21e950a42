#include "lib/delivery/as_user.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/log/log.h"

namespace delivery {
namespace {

constexpr uid_t kSame = static_cast<uid_t>(-1);

// glibc's wrappers would change all threads; the system calls change this one.
bool set_ids(uid_t user, gid_t group, std::size_t groups, const gid_t* list) {
    if (user == 0 && ::syscall(SYS_setresuid, kSame, user, kSame) != 0)
        return false;
    if (::syscall(SYS_setgroups, groups, list) != 0 || ::syscall(SYS_setresgid, kSame, group, kSame) != 0)
        return false;
    return user == 0 || ::syscall(SYS_setresuid, kSame, user, kSame) == 0;
}

}  // namespace

std::expected<AsUser, std::string> AsUser::become(uid_t user, gid_t group) {
    if (::geteuid() != 0) {
        if (user == ::geteuid())
            return AsUser(false);
        return std::unexpected(
            "this instance was not started by root and cannot deliver as user id " + std::to_string(user));
    }
    if (user == kSame || group == static_cast<gid_t>(kSame))
        return std::unexpected("the highest number is no user or group id");
    if (user == 0)
        return std::unexpected("mail is not delivered with the rights of root");
    gid_t list[] = {group};
    if (!set_ids(user, group, 1, list)) {
        std::string reason = std::strerror(errno);
        set_ids(0, 0, 0, nullptr);
        return std::unexpected("cannot become user id " + std::to_string(user) + ": " + reason);
    }
    return AsUser(true);
}

AsUser::AsUser(AsUser&& other) noexcept : changed_(std::exchange(other.changed_, false)) {}

AsUser::~AsUser() {
    if (changed_ && !set_ids(0, 0, 0, nullptr))
        logging::panic("a delivery thread could not give a user's identity back");
}

}  // namespace delivery
