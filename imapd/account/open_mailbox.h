// imapd/account/open_mailbox.h - opens a mailbox that a rule of the user files into, and makes it where the rule says so.
//
// Failure     as store::Account::open() and create(). That a new mailbox cannot be subscribed is a warning in the log.
// Rights      the user's.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "lib/store/account.h"

namespace account {

enum class IfMissing { fail, make };

struct OpenFailure : store::Failure {
    bool there_is_none = false;  // no such mailbox, no name for one, or it could not be made; else it cannot be read now
};

// Another process that makes the same mailbox at the same moment is no trouble.
std::expected<std::unique_ptr<store::Mailbox>, OpenFailure> open_mailbox(
    store::Account& account, const std::string& name, IfMissing if_missing);

}  // namespace account
