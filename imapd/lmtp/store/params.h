// imapd/lmtp/store/params.h - the main.cf parameters of lmtp-store(8).
#pragma once

#include "imapd/account/script_params.h"
#include "imapd/account/userdb_params.h"

namespace lmtp_store {

struct Params : account::UserdbParams<account::ScriptParams> {
    config::Param<bool> save_to_detail_mailbox{*this, "lmtp_save_to_detail_mailbox", false,
        "Deliver user+name@domain into the mailbox of that name, where there is one."};
    config::Param<int> threads{*this, "lmtp_store_threads", 32, {.min = 1, .max = 1000},
        "Deliveries that are written at once; they mostly wait for the disk."};
    config::Param<std::string> sieve_socket{*this, "lmtp_sieve_socket", "private/sieve",
        "The socket of sieve-delivery, which gets the messages of users who have a Sieve script. Empty: scripts are not "
        "run."};
};

}  // namespace lmtp_store
