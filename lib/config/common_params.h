// lib/config/common_params.h - the parameters that more than one program reads.
//
// A program's own set derives from this one, so that one load() reads both:
//     struct Params : config::CommonParams { ... };
// Defaults are those of postconf(5) at compatibility_level 3.6, except where the sentence says otherwise.
#pragma once

#include "lib/config/param.h"
#include "lib/config/place.h"

namespace config {

// Who and where this host is, and how its programs run.
struct HostParams : ParamSet {
    // Out of line, so that not every program and test compiles them.
    HostParams();
    ~HostParams();
    Param<std::string> compatibility_level{*this, "compatibility_level", "3.6",
        "The Postfix version whose defaults apply. Levels below 3.6 bring back older, laxer defaults."};
    Param<std::string> mail_name{*this, "mail_name", "Malleposte", {.min = 1},
        "The name of the mail system in greetings, Received lines and bounce messages."};
    Param<std::string> mail_version{*this, "mail_version", "0.1.0", "The version of the mail system."};
    Param<std::string> myhostname{*this, "myhostname", &derive_myhostname, {.min = 1},
        "The fully qualified name of this host; what gethostname(2) gives, completed with $mydomain."};
    Param<std::string> mydomain{
        *this, "mydomain", &derive_mydomain, {.min = 1}, "The domain of this host; $myhostname without its first label."};
    Param<std::string> myorigin{*this, "myorigin", "$myhostname", {.min = 1},
        "The domain that addresses without a domain get, local mail first of all. A value that begins with / names "
        "a file that holds the domain."};
    Param<List> inet_interfaces{*this, "inet_interfaces", "all", {.min = 1},
        "The addresses on which mail is received: all, loopback-only, or host names and addresses."};
    Param<List> inet_protocols{
        *this, "inet_protocols", "all", {.min = 1}, "The protocols that are used for connections: all, ipv4, ipv6."};
    Param<List> proxy_interfaces{*this, "proxy_interfaces", "",
        "Addresses on which mail for this host arrives by way of a proxy or address translation."};

    Param<std::string> config_directory{*this, "config_directory", "", "Where main.cf and master.cf are."};
    Param<std::string> queue_directory{*this, "queue_directory", "/var/spool/malleposte", {.min = 1},
        "The spool; the programs run in it, and those that are confined see nothing else."};
    Param<std::string> data_directory{*this, "data_directory", "/var/lib/malleposte", {.min = 1},
        "Where daemons keep data of their own, writable for mail_owner."};
    Param<std::string> daemon_directory{*this, "daemon_directory", &derive_daemon_directory, {.min = 1},
        "Where the daemons are; found beside the running program unless set."};
    Param<std::string> command_directory{*this, "command_directory", &derive_command_directory, {.min = 1},
        "Where the administrator's commands are; found beside the running program unless set."};
    Param<std::string> mail_owner{*this, "mail_owner", "malleposte", {.min = 1},
        "The user that owns the queue and most processes. Nothing else may run as this user."};
    Param<std::string> network_owner{*this, "network_owner", "malleposte-net", {.min = 1},
        "The user as which smtpd, login, lmtpd, lmtp and smtp run, which talk to strangers. It owns no file, and nothing "
        "else may run as this user."};
    Param<std::string> secrets_owner{*this, "secrets_owner", "malleposte-auth", {.min = 1},
        "The user as which auth and signer run, which hold passwords and private keys. It owns auth_passwd_file; nothing "
        "else may run as this user."};
    Param<List> authorized_peer_users{*this, "authorized_peer_users", "",
        "Users of other software that may connect to the sockets in private/ and public/, beside the suite's own that the "
        "table in malleposte-security(7) names. Best set for one service with -o in master.cf, as when Postfix asks auth."};
    Param<std::string> setgid_group{*this, "setgid_group", "postdrop", {.min = 1},
        "The group that may hand in mail and reach the queue's public sockets through set-gid commands."};
    Param<std::string> default_privs{*this, "default_privs", "nobody", {.min = 1},
        "The user whose rights local delivery uses for commands and files that no user owns."};
    Param<std::string> default_database_type{*this, "default_database_type", "lmdb", {.min = 1},
        "The table type that postmap and postalias write when none is named. hash and btree are other names for it."};

    Param<std::string> maillog_file{
        *this, "maillog_file", "", "The file that gets the log instead of syslog; /dev/stdout for a foreground process."};
    Param<List> maillog_file_prefixes{
        *this, "maillog_file_prefixes", "/var, /dev/stdout", "The folders below which maillog_file may be."};
    Param<std::string> syslog_name{*this, "syslog_name", "${multi_instance_name?{$multi_instance_name}:{malleposte}}",
        "The name in front of the program in every log line. Set it to postfix for log readers that insist."};
    Param<std::string> syslog_facility{*this, "syslog_facility", "mail", {.min = 1}, "The syslog facility of the log."};
    Param<std::string> multi_instance_name{
        *this, "multi_instance_name", "", "The name of this instance, where one host runs several."};
    Param<std::string> service_name{*this, "service_name", "",
        "The name in master.cf under which this program was started. Set by the program, not by main.cf."};
    Param<std::string> stress{
        *this, "stress", "", "Not empty while all processes of a service are busy; meant for ${stress?{...}:{...}}."};

    Param<int> default_process_limit{
        *this, "default_process_limit", 100, {.min = 1}, "The most processes of one service, where master.cf says \"-\"."};
    Param<int> max_use{*this, "max_use", 100000, {.min = 1},
        "Clients that a process serves before it makes room for a fresh one. Higher than Postfix's 100, because a "
        "process serves many clients at once."};
    Param<int> client_limit{*this, "client_limit", 1000, {.min = 1},
        "Clients that one process serves at once. 1 isolates clients from each other, one process each; best set "
        "for one service with -o in master.cf."};
    Param<std::chrono::seconds> max_idle{*this, "max_idle", "100s", {.min = std::chrono::seconds(1)},
        "How long a process waits for its next client before it ends."};
    Param<std::chrono::seconds> daemon_timeout{*this, "daemon_timeout", "18000s", {.min = std::chrono::seconds(1)},
        "The longest that one request may occupy a process."};
    Param<std::chrono::seconds> ipc_timeout{*this, "ipc_timeout", "3600s", {.min = std::chrono::seconds(1)},
        "How long a process waits for another one of the suite."};
    Param<std::chrono::seconds> ipc_idle{*this, "ipc_idle", "5s", {.min = std::chrono::seconds(1)},
        "How long an unused connection to another process is kept."};
    Param<std::chrono::seconds> service_throttle_time{*this, "service_throttle_time", "60s",
        {.min = std::chrono::seconds(1)}, "The pause before a process that died at once is started again."};
    Param<List> import_environment{*this, "import_environment",
        "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C",
        "The environment variables that the daemons take over; name=value sets one."};
    Param<List> export_environment{*this, "export_environment", "TZ MAIL_CONFIG LANG",
        "The environment variables that commands outside the suite get."};

    Param<std::int64_t> message_size_limit{*this, "message_size_limit", 10240000, {.min = 0},
        "The largest message in bytes, envelope included; 0 for no limit."};
    Param<std::int64_t> mailbox_size_limit{*this, "mailbox_size_limit", 51200000, {.min = 0},
        "The largest single mailbox file that local delivery writes; 0 for no limit."};
    Param<int> line_length_limit{*this, "line_length_limit", 2048, {.min = 512},
        "The longest line that is handled in one piece; longer ones are handled in parts of this size."};
    Param<int> header_size_limit{
        *this, "header_size_limit", 102400, {.min = 1}, "The most bytes of one header field; what is beyond is dropped."};
    Param<int> hopcount_limit{
        *this, "hopcount_limit", 50, {.min = 1}, "The most Received lines of a message before it counts as looping."};
    Param<bool> enable_long_queue_ids{
        *this, "enable_long_queue_ids", false, "Long queue IDs, which sort by time; either form is never used twice."};
    Param<bool> soft_bounce{*this, "soft_bounce", false,
        "Turns every permanent failure into \"try later\", while a new configuration is tried out."};
    Param<bool> smtputf8_enable{*this, "smtputf8_enable", "${{$compatibility_level} <level {1} ? {no} : {yes}}",
        "Addresses and headers in UTF-8 (RFC 6531)."};
};

// Which domains are ours, who their users are, and where their mail goes.
struct CommonParams : HostParams {
    CommonParams();
    ~CommonParams();
    Param<List> mydestination{*this, "mydestination", "$myhostname, localhost.$mydomain, localhost",
        "The domains delivered with local_transport to users of this host."};
    Param<List> mynetworks{*this, "mynetworks", &derive_mynetworks,
        "The client networks that may relay through this host; computed from mynetworks_style unless set."};
    Param<std::string> mynetworks_style{*this, "mynetworks_style",
        "${{$compatibility_level} <level {2} ? {subnet} : {host}}", {.min = 1},
        "What mynetworks is by itself: host (this host only), subnet (its networks), class (its A, B, C networks)."};
    Param<std::string> recipient_delimiter{*this, "recipient_delimiter", "",
        "The characters that may separate a user name from its extension, as in user+extension."};
    Param<bool> owner_request_special{*this, "owner_request_special", true,
        "owner-list and list-request are whole names, also where \"-\" is a recipient_delimiter."};
    Param<List> parent_domain_matches_subdomains{*this, "parent_domain_matches_subdomains",
        "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,qmqpd_authorized_clients,"
        "relay_domains,smtpd_access_maps",
        "The lists in which example.test also stands for its subdomains; elsewhere that is written .example.test."};
    Param<std::string> double_bounce_sender{*this, "double_bounce_sender", "double-bounce", {.min = 1},
        "The sender of reports about undeliverable reports; mail to it is thrown away."};
    Param<std::string> empty_address_recipient{
        *this, "empty_address_recipient", "MAILER-DAEMON", {.min = 1}, "Who gets mail for the recipient <>."};
    Param<bool> strict_rfc821_envelopes{*this, "strict_rfc821_envelopes", false,
        "Refuse MAIL FROM and RCPT TO addresses without <> or with comments and phrases around them."};
    Param<bool> resolve_dequoted_address{*this, "resolve_dequoted_address", true,
        "Look for @, % and ! inside a quoted local part too, as a next hop would. Without it, \"a@b\"@here is ours."};
    Param<bool> resolve_null_domain{
        *this, "resolve_null_domain", false, "Treat user@ as a local user instead of as a mistake."};
    Param<bool> resolve_numeric_domain{*this, "resolve_numeric_domain", false, "Treat user@1.2.3.4 as user@[1.2.3.4]."};
    Param<bool> allow_percent_hack{
        *this, "allow_percent_hack", true, "Rewrite user%domain to user@domain in addresses without a domain."};
    Param<bool> swap_bangpath{*this, "swap_bangpath", true, "Rewrite site!user to user@site in addresses without a domain."};
    Param<bool> append_at_myorigin{*this, "append_at_myorigin", true,
        "Complete user to user@$myorigin. Turning it off breaks what depends on whole addresses."};
    Param<bool> append_dot_mydomain{*this, "append_dot_mydomain", "${{$compatibility_level} <level {1} ? {yes} : {no}}",
        "Complete user@host to user@host.$mydomain."};
    Param<std::string> remote_header_rewrite_domain{*this, "remote_header_rewrite_domain", "",
        "The domain that completes header addresses in mail of other hosts; empty leaves them alone."};

    Param<List> local_recipient_maps{*this, "local_recipient_maps", "proxy:unix:passwd.byname $alias_maps",
        "The tables with all users of mydestination; others are refused. Empty: everybody is accepted."};
    Param<List> alias_maps{
        *this, "alias_maps", "$default_database_type:/etc/aliases", "The alias tables of local delivery."};
    Param<List> alias_database{
        *this, "alias_database", "$default_database_type:/etc/aliases", "The alias tables that newaliases rebuilds."};
    Param<List> relay_domains{*this, "relay_domains", "${{$compatibility_level} <level {2} ? {$mydestination} : {}}",
        "The domains for which mail is accepted and passed on to another host."};
    Param<List> relay_recipient_maps{*this, "relay_recipient_maps", "",
        "The tables with all recipients of relay_domains; others are refused. Empty: everybody is accepted."};
    Param<List> virtual_alias_maps{*this, "virtual_alias_maps", "$virtual_maps",
        "The tables that turn a recipient into others, on this host or elsewhere."};
    Param<List> virtual_maps{*this, "virtual_maps", "", "The old name of virtual_alias_maps, which refers to it."};
    Param<List> virtual_alias_domains{*this, "virtual_alias_domains", "$virtual_alias_maps",
        "The domains whose addresses exist only in virtual_alias_maps."};
    Param<int> virtual_alias_expansion_limit{
        *this, "virtual_alias_expansion_limit", 1000, {.min = 1}, "The most recipients that one address may turn into."};
    Param<int> virtual_alias_recursion_limit{*this, "virtual_alias_recursion_limit", 1000, {.min = 1},
        "How often the result of virtual_alias_maps may be looked up again."};
    Param<int> virtual_alias_address_length_limit{*this, "virtual_alias_address_length_limit", 1000, {.min = 1},
        "The longest address that virtual_alias_maps may produce."};
    Param<List> virtual_mailbox_domains{*this, "virtual_mailbox_domains", "$virtual_mailbox_maps",
        "The domains delivered with virtual_transport to users who need no account on this host."};
    Param<List> virtual_mailbox_maps{*this, "virtual_mailbox_maps", "",
        "The tables with all users of virtual_mailbox_domains and their mailboxes; others are refused."};
    Param<List> propagate_unmatched_extensions{*this, "propagate_unmatched_extensions", "canonical, virtual",
        "The mappings that append the extension of user+extension to what they found for user."};

    Param<std::string> local_transport{*this, "local_transport", "local:$myhostname", {.min = 1},
        "How mail for mydestination is delivered, as transport or transport:nexthop."};
    Param<std::string> virtual_transport{
        *this, "virtual_transport", "virtual", {.min = 1}, "How mail for virtual_mailbox_domains is delivered."};
    Param<std::string> relay_transport{
        *this, "relay_transport", "relay", {.min = 1}, "How mail for relay_domains is delivered."};
    Param<std::string> default_transport{
        *this, "default_transport", "smtp", {.min = 1}, "How mail for all other domains is delivered."};
    Param<std::string> relayhost{*this, "relayhost", "",
        "The host that takes all mail for other domains; [host]:port, where [ ] means no MX lookup."};
    Param<List> transport_maps{*this, "transport_maps", "",
        "The tables that choose transport and next hop by recipient; stronger than everything else."};
    Param<List> sender_dependent_relayhost_maps{
        *this, "sender_dependent_relayhost_maps", "", "The tables that choose another relayhost by sender."};
    Param<List> sender_dependent_default_transport_maps{
        *this, "sender_dependent_default_transport_maps", "", "The tables that choose another default_transport by sender."};
    Param<std::string> empty_address_relayhost_maps_lookup_key{*this, "empty_address_relayhost_maps_lookup_key", "<>",
        "What sender_dependent_relayhost_maps is asked for the null sender."};
    Param<std::string> empty_address_default_transport_maps_lookup_key{*this,
        "empty_address_default_transport_maps_lookup_key", "<>",
        "What sender_dependent_default_transport_maps is asked for the null sender."};

    Param<bool> show_user_unknown_table_name{
        *this, "show_user_unknown_table_name", true, "Name the kind of table in \"User unknown\" replies."};
    Param<int> unknown_local_recipient_reject_code{*this, "unknown_local_recipient_reject_code", 550,
        {.min = 400, .max = 599}, "The reply for a recipient that is not in local_recipient_maps."};
    Param<int> unknown_relay_recipient_reject_code{*this, "unknown_relay_recipient_reject_code", 550,
        {.min = 400, .max = 599}, "The reply for a recipient that is not in relay_recipient_maps."};
    Param<int> unknown_virtual_alias_reject_code{*this, "unknown_virtual_alias_reject_code", 550, {.min = 400, .max = 599},
        "The reply for a recipient that is not in virtual_alias_maps."};
    Param<int> unknown_virtual_mailbox_reject_code{*this, "unknown_virtual_mailbox_reject_code", 550,
        {.min = 400, .max = 599}, "The reply for a recipient that is not in virtual_mailbox_maps."};
};

}  // namespace config
