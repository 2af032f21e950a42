"""Each half with the other product's other half: Debian's Postfix before our mailbox daemon, Debian's Dovecot behind
our SMTP side. Private instances of both, on loopback."""

import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import unittest

from instance import Instance, Ports, skip, wait_until
from ledger import port_answers

POSTFIX = "/usr/sbin/postfix"
DOVECOT = "/usr/sbin/dovecot"


def write(path, text, mode=0o644):
    with open(path, "w") as out:
        out.write(text)
    os.chmod(path, mode)


class PostfixBefore(unittest.TestCase):
    """Postfix takes mail and authenticates at our auth socket; our LMTP port gets the mail."""

    def setUp(self):
        if not os.path.exists(POSTFIX):
            self.skipTest("postfix is not installed")
        self.ports = Ports()
        self.port = self.ports.one()

    def tearDown(self):
        self.ports.release()

    def configure(self, mail):
        directory = mail.path("postfix")
        for folder in ("", "/etc", "/queue", "/data"):
            os.makedirs(directory + folder, exist_ok=True)
        shutil.chown(directory + "/data", "postfix")
        write(directory + "/etc/main.cf", f"""compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = {mail.path('log')}/postfix.log
maillog_file_prefixes = {mail.dir}
myhostname = postfix.example.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
alias_maps =
alias_database =
virtual_mailbox_domains = example.test
virtual_mailbox_maps = inline:{{ {{alice@example.test=x}} }}
virtual_transport = lmtp:inet:127.0.0.1:{mail.port['lmtp']}
smtpd_peername_lookup = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {mail.path('spool/private/auth')}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
""")
        write(directory + "/etc/master.cf", f"""127.0.0.1:{self.port} inet n - n - 10 smtpd
pickup    unix  n  -  n  60  1  pickup
cleanup   unix  n  -  n  -  0  cleanup
qmgr      unix  n  -  n  300 1  qmgr
tlsmgr    unix  -  -  n  1000? 1 tlsmgr
rewrite   unix  -  -  n  -  -  trivial-rewrite
bounce    unix  -  -  n  -  0  bounce
defer     unix  -  -  n  -  0  bounce
trace     unix  -  -  n  -  0  bounce
proxymap  unix  -  -  n  -  -  proxymap
error     unix  -  -  n  -  -  error
retry     unix  -  -  n  -  -  error
lmtp      unix  -  -  n  -  -  lmtp
anvil     unix  -  -  n  -  1  anvil
postlog   unix-dgram n - n - 1  postlogd
""")
        return directory + "/etc"

    def test_lmtp_and_auth(self):
        # Postfix's processes run as its own user, which then must own the folder of our sockets.
        with Instance(main_cf={"mail_owner": "postfix", "authorized_peer_users": "postfix"}, start=False) as mail:
            mail.start()
            etc = self.configure(mail)
            subprocess.run([POSTFIX, "-c", etc, "start"], check=True, stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: port_answers(self.port), "postfix answers")
                with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
                    client.ehlo("client.test")
                    with self.assertRaises(smtplib.SMTPAuthenticationError):
                        client.login("alice@example.test", "wrong")
                    client.login("alice@example.test", "secret")
                    client.sendmail("alice@example.test", ["alice@example.test"], "Subject: by postfix\r\n\r\nhello\r\n")
                wait_until(lambda: mail.messages("alice"), "the message is in the mailbox")
                with open(mail.messages("alice")[0], "rb") as f:
                    self.assertIn(b"Subject: by postfix", f.read())
            finally:
                subprocess.run([POSTFIX, "-c", etc, "stop"], stderr=subprocess.DEVNULL)


class DovecotBehind(unittest.TestCase):
    """Our smtpd asks Dovecot's auth, our lmtp delivers to Dovecot's LMTP."""

    def setUp(self):
        if not os.path.exists(DOVECOT):
            self.skipTest("dovecot is not installed")
        self.ports = Ports()
        self.imap = self.ports.one()
        self.lmtp = self.ports.one()

    def tearDown(self):
        self.ports.release()

    def configure(self, mail):
        directory = mail.path("dovecot")
        for folder in ("", "/run", "/state", "/mail"):
            os.makedirs(directory + folder, exist_ok=True)
        shutil.chown(directory + "/mail", "nobody")
        write(directory + "/users", "alice@example.test:{PLAIN}secret\n")
        owner = "malleposte-net" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name  # as whom smtpd and lmtp ask
        write(directory + "/dovecot.conf", f"""base_dir = {directory}/run
state_dir = {directory}/state
log_path = {mail.path('log')}/dovecot.log
listen = 127.0.0.1
protocols = imap lmtp
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = {directory}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={directory}/mail/%u allow_all_users=yes
}}
first_valid_uid = 1
mail_location = maildir:~/Maildir
service imap-login {{
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {self.lmtp}
  }}
}}
service auth {{
  unix_listener {mail.path('spool/private')}/dovecot-auth {{
    mode = 0666
  }}
}}
""")
        return directory + "/dovecot.conf"

    def test_lmtp_and_auth(self):
        with Instance() as mail:
            conf = self.configure(mail)
            mail.set("virtual_transport", f"lmtp:inet:127.0.0.1:{self.lmtp}")
            with open(mail.path("etc/master.cf")) as f:
                table = f.read()
            write(mail.path("etc/master.cf"), table.replace("-o smtpd_sasl_auth_enable=yes",
                                                            "-o smtpd_sasl_auth_enable=yes -o smtpd_sasl_path=private/dovecot-auth"))
            subprocess.run([DOVECOT, "-c", conf], check=True)
            try:
                wait_until(lambda: port_answers(self.lmtp), "dovecot answers")
                mail.reload()
                with mail.smtp("submission") as client:
                    client.starttls(context=mail.tls_context())
                    client.ehlo("client.test")
                    with self.assertRaises(smtplib.SMTPAuthenticationError):
                        client.login("alice@example.test", "wrong")
                    client.login("alice@example.test", "secret")
                    client.sendmail("alice@example.test", ["alice@example.test"], "Subject: to dovecot\r\n\r\nhello\r\n")
                mail.wait_for_log(r"to=<alice@example\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:\d+, .*status=sent \(250 2\.0\.0 <alice@example\.test> .* Saved\)")
            finally:
                subprocess.run(["doveadm", "-c", conf, "stop"], stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    if os.geteuid() != 0:
        skip("Postfix and Dovecot are started as root")
    unittest.main()
