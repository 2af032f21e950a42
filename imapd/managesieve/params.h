// imapd/managesieve/params.h - the main.cf parameters of managesieved(8).
#pragma once

#include "imapd/sieve/scripts/params.h"

namespace managesieved {

using namespace std::chrono_literals;

struct Params : scripts::Params {
    config::Param<std::chrono::seconds> timeout{*this, "managesieve_timeout", 1800s, {.min = 60s},
        "How long a client may be silent before it is logged out (RFC 5804, 1.5 wants at least 30 minutes)."};
    config::Param<std::chrono::seconds> write_timeout{*this, "managesieve_write_timeout", 300s, {.min = 1s},
        "How long a client may refuse to take output before it is disconnected."};
    config::Param<int> process_limit{*this, "managesieve_process_limit", 1000, {.min = 1},
        "The most sessions at once; beyond it logins are refused for the moment."};
    config::Param<std::string> auth_master{*this, "managesieve_auth_socket", "private/auth-master", {.min = 1},
        "The socket where the user database is asked, below queue_directory; Dovecot's auth-master protocol."};
};

}  // namespace managesieved
