// imapd/account/userdb_params.h - the main.cf parameters of who asks auth about the recipients of mail.
//
//     struct Params : account::UserdbParams<account::ScriptParams> { ... };
#pragma once

#include "lib/config/param.h"

namespace account {

template <class Base>
struct UserdbParams : Base {
    config::Param<std::string> userdb_socket{
        *this, "userdb_socket", "private/auth-master", {.min = 1}, "The socket where auth says who a mail user is."};
};

}  // namespace account
