"""The SMTP server as clients see it: the dialogue, who may send where, what is refused, and where messages end."""

import os
import smtplib
import socket
import unittest

from instance import Instance, wait_until


class Dialogue(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mail = Instance().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.mail.__exit__(None, None, None)

    def talk(self, *lines, port="smtp"):
        """Sends each line after the reply to the one before; the replies, greeting first."""
        client, replies = self.mail.raw(port)
        answers = []

        def read():
            answer = []
            while True:
                line = replies.readline().decode()
                answer.append(line.rstrip("\r\n"))
                if line[3:4] != "-":
                    return "\n".join(answer)

        answers.append(read())
        for line in lines:
            client.sendall(line if isinstance(line, bytes) else line.encode() + b"\r\n")
            answers.append(read())
        client.close()
        return answers

    def test_the_replies_that_programs_know(self):
        got = self.talk("HELO client.test", "MAIL FROM:<a@client.test>", "RCPT TO:<alice@example.test>", "DATA",
                        "Subject: x\r\n\r\ntext\r\n.", "RSET", "NOOP", "VRFY alice", "quit")
        self.assertEqual(got[0], "220 mail.example.test ESMTP Malleposte")
        self.assertEqual(got[1], "250 mail.example.test")
        self.assertEqual(got[2], "250 2.1.0 Ok")
        self.assertEqual(got[3], "250 2.1.5 Ok")
        self.assertEqual(got[4], "354 End data with <CR><LF>.<CR><LF>")
        self.assertRegex(got[5], r"^250 2\.0\.0 Ok: queued as [0-9A-F]+$")
        self.assertEqual(got[6:8], ["250 2.0.0 Ok", "250 2.0.0 Ok"])
        self.assertTrue(got[8].startswith("252 "))
        self.assertEqual(got[9], "221 2.0.0 Bye")

    def test_help_knows_every_command(self):
        verbs = self.talk("HELP")[1].split("\n")[0].split("Commands: ")[1].split()
        self.assertEqual(verbs, "HELO EHLO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY HELP QUIT".split())
        for verb, reply in zip(verbs, self.talk(*(f"HELP {verb.lower()}" for verb in verbs))[1:]):
            self.assertTrue(reply.startswith("214 2.0.0 " + verb), reply)
        self.assertEqual(self.talk("HELP me")[1], "504 5.5.4 HELP: there is no such command")

    def test_addresses_without_brackets_are_put_up_with(self):
        got = self.talk("HELO client.test", "MAIL FROM: a@client.test", "RCPT TO: alice@example.test")
        self.assertEqual(got[2:], ["250 2.1.0 Ok", "250 2.1.5 Ok"])

    def test_commands_out_of_order(self):  # C33
        got = self.talk("RCPT TO:<alice@example.test>", "DATA", "MAIL FROM:<a@client.test>", "MAIL FROM:<b@client.test>", "DATA",
                        "LHLO x", "EHLO client.test", "RCPT TO:<alice@example.test>")
        self.assertEqual([answer[:3] for answer in got[1:]], ["503", "503", "250", "503", "554", "500", "250", "503"])

    def test_unknown_users_are_refused_at_rcpt(self):
        got = self.talk("EHLO client.test", "MAIL FROM:<a@client.test>", "RCPT TO:<nobody@example.test>")
        self.assertEqual(got[3], "550 5.1.1 <nobody@example.test>: Recipient address rejected: "
                                 "User unknown in virtual mailbox table")
        self.mail.wait_for_log(r"NOQUEUE: reject: RCPT from localhost\[127\.0\.0\.1\]: 550 5\.1\.1 <nobody@example\.test>: .*; "
                               r"from=<a@client\.test> to=<nobody@example\.test> proto=ESMTP helo=<client\.test>")

    def test_parameters_of_mail(self):
        cases = {"SIZE=1000": "250", "SIZE=99999999999": "552", "SIZE=x": "501", "BODY=8BITMIME": "250", "BODY=7BIT": "250",
                 "BODY=BINARYMIME": "501", "RET=FULL X=Y": "555", "=": "501"}
        for parameter, want in cases.items():
            with self.subTest(parameter):
                self.assertEqual(self.talk("EHLO client.test", f"MAIL FROM:<a@client.test> {parameter}")[2][:3], want)

    def test_attacks_on_the_address_parser(self):  # C1, C20, C23, C37, C43-C45
        mail = ["<;sleep 66;>", "<\xff\xff@x>", "<a@b", "<\"a@b>", "<a b@c>", "<@@@>", "<.>"]
        for address in mail:
            with self.subTest(address):
                got = self.talk("EHLO client.test", ("MAIL FROM:" + address).encode("latin-1") + b"\r\n", "NOOP")
                self.assertIn(got[2][:3], ("501", "553", "250"))
                self.assertEqual(got[3], "250 2.0.0 Ok")
        for address in ('<""@example.test>', "<@>", "<!@!@!>", "<.!@example.test>", "<=@example.test>", "<a==b@example.test>",
                        "<[127.0.0.1]:25!x@example.test>", "<x@[10.0.0.1]:22>", "<u@alice@remote.test>", "<${run{/bin/sh}}@example.test>"):
            with self.subTest(address):
                got = self.talk("EHLO client.test", "MAIL FROM:<a@client.test>", "RCPT TO:" + address, "NOOP")
                self.assertIn(got[3][0], "45")
                self.assertEqual(got[4], "250 2.0.0 Ok")

    def test_one_message_however_it_is_ended(self):  # A1-A4
        for ending in (b"x\r\n\n.\r\nMAIL FROM:<evil@a>\r\n", b"x\n.\r\nMAIL FROM:<evil@a>\r\n", b"x\n.\nMAIL FROM:<evil@a>\n",
                       b"x\r\n.\nMAIL FROM:<evil@a>\r\n", b"x\r.\rMAIL FROM:<evil@a>\r\n", b"x\r\n.\rMAIL FROM:<evil@a>\r\n"):
            with self.subTest(ending):
                got = self.talk("EHLO client.test", "MAIL FROM:<a@client.test>", "RCPT TO:<alice@example.test>", "DATA",
                                b"Subject: smuggled\r\n\r\n" + ending + b"\r\n.\r\n", "NOOP")
                self.assertRegex(got[5], r"^550 5\.5\.2 ")
                self.assertEqual(got[6], "250 2.0.0 Ok")
        self.assertNotIn("evil@a", self.mail.log())

    def test_early_commands_behind_starttls_never_run(self):  # B1, B2
        for port in ("smtp", "submission"):
            client, replies = self.mail.raw(port)
            replies.readline()
            client.sendall(b"EHLO client.test\r\n")
            while replies.readline()[3:4] == b"-":
                pass
            client.sendall(b"STARTTLS\r\nRSET\r\nMAIL FROM:<injected@client.test>\r\n")
            self.assertTrue(replies.readline().startswith(b"220 2.0.0"))
            client.close()
        self.assertNotIn("injected@client.test", self.mail.log())

    def test_tls_hello_is_quick(self):
        import time
        with self.mail.smtp() as client:
            client.starttls(context=self.mail.tls_context())
            times = []
            for _ in range(5):
                start = time.monotonic()
                client.ehlo("client.test")
                times.append(time.monotonic() - start)
            self.assertIn("size", client.esmtp_features)
            self.assertNotIn("starttls", client.esmtp_features)

    def test_another_protocol_is_shown_out(self):  # B11
        client, replies = self.mail.raw("smtp")
        replies.readline()
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(replies.readline().startswith(b"221 2.7.0"))
        self.assertEqual(replies.readline(), b"")

    def test_long_lines(self):  # C32
        client, replies = self.mail.raw("smtp")
        replies.readline()
        try:
            client.sendall(b"MAIL FROM:<" + b"A" * 10_000_000)
        except OSError:
            pass
        answer = b""
        try:
            answer = replies.readline()
        except OSError:
            pass
        self.assertTrue(answer == b"" or answer.startswith(b"500 5.5.2"), answer)

    def test_errors_without_end(self):  # C34
        client, replies = self.mail.raw("smtp")
        replies.readline()
        client.sendall(b"WIZ\r\n" * 20)
        answers = replies.read().decode()
        self.assertIn("421 4.7.0 mail.example.test Error: too many errors", answers)

    def test_a_client_that_never_reads(self):  # C36
        client, _ = self.mail.raw("smtp")
        client.setblocking(False)
        sent = 0
        try:
            for _ in range(100000):
                sent += client.send(b"NOOP\r\n" * 1000)
        except BlockingIOError:
            pass
        finally:
            client.close()
        self.assertLess(sent, 60_000_000)
        self.mail.send()  # and others are served

    def test_a_large_message_is_refused_and_the_session_goes_on(self):
        with self.mail.smtp() as client:
            client.ehlo("client.test")
            client.mail("a@client.test")
            client.rcpt("alice@example.test")
            code, reply = client.data("Subject: big\r\n\r\n" + ("x" * 998 + "\r\n") * 11000)
            self.assertEqual((code, reply[:5]), (552, b"5.3.4"))
            self.assertEqual(client.noop()[0], 250)

    def test_nul_and_odd_headers_arrive_or_are_refused_whole(self):  # A9, D19, D20
        for text in (b"Subject: a\0b\r\n\r\nc\0d\r\n", b"", b"\r\n", b": x\r\n\r\ny\r\n", b" folded first\r\n\r\ny\r\n", b"no header at all"):
            with self.subTest(text):
                before = len(self.mail.messages("bob"))
                with self.mail.smtp() as client:
                    client.ehlo("client.test")
                    client.mail("a@client.test")
                    client.rcpt("bob@example.test")
                    code, _ = client.data(text)
                if code == 250:
                    wait_until(lambda: len(self.mail.messages("bob")) > before, "the message is in the mailbox")


class Relaying(unittest.TestCase):
    """Never an open relay (DESIGN 1.2): what a client outside mynetworks may not do."""

    def test_strangers_may_send_to_us_only(self):
        with Instance(main_cf={"mynetworks": "192.0.2.0/24"}) as mail:
            with mail.smtp() as client:
                client.ehlo("client.test")
                client.mail("a@client.test")
                self.assertEqual(client.rcpt("alice@example.test")[0], 250)
                for address in ("x@remote.test", "@example.test:x@remote.test", "x%remote.test@example.test", "remote.test!x@example.test",
                                '"x@remote.test"@example.test', "x@[127.0.0.2]"):
                    with self.subTest(address):
                        code, reply = client.docmd(f"RCPT TO:<{address}>")
                        self.assertIn(code // 100, (4, 5), reply)
                code, reply = client.docmd("RCPT TO:<x@remote.test>")
                self.assertEqual((code, reply), (454, b"4.7.1 <x@remote.test>: Relay access denied"))

    def test_client_restrictions_alone_do_not_open_it(self):
        settings = {"mynetworks": "192.0.2.0/24", "smtpd_client_restrictions": "permit_mynetworks", "smtpd_recipient_restrictions": "permit"}
        with Instance(main_cf=settings) as mail:
            with mail.smtp() as client:
                client.ehlo("client.test")
                client.mail("a@client.test")
                self.assertEqual(client.rcpt("x@remote.test")[0], 454)

    def test_access_tables_and_hold(self):
        settings = {"smtpd_recipient_restrictions": "check_sender_access inline:{ {bad@client.test=REJECT not welcome}, {hold@client.test=HOLD}, "
                                                    "{client2.test=450 4.7.1 later} }"}
        with Instance(main_cf=settings) as mail:
            with mail.smtp() as client:
                client.ehlo("client.test")
                client.mail("bad@client.test")
                self.assertEqual(client.rcpt("alice@example.test"),
                                 (554, b"5.7.1 <bad@client.test>: Sender address rejected: not welcome"))
                client.rset()
                client.mail("x@sub.client2.test")
                self.assertEqual(client.rcpt("alice@example.test")[0], 450)
            queue_id = mail.send(sender="hold@client.test")
            self.assertIn(queue_id + "!", mail.queue())
            mail.run("postsuper", "-H", queue_id)
            mail.run("postqueue", "-f")
            wait_until(lambda: mail.messages("alice"), "the released message arrives")


if __name__ == "__main__":
    unittest.main()
