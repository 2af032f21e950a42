// imapd/account/script_params.h - the main.cf parameters that say which Sieve scripts there are for a user.
#pragma once

#include "imapd/account/mailbox_params.h"

namespace account {

struct ScriptParams : MailboxParams {
    config::Param<std::string> directory{*this, "sieve_directory", "~/sieve", {.min = 1},
        "Where a user's scripts are, NAME.sieve each, as with Dovecot; ~ and %h are the home directory, %u the user name, "
        "%n and %d its parts before and after the @."};
    config::Param<std::string> active{*this, "sieve_active", "~/.dovecot.sieve", {.min = 1},
        "The link to the script that is run at delivery. A file in its place is run as well."};
    config::Param<std::string> default_script{*this, "sieve_default", "",
        "The script that is run for a user who has none of his own; the same % letters may be used."};
    config::Param<config::List> before{*this, "sieve_before", "",
        "Scripts that are run before the user's, in this order: files, or directories whose *.sieve files are run by name. "
        "Each is run only if the one before it ended with a keep."};
    config::Param<config::List> after{
        *this, "sieve_after", "", "Scripts that are run after the user's, as with sieve_before."};
};

}  // namespace account
