// imapd/auth/params.h - the main.cf parameters of auth(8), some of which mailadm reads too.
#pragma once

#include "lib/config/common_params.h"

namespace auth {

using namespace std::chrono_literals;

struct Params : config::HostParams {
    config::Param<std::string> passwd_file{*this, "auth_passwd_file", "$config_directory/users", {.min = 1},
        "The users and their passwords: user[@domain]:{SCHEME}hash:uid:gid:gecos:home:shell:extra, as Dovecot's "
        "passwd-file."};
    config::Param<std::string> default_domain{*this, "auth_default_domain", "$mydomain",
        "The domain of a user who logs in without one; user@domain may then be written either way."};
    config::Param<config::List> mechanisms{
        *this, "auth_mechanisms", "plain login", {.min = 1}, "The SASL mechanisms that are offered: plain, login."};
    config::Param<std::string> default_scheme{*this, "auth_default_scheme", "CRYPT", {.min = 1},
        "The scheme of a password in the file that has no {SCHEME} in front."};
    config::Param<std::string> username_chars{*this, "auth_username_chars",
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@+",
        "The characters that a user name may have; empty allows all but control characters."};
    config::Param<std::string> default_uid{*this, "auth_default_uid", "",
        "The user, by name or number, whose rights mailboxes are opened with where the file has no uid. Empty: such "
        "users cannot be served, except where everything runs as one user."};
    config::Param<std::string> default_gid{
        *this, "auth_default_gid", "", "The group, by name or number, where the file has no gid."};
    config::Param<std::string> default_home{*this, "auth_default_home", "",
        "The home directory where the file has none, and of new users; %u is the user name, %n and %d its parts before and "
        "after the @."};
    config::Param<std::chrono::seconds> failure_delay{
        *this, "auth_failure_delay", 2s, {.max = 60s}, "How long after the attempt a failure is told, whatever its reason."};
    config::Param<std::chrono::seconds> cache_ttl{*this, "auth_cache_ttl", 3600s, {.min = 0s},
        "How long a password that was right once is known to be right without computing its hash again; a changed "
        "file ends it at once. 0 for never."};
    config::Param<int> hash_threads{
        *this, "auth_hash_threads", 4, {.min = 1, .max = 64}, "How many passwords are hashed at the same time."};
    config::Param<std::string> master_socket{*this, "auth_master_socket", "private/auth-master",
        "Where the programs that open mailboxes ask about users, below queue_directory. Empty for a second auth "
        "service, such as one on a TCP port for smtpd on another host."};
};

}  // namespace auth
