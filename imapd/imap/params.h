// imapd/imap/params.h - the main.cf parameters of imapd(8).
#pragma once

#include "imapd/sieve/scripts/params.h"

namespace imapd {

using namespace std::chrono_literals;

struct Params : scripts::Params {
    config::Param<std::chrono::seconds> autologout{*this, "imap_autologout_timeout", 1800s, {.min = 60s},
        "How long a client may be silent outside IDLE before it is logged out."};
    config::Param<std::chrono::seconds> write_timeout{*this, "imap_write_timeout", 300s, {.min = 1s},
        "How long a client may refuse to take output before it is disconnected."};
    config::Param<std::chrono::seconds> idle_notify_interval{*this, "imap_idle_notify_interval", 120s, {.min = 1s},
        "How often a client in IDLE is told that the server is still there."};
    config::Param<std::chrono::seconds> idle_poll_interval{*this, "imap_idle_poll_interval", 10s, {.min = 1s},
        "How often the mailbox of a client in IDLE is looked at where the system has no inotify instance left."};
    config::Param<int> max_command{*this, "imap_max_command_size", 1048576, {.min = 8192},
        "The longest command in bytes, literals included, except for the message of APPEND."};
    config::Param<std::int64_t> max_message{
        *this, "imap_append_size_limit", 1073741824, {.min = 1024}, "The largest message in bytes that APPEND takes."};
    config::Param<int> process_limit{*this, "imap_process_limit", 10000, {.min = 1},
        "The most sessions at once; beyond it logins are refused for the moment."};
    config::Param<int> spare_process_limit{*this, "imap_spare_process_limit", 100, {.min = 0},
        "How many session processes may stay without a client, so that the next connection of the same user needs no new "
        "process. 0: each connection gets a fresh one."};
    config::Param<std::chrono::seconds> spare_process_time{
        *this, "imap_spare_process_time", 30s, {.min = 1s}, "How long such a process waits for its user's next connection."};
    config::Param<config::List> sieve_scripts{*this, "imap_sieve_scripts", "",
        "Scripts that are run when a client puts messages into a mailbox or changes flags there, each { MAILBOX CAUSE,... "
        "PATH }. "
        "CAUSE is APPEND, COPY (MOVE too) or FLAG; MAILBOX * is any; from=MAILBOX before the path of a COPY means only out "
        "of that "
        "one. A name with a blank is in braces too."};
    config::Param<std::string> auth_master{*this, "imap_auth_socket", "private/auth-master", {.min = 1},
        "The socket where the user database is asked, below queue_directory; Dovecot's auth-master protocol."};
};

}  // namespace imapd
