#include "master/tools/malleposte/templates.h"

#include <fmt/format.h>

namespace malleposte {

std::string main_cf_text(const InstanceFacts& f) {
    std::string owner = f.root ? fmt::format("mail_owner = {}\nnetwork_owner = {}\nsecrets_owner = {}\nsetgid_group = {}\n",
                                     f.owner, f.network_owner, f.secrets_owner, f.group)
                               : "";
    return fmt::format(
        R"(# A private mail host for {domain}, on the loopback interface only. See postconf(5).
compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
maillog_file = {dir}/log/mail.log
maillog_file_prefixes = {dir}
{owner}
myhostname = mail.{domain}
mydomain = {domain}
myorigin = {domain}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8

# Users of this host get no mail here; those of the domain have their mailboxes behind LMTP.
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = lmdb:{dir}/etc/mailboxes
virtual_transport = lmtp:unix:private/mailbox-lmtp

# TLS with a certificate that init made itself.
smtpd_tls_security_level = may
smtpd_tls_chain_files = {dir}/etc/key.pem, {dir}/etc/cert.pem
smtpd_tls_received_header = yes

# The mailbox side. `mailadm user` keeps the two files in step.
auth_passwd_file = {dir}/etc/users
auth_default_domain = {domain}
mailadm_mailbox_map = {dir}/etc/mailboxes
auth_default_home = {dir}/mail/%n
mail_location = maildir:~/Maildir
login_tls_chain_files = {dir}/etc/key.pem, {dir}/etc/cert.pem
)",
        fmt::arg("domain", f.domain), fmt::arg("dir", f.directory), fmt::arg("owner", owner));
}

std::string master_cf_text(const InstanceFacts& f) {
    auto port = [&](int standard) { return fmt::format("127.0.0.1:{}", f.port_base + standard); };
    // The columns of those that talk to strangers: unprivileged and confined, where root can arrange that.
    return fmt::format(
        R"(# service               type  private unpriv chroot wakeup maxproc command + args      (master(5))
{smtp:<22}  inet  n       -      y      -      -       smtpd
{submission:<22}  inet  n       -      y      -      -       smtpd
  -o syslog_name=malleposte/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
{submissions:<22}  inet  n       -      y      -      -       smtpd
  -o syslog_name=malleposte/submissions
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
{lmtp:<22}  inet  n       -      y      -      -       lmtpd
{imap:<22}  inet  n       -      y      -      -       login
{imaps:<22}  inet  n       -      y      -      -       login
  -o login_tls_wrappermode=yes
pickup                  unix  n       -      n      60     1       pickup
cleanup                 unix  n       -      n      -      0       cleanup
signer                  unix  -       -      y      -      1       signer
dmarc-report            unix  -       -      n      3600   1       dmarc-report
qmgr                    unix  n       -      n      300    1       qmgr
bounce                  unix  -       -      n      -      0       bounce
defer                   unix  -       -      n      -      0       bounce
trace                   unix  -       -      n      -      0       bounce
showq                   unix  n       -      n      -      -       showq
error                   unix  -       -      y      -      -       error
retry                   unix  -       -      y      -      -       error
discard                 unix  -       -      y      -      -       discard
local                   unix  -       n      n      -      -       local
virtual                 unix  -       n      n      -      -       virtual
lmtp                    unix  -       -      y      -      -       lmtp
smtp                    unix  -       -      y      -      -       smtp
relay                   unix  -       -      y      -      -       smtp
auth                    unix  -       -      n      5      1       auth
imap                    unix  -       n      n      -      1       imapd
mailbox-lmtp            unix  -       -      y      -      -       lmtpd
lmtp-store              unix  -       n      n      -      1       lmtp-store
sieve                   unix  -       n      n      -      1       sieve-delivery
{sieve:<22}  inet  n       -      y      -      -       login
  -o login_protocol=managesieve
managesieve             unix  -       n      n      -      1       managesieved
)",
        fmt::arg("smtp", port(25)), fmt::arg("submission", port(587)), fmt::arg("submissions", port(465)),
        fmt::arg("lmtp", port(24)), fmt::arg("imap", port(143)), fmt::arg("imaps", port(993)),
        fmt::arg("sieve", port(4190)));
}

}  // namespace malleposte
