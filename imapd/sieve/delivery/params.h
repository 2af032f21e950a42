// imapd/sieve/delivery/params.h - the main.cf parameters of sieve-delivery(8).
#pragma once

#include "imapd/account/userdb_params.h"
#include "imapd/sieve/scripts/params.h"

namespace sieve_delivery {

using namespace std::chrono_literals;

struct Params : account::UserdbParams<scripts::Params> {
    config::Param<int> process_limit{
        *this, "sieve_process_limit", 100, {.min = 1}, "How many processes run users' scripts at once."};
    config::Param<int> user_process_limit{
        *this, "sieve_user_process_limit", 4, {.min = 1}, "How many of them may work for one user."};
    config::Param<std::chrono::seconds> spare_process_time{*this, "sieve_spare_process_time", 30s, {.min = 1s},
        "How long a process waits for its user's next message before it ends."};
    config::Param<std::chrono::seconds> timeout{*this, "sieve_delivery_timeout", 60s, {.min = 5s},
        "How long one message may take, the disk included; then the process is ended and the message goes to the INBOX."};
    config::Param<std::chrono::seconds> why_retention{*this, "sieve_why_retention", 720h, {.min = 0s},
        "For how long mailadm sieve why can tell which rule filed a message; 0: not at all."};
};

}  // namespace sieve_delivery
