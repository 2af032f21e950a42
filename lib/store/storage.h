// lib/store/storage.h - the kinds of storage that mail can lie in, one row each, and which one a mail_location names.
//
//     maildir:/home/alice/Maildir
//     `-kind-´`------ path -----´
//
// This is the one place that knows what kinds there are. A new one is a folder beside maildir/, with its Account, and a row
// in storage.cc; nothing above lib/store is to notice.
//
// Failure     parse_location() says what is wrong in words for an administrator.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "lib/event/fd.h"
#include "lib/store/account.h"

namespace store {

struct Storage {
    std::string_view kind;
    std::shared_ptr<Account> (*open)(const std::string& path, char separator);  // throws ThrownFailure
};

struct Location {
    const Storage* storage = nullptr;
    std::string path;  // absolute, or beginning with ~, or with % in it: whatever the text says

    std::string text() const { return std::string(storage->kind) + ":" + path; }
};

// "maildir:PATH", with Dovecot's options behind a further colon left out; a path alone is of the first kind.
std::expected<Location, std::string> parse_location(std::string_view text);

// A directory of the user's on the file system of this mail, for what has no other place. Empty if there is none.
std::string directory_beside(std::string_view location);

// A file without a name, for a message that waits: there, or in memory. No descriptor, and errno, if neither can be had.
event::Fd scratch_file(std::string_view location);

}  // namespace store
