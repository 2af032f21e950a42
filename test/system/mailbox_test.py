"""From port 25 to the inbox: delivery over LMTP, reading by IMAP with other people's clients, submission with AUTH."""

import email
import imaplib
import os
import pty
import re
import select
import shutil
import smtplib
import subprocess
import tempfile
import time
import unittest

from instance import SHARED, Instance, skip, wait_until


class Mailbox(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mail = Instance().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.mail.__exit__(None, None, None)

    def inbox_count(self, user):
        client = self.mail.imap(user)
        count = int(client.select("INBOX")[1][0])
        client.logout()
        return count

    def test_a_message_goes_through(self):
        before = self.inbox_count("alice")
        queue_id = self.mail.send(subject="through the house", body="line one\r\n..a dot\r\n")
        self.mail.wait_for_log(queue_id + r": to=<alice@example\.test>, relay=.*, delay=.*, delays=.*/.*/.*/.*, dsn=2\.0\.0, status=sent "
                               r"\(250 2\.0\.0 <alice@example\.test> \S+ Saved\)")
        self.mail.wait_for_log(queue_id + r": removed")
        client = self.mail.imap("alice")
        self.assertEqual(int(client.select("INBOX")[1][0]), before + 1)
        _, found = client.search(None, "SUBJECT", '"through the house"')
        number = found[0].split()[-1]
        _, data = client.fetch(number, "(BODY[])")
        message = email.message_from_bytes(data[0][1])
        self.assertEqual(message["Return-Path"], "<carol@client.test>")
        self.assertEqual(message["Delivered-To"], "alice@example.test")
        self.assertRegex(message["Received"], r"with LMTP")
        self.assertTrue(data[0][1].endswith(b"\r\n\r\nline one\r\n..a dot\r\n"))
        client.logout()

    def test_submission_needs_tls_and_a_password(self):
        with self.mail.smtp("submission") as client:
            client.ehlo("client.test")
            self.assertNotIn("auth", client.esmtp_features)
            self.assertEqual(client.mail("alice@example.test")[0], 530)
            client.starttls(context=self.mail.tls_context())
            client.ehlo("client.test")
            self.assertEqual(client.mail("alice@example.test")[0], 250)
            self.assertEqual(client.rcpt("bob@example.test")[0] // 100, 5)
            client.rset()
            with self.assertRaises(smtplib.SMTPAuthenticationError) as refused:
                client.login("alice@example.test", "wrong")
            self.assertEqual(refused.exception.smtp_code, 535)
            self.assertEqual(client.login("alice", "secret"), (235, b"2.7.0 Authentication successful"))
            client.sendmail("alice@example.test", ["bob@example.test"], "Subject: submitted\r\n\r\nx\r\n")
        self.mail.wait_for_log(r"client=localhost\[127\.0\.0\.1\], sasl_method=(PLAIN|LOGIN), sasl_username=alice@example\.test")
        wait_until(lambda: self.inbox_count("bob") > 0, "the message is in bob's inbox")

    def test_submissions_with_tls_from_the_start(self):
        with smtplib.SMTP_SSL("127.0.0.1", self.mail.port["submissions"], context=self.mail.tls_context()) as client:
            client.login("bob@example.test", "geheim")
            client.sendmail("bob@example.test", ["alice@example.test"], "Subject: wrapped\r\n\r\nx\r\n")

    def test_a_wrong_password_is_refused_and_never_logged(self):
        client = imaplib.IMAP4_SSL("127.0.0.1", self.mail.port["imaps"], ssl_context=self.mail.tls_context())
        with self.assertRaises(imaplib.IMAP4.error):
            client.login("alice@example.test", "not-the-password")
        client.shutdown()
        self.assertNotIn("not-the-password", self.mail.log())

    def test_idle_tells_of_new_mail(self):
        client = self.mail.imap("bob", tls=True)
        client.select("INBOX")
        client.send(b"x1 IDLE\r\n")
        self.assertTrue(client.readline().startswith(b"+"))
        self.mail.send(to="bob", subject="wake up")
        self.assertRegex(client.readline(), rb"^\* \d+ (EXISTS|RECENT)")
        client.send(b"DONE\r\n")
        while not client.readline().startswith(b"x1 OK"):
            pass
        client.logout()

    def test_curl_reads(self):
        self.mail.send(subject="for curl")
        wait_until(lambda: self.mail.messages("alice"), "a message arrives")
        result = subprocess.run(["curl", "-sS", "--cacert", self.mail.path("etc/cert.pem"), "--user", "alice@example.test:secret",
                                 f"imaps://127.0.0.1:{self.mail.port['imaps']}/INBOX;MAILINDEX=1"], stdout=subprocess.PIPE, check=True)
        self.assertIn(b"Delivered-To: alice@example.test", result.stdout)

    def test_swaks_sends(self):
        if not shutil.which("swaks"):
            self.skipTest("swaks is not installed")
        subprocess.run(["swaks", "--server", f"127.0.0.1:{self.mail.port['submission']}", "--tls", "--auth", "PLAIN", "--auth-user",
                        "alice@example.test", "--auth-password", "secret", "--from", "alice@example.test", "--to", "bob@example.test"],
                       stdout=subprocess.DEVNULL, check=True)

    def test_sendmail_in_all_its_ways(self):
        before = self.inbox_count("bob")
        self.mail.run("sendmail", "-t", "-i", input="To: bob@example.test\nSubject: by -t\n\n.\nhello\n")
        self.mail.run("sendmail", "-f", "me@client.test", "-F", "Me", "bob@example.test", input="no header at all\n")
        dialogue = "EHLO here.test\r\nMAIL FROM:<me@client.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: by -bs\r\n\r\nx\r\n.\r\nQUIT\r\n"
        said = self.mail.run("sendmail", "-bs", input=dialogue).stdout
        self.assertIn("221 2.0.0 Bye", said)
        wait_until(lambda: self.inbox_count("bob") == before + 3, "all three arrive")

    def test_mutt_reads_the_inbox(self):
        if not shutil.which("mutt"):
            self.skipTest("mutt is not installed")
        self.mail.send(to="bob", subject="for mutt")
        wait_until(lambda: self.mail.messages("bob"), "a message arrives")
        with tempfile.TemporaryDirectory() as home:
            with open(os.path.join(home, "muttrc"), "w") as rc:
                rc.write(f'set folder="imap://127.0.0.1:{self.mail.port["imap"]}"\nset spoolfile="+INBOX"\nset imap_user="bob@example.test"\n'
                         f'set imap_pass="geheim"\nset ssl_starttls=no\nset ssl_force_tls=no\nset copy=no\nset confirmappend=no\nset confirmcreate=no\n'
                         f'set imap_authenticators="plain:login"\nset delete=no\nset quit=yes\nset record=""\nset wait_key=no\n')
            # mutt wants a terminal: copy every message of the inbox into a file, then quit.
            copy = os.path.join(home, "copy.mbox")
            keys = f'push "<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>{copy}<enter><exit>"'
            main, terminal = pty.openpty()
            process = subprocess.Popen(["mutt", "-n", "-F", os.path.join(home, "muttrc"), "-e", keys], env=dict(os.environ, HOME=home, TERM="vt100"),
                                       stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
            os.close(terminal)
            screen = b""
            try:
                end = time.monotonic() + 20
                while process.poll() is None and time.monotonic() < end:
                    if select.select([main], [], [], 0.2)[0]:
                        try:
                            screen += os.read(main, 65536)
                        except OSError:
                            break
            finally:
                process.kill()
                process.wait()
                os.close(main)
            self.assertTrue(os.path.exists(copy), screen[-2000:])
            with open(copy) as mbox:
                self.assertIn("for mutt", mbox.read())


class OddMail(unittest.TestCase):
    def test_it_comes_out_as_it_went_in(self):
        folder = os.path.join(SHARED, "conformance", "mime", "malformed")
        if not os.path.isdir(folder):
            self.skipTest("no conformance data beside the project")
        # Nothing of what submission repairs, and nothing that cleanup takes out on purpose.
        with Instance(main_cf={"local_header_rewrite_clients": ""}) as mail:
            self.run_through(mail, folder)

    def count(self, mail):
        client = mail.imap("alice")
        count = int(client.select("INBOX")[1][0])
        client.logout()
        return count

    def run_through(self, mail, folder):
        dropped = re.compile(rb"^(bcc|resent-bcc|return-path|content-length):", re.I | re.M)
        sent = []
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".eml"):
                continue
            with open(os.path.join(folder, name), "rb") as f:
                text = re.sub(rb"\r\n|\r|\n", b"\r\n", f.read())
            if dropped.search(text):
                continue
            if not text.endswith(b"\r\n"):
                text += b"\r\n"
            with mail.smtp() as client:
                client.ehlo("client.test")
                client.mail("odd@client.test")
                client.rcpt("alice@example.test")
                code, reply = client.data(text)
            if code == 250:
                sent.append((name, text))
            if len(sent) == 60:
                break
        self.assertGreater(len(sent), 5)
        wait_until(lambda: self.count(mail) >= len(sent), "all of them arrive", 60)
        client = mail.imap("alice")
        client.select("INBOX", readonly=True)
        bodies = []
        _, data = client.fetch("1:*", "(BODY.PEEK[])")
        for item in data:
            if isinstance(item, tuple):
                bodies.append(item[1])
        for name, text in sent:
            with self.subTest(name):
                self.assertTrue(any(body.endswith(text) for body in bodies), f"{name} is changed")
        client.logout()


if __name__ == "__main__":
    unittest.main()
