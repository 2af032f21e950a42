// imapd/login/params.h - the main.cf parameters of login(8).
#pragma once

#include "lib/config/common_params.h"

namespace login {

using namespace std::chrono_literals;

struct Params : config::HostParams {
    config::Param<config::List> tls_chain_files{*this, "login_tls_chain_files", "",
        "Private key and certificates in PEM, in one file or several; without them TLS is not offered."};
    config::Param<bool> tls_wrappermode{*this, "login_tls_wrappermode", false,
        "TLS from the first octet, as on port 993; set it with -o for that row of master.cf."};
    config::Param<bool> disable_plaintext_auth{*this, "disable_plaintext_auth", true,
        "Refuse passwords that could be read on the wire: without TLS only clients on this host may log in."};
    config::Param<std::string> greeting{
        *this, "login_greeting", "$mail_name ready.", {.min = 1}, "The words of the greeting."};
    config::Param<std::chrono::seconds> timeout{
        *this, "login_timeout", 180s, {.min = 10s, .max = 3600s}, "How long a client may take to log in, TLS included."};
    config::Param<int> attempt_limit{
        *this, "login_attempt_limit", 5, {.min = 1}, "Failed logins after which a connection is closed."};
    config::Param<int> command_limit{
        *this, "login_command_limit", 200, {.min = 10}, "Commands without a login after which a connection is closed."};
    config::Param<int> address_limit{*this, "login_connections_per_address", 100, {.min = 1},
        "Connections of one address that have not logged in yet; more are turned away. This host is not counted."};
    config::Param<std::string> auth_socket{*this, "login_auth_socket", "private/auth", {.min = 1},
        "The socket of the authentication service, below queue_directory; Dovecot's auth client protocol."};
    config::Param<std::string> protocol{*this, "login_protocol", "imap", {.min = 1},
        "What the clients speak: imap, or managesieve; set it with -o for that row of master.cf."};
    config::Param<std::string> managesieve_socket{*this, "login_managesieve_socket", "private/managesieve", {.min = 1},
        "The socket of managesieved, below queue_directory."};
    config::Param<int> sieve_max_redirects{
        *this, "sieve_max_redirects", 4, {.min = 0}, "How many redirects one script run may ask for; 0 forbids redirect."};
    bool managesieve() const { return protocol() == "managesieve"; }
    config::Param<std::string> imap_socket{
        *this, "login_imap_socket", "private/imap", {.min = 1}, "The socket of imapd, below queue_directory."};
    config::Param<std::chrono::seconds> relay_timeout{*this, "login_relay_timeout", 7200s, {.min = 1800s},
        "How long a TLS connection may be silent in both directions. Sessions end silent clients earlier."};
};

}  // namespace login
