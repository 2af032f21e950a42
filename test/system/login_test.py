"""login and auth as IMAP clients and strangers see them: what is offered, who gets in, and what a stranger cannot do."""

import base64
import hashlib
import imaplib
import os
import signal
import socket
import ssl
import time
import unittest

from instance import Instance, wait_until


def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


class Login(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mail = Instance(main_cf={"auth_failure_delay": "1s"}).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.mail.__exit__(None, None, None)

    def say(self, *parts, seconds=10):
        """Sends each part after something has come back for the one before; everything until the server closes."""
        client, _ = self.mail.raw("imap")
        client.settimeout(seconds)
        heard = client.recv(4096)
        for part in parts[:-1]:
            client.sendall(part)
            heard += client.recv(4096)
        try:
            client.sendall(parts[-1])
            while octets := client.recv(65536):
                heard += octets
        except OSError:
            heard += b"<reset>"
        client.close()
        return heard

    def test_every_way_in(self):
        for user in ("alice", "alice@example.test", "ALICE@Example.Test"):
            client = imaplib.IMAP4("127.0.0.1", self.mail.port["imap"])
            client.login(user, "secret")
            self.assertEqual(client.select()[0], "OK")
            client.logout()
        heard = self.say(b"a AUTHENTICATE PLAIN " + plain("alice", "secret").encode() + b"\r\nb LOGOUT\r\n")
        self.assertIn(b"a OK", heard)
        heard = self.say(b"a AUTHENTICATE LOGIN\r\n", b"YWxpY2U=\r\n", b"c2VjcmV0\r\nb LOGOUT\r\n")
        self.assertIn(b"a OK", heard)
        heard = self.say(b"a LOGIN {5}\r\n", b"alice {6+}\r\nsecret\r\nb LOGOUT\r\n")
        self.assertIn(b"a OK", heard)

    def test_what_follows_the_login_reaches_the_session(self):
        heard = self.say(b"a LOGIN alice secret\r\nb SELECT INBOX\r\nc LOGOUT\r\n")
        self.assertIn(b"b OK [READ-WRITE]", heard)
        self.assertIn(b"c OK", heard)

    def test_tls(self):
        client = imaplib.IMAP4("127.0.0.1", self.mail.port["imap"])
        self.assertIn("STARTTLS", client.capabilities)
        client.starttls(self.mail.tls_context())
        client.login("alice", "secret")
        client.logout()
        client = self.mail.imap("alice", tls=True)
        body = b"Subject: large\r\n\r\n" + (os.urandom(35).hex().encode() + b"\r\n") * 100000
        client.append("INBOX", None, None, body)
        client.select()
        number = client.search(None, "ALL")[1][0].split()[-1].decode()
        answer = client.fetch(number, "(BODY.PEEK[])")[1][0][1]
        self.assertEqual(hashlib.sha256(answer).digest(), hashlib.sha256(body).digest())
        client.logout()

    def test_wrong_passwords_are_slow_and_all_alike(self):
        for user in ("alice", "nobody"):
            begin = time.monotonic()
            heard = self.say(f"a LOGIN {user} wrong\r\nb LOGOUT\r\n".encode())
            self.assertIn(b"a NO [AUTHENTICATIONFAILED] Authentication failed.", heard)
            self.assertGreater(time.monotonic() - begin, 0.9)
        self.mail.wait_for_log(r"login failed: user=<nobody>, method=LOGIN, rip=127\.0\.0\.1")
        tried = base64.b64encode(b"\0mallory\0wrong")
        self.assertIn(b"a NO", self.say(b"a AUTHENTICATE PLAIN " + tried + b"\r\nb LOGOUT\r\n"))
        self.mail.wait_for_log(r"login failed: user=<mallory[@>].*, method=PLAIN, rip=127\.0\.0\.1")

    def test_what_was_sent_ahead_of_tls_is_never_run(self):
        client, replies = self.mail.raw("imap")
        replies.readline()
        client.sendall(b"a STARTTLS\r\nb LOGIN alice secret\r\n")
        self.assertTrue(replies.readline().startswith(b"a OK"))
        context = self.mail.tls_context()
        tls = context.wrap_socket(client)
        tls.sendall(b"c NOOP\r\n")
        self.assertTrue(tls.recv(1000).startswith(b"c OK"))
        tls.close()

    def test_bad_input_gets_an_answer_and_no_more(self):
        rows = [
            (b'a LOGIN "a\0b" "c"\r\nz LOGOUT\r\n', b"a BAD"),
            (b"a LOGIN {4294967295}\r\nz LOGOUT\r\n", b"a NO [TOOBIG]"),
            (b"a LOGIN {18446744073709551616}\r\nz LOGOUT\r\n", b"a NO [TOOBIG]"),
            (b"a LOGIN {4294967295+}\r\nb LOGIN alice secret\r\n", b"* BYE Literal too large."),
            (b"a LOGIN {-1}\r\nz LOGOUT\r\n", b"a BAD"),
            (b"a LOGIN {1 }\r\nz LOGOUT\r\n", b"a BAD"),
            (b"* NOOP\r\nz LOGOUT\r\n", b"* BAD"),
            (b"+ NOOP\r\nz LOGOUT\r\n", b"* BAD"),
            (b" NOOP\r\nz LOGOUT\r\n", b"* BAD"),
            (b"a AUTHENTICATE PLAIN ====\r\nz LOGOUT\r\n", b"a BAD"),
            (b"a AUTHENTICATE CRAM-MD5\r\nz LOGOUT\r\n", b"a NO [CANNOT]"),
            (b"a SELECT INBOX\r\nz LOGOUT\r\n", b"a BAD"),
            (b"a NOOP\r\n" * 300, b"* BYE Too many commands"),
        ]
        for sent, wanted in rows:
            with self.subTest(sent=sent[:60]):
                heard = self.say(sent)
                self.assertIn(wanted, heard)
                self.assertNotIn(b"Logged in", heard)
        for flood in (b"a LOGIN " + b"(" * 1000000, b"a" + b" x" * 1000000):
            heard = self.say(flood)
            self.assertNotIn(b"Logged in", heard)
        self.assertEqual(self.mail.imap().noop()[0], "OK")

    def test_a_client_that_leaves_harms_nobody(self):
        for sent in (b"a AUTHENTICATE LOGIN\r\n", b"a LOGIN {5}\r\n", b"a STARTTLS\r\n", b"a LOGIN alice wrong\r\n"):
            client, _ = self.mail.raw("imap")
            client.sendall(sent)
            client.close()
        self.assertEqual(self.mail.imap().noop()[0], "OK")


class Trouble(unittest.TestCase):
    def test_killed_processes_come_back(self):
        with Instance() as mail:
            mail.imap().logout()
            for name in ("auth", "imapd", "login", "auth"):
                # The sessions' processes carry the name too; the service is the oldest. One that dies within a second
                # of its start would be throttled by master, as it should be.
                pid = min(mail.pids(name))
                wait_until(lambda: time.time() - os.stat(f"/proc/{pid}").st_mtime > 1.5, f"{name} has run for a while")
                os.kill(pid, signal.SIGKILL)

                def login():
                    try:
                        mail.imap().logout()
                        return True
                    except (imaplib.IMAP4.error, OSError):
                        return False
                wait_until(login, f"a login after {name} was killed", 15)

    def test_stop_says_goodbye_also_under_tls(self):
        with Instance() as mail:
            session = mail.imap(tls=True)
            stranger, replies = mail.raw("imap")
            replies.readline()
            mail.stop()
            self.assertTrue(session.readline().startswith(b"* BYE"))
            self.assertTrue(replies.readline().startswith(b"* BYE"))
            session.shutdown()
            stranger.close()

    def test_passwords_wait_for_tls_where_somebody_could_listen(self):
        with Instance(main_cf={"inet_interfaces": "all"}, start=False) as mail:
            # An address of this host that is not loopback, if there is one.
            probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                probe.connect(("192.0.2.77", 9))    # sends nothing
                address = probe.getsockname()[0]
            except OSError:
                address = "127.0.0.1"
            probe.close()
            if address.startswith("127."):
                self.skipTest("this machine has no address but loopback")
            port = mail.port_locks.one()
            with open(mail.path("etc/master.cf"), "a") as out:
                out.write(f"{address}:{port} inet n - y - - login\n")
            mail.start()
            client = imaplib.IMAP4(address, port)
            self.assertIn("LOGINDISABLED", client.capabilities)
            with self.assertRaisesRegex(imaplib.IMAP4.error, "PRIVACYREQUIRED"):
                client.login("alice", "secret")
            client.starttls(mail.tls_context())
            self.assertNotIn("LOGINDISABLED", client.capability()[1][0].decode())
            client.login("alice", "secret")
            client.logout()


class Users(unittest.TestCase):
    def test_mailadm_and_a_running_host(self):
        with Instance() as mail:
            mail.imap().logout()
            mail.run("mailadm", "user", "add", "dora", input="drei\n")
            self.assertEqual(mail.run("mailadm", "user", "list").stdout.split(),
                             ["alice@example.test", "bob@example.test", "dora@example.test"])
            mail.users["dora"] = "drei"
            mail.send("dora")
            wait_until(lambda: mail.messages("dora"), "mail for the new user")
            mail.imap("dora").logout()
            mail.run("mailadm", "user", "passwd", "dora", input="vier\n")
            with self.assertRaises(imaplib.IMAP4.error):
                mail.imap("dora")
            mail.users["dora"] = "vier"
            mail.imap("dora").logout()
            mail.run("mailadm", "user", "delete", "dora")
            with self.assertRaises(imaplib.IMAP4.error):
                mail.imap("dora")
            with mail.smtp() as client:
                client.ehlo("client.test")
                client.mail("carol@client.test")
                code, reply = client.rcpt("dora@example.test")
                self.assertEqual(code, 550)
                self.assertIn(b"User unknown in virtual mailbox table", reply)
            result = mail.run("mailadm", "user", "passwd", "nobody", check=False, input="x\n")
            self.assertEqual(result.returncode, 67)


if __name__ == "__main__":
    unittest.main()
