// lib/store/maildir/directory_name.h - Maildir++: which directory below the root is which mailbox.
//
// `.A.B` is A.B, with the account's separator between the levels; "." is INBOX. The encoding is one to one.
//
// Standards   RFC 3501, 5.1 and 5.1.3 (modified UTF-7)
// Failure     directory_of() throws ThrownFailure bad_name for every name that is not a legal one.
// Trust       names come from strangers: no character that could lead elsewhere is let in.
#pragma once

#include <string>
#include <string_view>

namespace store {

inline constexpr std::size_t kMaxDirectoryName = 240;

std::string directory_of(std::string_view name, char separator);
std::string name_of(std::string_view directory, char separator);

}  // namespace store
