// imapd/account/mailbox_params.h - the main.cf parameters of every program that opens a user's mailboxes.
#pragma once

#include "lib/config/common_params.h"

namespace account {

struct MailboxParams : config::CommonParams {
    config::Param<std::string> mail_location{*this, "mail_location", "maildir:~/Maildir", {.min = 1},
        "Where a user's mail is, unless the user database says mail=: maildir:PATH, where ~ and %h are the home "
        "directory, %u the user name, %n and %d its parts before and after the @."};
    config::Param<int> first_valid_uid{*this, "first_valid_uid", 500, {.min = 1},
        "The lowest user id that a mail user may have: for one with a lower id no mail is written, no script run and no "
        "session begun."};
    config::Param<std::string> hierarchy_separator{*this, "imap_hierarchy_separator", ".", {.min = 1, .max = 1},
        "What divides the levels of a mailbox name for clients. In the file system it is always a dot."};
    config::Param<config::List> drafts{*this, "imap_drafts_mailboxes", "Drafts", "Mailboxes that LIST marks as \\Drafts."};
    config::Param<config::List> sent{*this, "imap_sent_mailboxes", "Sent", "Mailboxes that LIST marks as \\Sent."};
    config::Param<config::List> trash{*this, "imap_trash_mailboxes", "Trash", "Mailboxes that LIST marks as \\Trash."};
    config::Param<config::List> junk{*this, "imap_junk_mailboxes", "Junk", "Mailboxes that LIST marks as \\Junk."};
    config::Param<config::List> archive{
        *this, "imap_archive_mailboxes", "Archive", "Mailboxes that LIST marks as \\Archive."};
    config::Param<config::List> flagged{*this, "imap_flagged_mailboxes", "", "Mailboxes that LIST marks as \\Flagged."};

    // Mailbox name and attribute, of every mailbox named above.
    std::vector<std::pair<std::string, std::string>> special_uses() const {
        std::vector<std::pair<std::string, std::string>> uses;
        auto add = [&uses](const config::List& names, const char* attribute) {
            for (const std::string& name : names)
                uses.emplace_back(name, attribute);
        };
        add(drafts(), "\\Drafts");
        add(sent(), "\\Sent");
        add(trash(), "\\Trash");
        add(junk(), "\\Junk");
        add(archive(), "\\Archive");
        add(flagged(), "\\Flagged");
        return uses;
    }
};

}  // namespace account
