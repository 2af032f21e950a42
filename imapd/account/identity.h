// imapd/account/identity.h - whether work is done with the rights that the user database gives a mail user.
//
// Trust       auth is believed about who a user is, but no answer of it gives the rights of root, of root's group, or of the
//             system's own users.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace account {

// Empty where a process or thread may become this user; else the reason why not. In an instance without root nobody becomes
// anybody, and only its own uid will do.
std::string refused_identity(std::optional<std::uint32_t> uid, std::optional<std::uint32_t> gid, int first_valid_uid);

}  // namespace account
