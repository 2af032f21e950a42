// smtpd/params.h - the main.cf parameters that smtpd(8) reads.
#pragma once

#include "lib/config/common_params.h"

namespace smtpd {

struct Params : config::CommonParams {
    using Time = config::Param<std::chrono::seconds>;
    using Number = config::Param<int>;
    using Flag = config::Param<bool>;
    using Text = config::Param<std::string>;
    using List = config::Param<config::List>;

    Text banner{*this, "smtpd_banner", "$myhostname ESMTP $mail_name",
        "The text after the 220 in the greeting. The host name comes first (RFC 5321, 4.3.1)."};
    Time timeout{*this, "smtpd_timeout", "${stress?{10}:{300}}s", {.min = std::chrono::seconds(1)},
        "How long the server waits for the client to send a command, or to take a reply."};
    Number min_data_rate{*this, "smtpd_min_data_rate", 500, {.min = 1},
        "Octets per second that a client must reach while it sends a message, beyond a grace of smtpd_timeout."};
    Number line_limit{
        *this, "smtpd_command_length_limit", 2048, {.min = 512}, "The longest command line; a longer one ends the session."};

    Flag helo_required{*this, "smtpd_helo_required", false, "Refuse mail from clients that did not say HELO or EHLO."};
    Flag peername_lookup{
        *this, "smtpd_peername_lookup", true, "Look up the client's name. Without it every client is \"unknown\"."};
    Flag disable_vrfy_command{*this, "disable_vrfy_command", false, "Refuse VRFY altogether."};
    List discard_ehlo_keywords{*this, "smtpd_discard_ehlo_keywords", "",
        "Extensions that are not offered, such as chunking or starttls; case does not matter."};
    List noop_commands{*this, "smtpd_noop_commands", "", "Commands that are answered with 250 and do nothing."};
    List forbidden_commands{
        *this, "smtpd_forbidden_commands", "CONNECT GET POST", "Commands that no mail client sends; they end the session."};
    Text forbid_bare_newline{*this, "smtpd_forbid_bare_newline", "reject", {.min = 1},
        "What becomes of a message with a CR or LF that stands alone: reject, or no, which accepts it with each such "
        "LF made CR LF and each such CR a space. Postfix's yes and normalize count as no does: the end of the message is CR "
        "LF . CR LF "
        "in every case."};
    Number bare_newline_reject_code{
        *this, "smtpd_forbid_bare_newline_reject_code", 550, {.min = 400, .max = 599}, "The reply code for such a message."};

    Number soft_error_limit{*this, "smtpd_soft_error_limit", "${stress?{1}:{10}}", {.min = 1},
        "The number of errors after which each reply is delayed by smtpd_error_sleep_time."};
    Number hard_error_limit{*this, "smtpd_hard_error_limit", "${stress?{1}:{20}}", {.min = 1},
        "The number of error replies after which the server says 421 and disconnects."};
    Time error_sleep_time{*this, "smtpd_error_sleep_time", "1s", "The delay before a reply after many errors."};
    Number junk_command_limit{*this, "smtpd_junk_command_limit", "${stress?{1}:{100}}", {.min = 1},
        "NOOP, VRFY, RSET and the like that are free between two messages; each further one is an error."};
    Number recipient_limit{
        *this, "smtpd_recipient_limit", 1000, {.min = 1}, "Recipients per message. RFC 5321, 4.5.3.1.8 wants at least 100."};
    Number recipient_overshoot_limit{*this, "smtpd_recipient_overshoot_limit", 1000, {.min = 1},
        "Recipients beyond smtpd_recipient_limit that are refused without being counted as errors."};

    Text tls_security_level{*this, "smtpd_tls_security_level", "",
        "none (or empty): no TLS; may: offered; encrypt: nothing but EHLO, STARTTLS, NOOP and QUIT without it."};
    List tls_chain_files{
        *this, "smtpd_tls_chain_files", "", "PEM files with private key and certificates; stronger than the next two."};
    Text tls_cert_file{*this, "smtpd_tls_cert_file", "", "The PEM file with the server's certificate and its chain."};
    Text tls_key_file{*this, "smtpd_tls_key_file", "$smtpd_tls_cert_file", "The PEM file with the private key."};
    Flag tls_auth_only{*this, "smtpd_tls_auth_only", false, "Offer and accept AUTH only under TLS."};
    Flag tls_wrappermode{*this, "smtpd_tls_wrappermode", false, "TLS from the first octet on, as on port 465."};
    Flag tls_received_header{*this, "smtpd_tls_received_header", false, "Tell protocol and cipher in the Received line."};
    Time starttls_timeout{*this, "smtpd_starttls_timeout", "${stress?{10}:{300}}s", {.min = std::chrono::seconds(1)},
        "How long the whole TLS handshake may take."};

    Flag sasl_auth_enable{*this, "smtpd_sasl_auth_enable", false, "Offer AUTH."};
    Text sasl_type{*this, "smtpd_sasl_type", "dovecot", {.min = 1},
        "The protocol of the authentication service; dovecot, which our own auth(8) speaks too."};
    Text sasl_path{*this, "smtpd_sasl_path", "private/auth", {.min = 1},
        "The socket of the authentication service: a path, or inet:host:port."};
    List sasl_security_options{
        *this, "smtpd_sasl_security_options", "noanonymous", "Mechanisms that are not offered: noplaintext, noanonymous."};
    List sasl_tls_security_options{
        *this, "smtpd_sasl_tls_security_options", "$smtpd_sasl_security_options", "The same under TLS."};
    Flag sasl_authenticated_header{
        *this, "smtpd_sasl_authenticated_header", false, "Tell the login name in the Received line."};
    Text sasl_local_domain{*this, "smtpd_sasl_local_domain", "", "The realm told to the authentication service."};
    Flag broken_sasl_auth_clients{
        *this, "broken_sasl_auth_clients", false, "Repeat the AUTH line as AUTH=, for very old clients."};

    Flag delay_reject{*this, "smtpd_delay_reject", true,
        "Evaluate the client, helo and sender restrictions at RCPT, so that the log knows the recipient."};
    List client_restrictions{*this, "smtpd_client_restrictions", "", "Restrictions on the client itself."};
    List helo_restrictions{*this, "smtpd_helo_restrictions", "", "Restrictions on HELO and EHLO."};
    List sender_restrictions{*this, "smtpd_sender_restrictions", "", "Restrictions on MAIL FROM."};
    List relay_restrictions{*this, "smtpd_relay_restrictions",
        "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
        "Who may send to recipients that are not ours; evaluated before smtpd_recipient_restrictions."};
    List recipient_restrictions{*this, "smtpd_recipient_restrictions", "", "Restrictions on RCPT TO."};
    List data_restrictions{*this, "smtpd_data_restrictions", "", "Restrictions on DATA."};
    List end_of_data_restrictions{*this, "smtpd_end_of_data_restrictions", "", "Restrictions on the end of the message."};
    List restriction_classes{*this, "smtpd_restriction_classes", "",
        "Names of parameters that hold restrictions and may be used where a restriction may."};
    Flag reject_unlisted_recipient{*this, "smtpd_reject_unlisted_recipient", true,
        "Refuse recipients of our domains that do not exist, also where no restriction says so."};
    Flag reject_unlisted_sender{
        *this, "smtpd_reject_unlisted_sender", false, "Refuse senders of our domains that do not exist."};
    Flag allow_untrusted_routing{
        *this, "allow_untrusted_routing", false, "Relay user%there@here and its kin for clients that may not relay."};
    List local_header_rewrite_clients{*this, "local_header_rewrite_clients", "permit_inet_interfaces",
        "Clients whose messages get what their headers lack: permit_mynetworks, permit_sasl_authenticated, ..."};

    Number access_map_reject_code{
        *this, "access_map_reject_code", 554, {.min = 400, .max = 599}, "The code of REJECT in an access table."};
    Number access_map_defer_code{
        *this, "access_map_defer_code", 450, {.min = 400, .max = 499}, "The code of DEFER in an access table."};
    Number reject_code{*this, "reject_code", 554, {.min = 400, .max = 599}, "The code of \"reject\"."};
    Number maps_rbl_reject_code{*this, "maps_rbl_reject_code", 554, {.min = 400, .max = 599},
        "The code for clients and domains that a DNS list has (reject_rbl_client, reject_rhsbl_...)."};
    Number unknown_address_reject_code{*this, "unknown_address_reject_code", 450, {.min = 400, .max = 599},
        "The code of reject_unknown_sender_domain and reject_unknown_recipient_domain for domains that do not exist; while "
        "the DNS does not answer it is 450."};
    Number unknown_hostname_reject_code{*this, "unknown_hostname_reject_code", 450, {.min = 400, .max = 599},
        "The code of reject_unknown_helo_hostname for names that do not exist; while the DNS does not answer it is 450."};
    Number defer_code{*this, "defer_code", 450, {.min = 400, .max = 499}, "The code of \"defer\"."};
    Number relay_domains_reject_code{
        *this, "relay_domains_reject_code", 554, {.min = 400, .max = 599}, "The code of reject_unauth_destination."};
    Number non_fqdn_reject_code{
        *this, "non_fqdn_reject_code", 504, {.min = 400, .max = 599}, "The code of the reject_non_fqdn_ restrictions."};
    Number invalid_hostname_reject_code{
        *this, "invalid_hostname_reject_code", 501, {.min = 400, .max = 599}, "The code of reject_invalid_helo_hostname."};
    Number unknown_client_reject_code{
        *this, "unknown_client_reject_code", 450, {.min = 400, .max = 599}, "The code of reject_unknown_client_hostname."};
};

}  // namespace smtpd
