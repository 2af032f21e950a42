// lib/store/account.h - one user's mailboxes, whatever holds them.
//
//     auto account = store::open_account({.location = "maildir:/home/alice/Maildir", .separator = '.'});
//     auto mailbox = (*account)->open("INBOX");
//
// Names are IMAP's: modified UTF-7, levels divided by the separator, INBOX in capitals.
//
// Failure     every call gives a Failure that names the mailbox; nothing here throws or logs.
// Threads     an account may be used by several threads; a Mailbox by one at a time.
// Trust       names come from strangers, files may have been made by any program of the user: nothing is
//             opened through a link, and no name leads out of the user's mail.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/store/failure.h"
#include "lib/store/mailbox.h"

namespace store {

struct AccountSettings {
    std::string location;  // see storage.h; in it a path is absolute
    char separator = '.';
};

class Account {
  public:
    virtual ~Account() = default;

    virtual char separator() const = 0;

    // Every mailbox that can be selected, INBOX first, then by name.
    virtual Result<std::vector<std::string>> list() = 0;

    virtual Result<std::unique_ptr<Mailbox>> open(std::string_view name) = 0;
    virtual Result<void> create(std::string_view name) = 0;
    virtual Result<void> remove(std::string_view name) = 0;

    // Children move along; renaming INBOX moves its messages into a new mailbox.
    virtual Result<void> rename(std::string_view from, std::string_view to) = 0;

    virtual Result<std::vector<std::string>> subscriptions() = 0;
    virtual Result<void> subscribe(std::string_view name, bool wanted) = 0;

    // Closes what costs memory while nothing happens; it opens again by itself.
    virtual void rest() = 0;
};

Result<std::shared_ptr<Account>> open_account(const AccountSettings& settings);

}  // namespace store
