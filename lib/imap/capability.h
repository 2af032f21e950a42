// lib/imap/capability.h - what the suite's IMAP server can do; login and the session say the same.
#pragma once

#include <string_view>

namespace imap {

// After login. Before it, login adds SASL-IR, STARTTLS or LOGINDISABLED, and AUTH=.
inline constexpr std::string_view kCapabilities =
    "IMAP4rev1 LITERAL+ ID IDLE NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN SPECIAL-USE";

}  // namespace imap
