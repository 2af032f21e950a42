#include "imapd/account/identity.h"

#include <fmt/format.h>
#include <unistd.h>

namespace account {

std::string refused_identity(std::optional<std::uint32_t> uid, std::optional<std::uint32_t> gid, int first_valid_uid) {
    if (::geteuid() != 0)
        return uid && *uid != ::geteuid()
                   ? fmt::format("this instance was not started by root and cannot work as user id {}", *uid)
                   : std::string();
    if (!uid || !gid)
        return "the user database gives no uid and gid";
    if (*uid == 0 || *gid == 0)
        return "the user database gives the uid or gid of root";
    if (*uid < static_cast<std::uint32_t>(first_valid_uid))
        return fmt::format("user id {} is below first_valid_uid", *uid);
    return std::string();
}

}  // namespace account
