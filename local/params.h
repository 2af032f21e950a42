// local/params.h - the main.cf parameters of local(8).
#pragma once

#include "lib/config/common_params.h"

namespace local {

struct Params : config::CommonParams {
    config::Param<std::string> home_mailbox{*this, "home_mailbox", "Maildir/", {.min = 1},
        "The user's mailbox below the home directory; the slash at its end says that it is a Maildir, the only kind "
        "that is written here. Postfix's default is a file in /var/mail."};
};

}  // namespace local
