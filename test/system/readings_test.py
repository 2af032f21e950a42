"""One reading of a message: what arrives, what IMAP shows, what Python's email package finds; addresses in quotes all the way."""

import email
import email.policy
import email.utils
import re
import unittest

from instance import Instance, wait_until

# From fields, and whether every reader must agree about them.
FIELDS = [
    "alice@one.test",
    "Alice <alice@one.test>",
    '"Last, First" <alice@one.test>',
    "J. R. Public <alice@one.test>",
    "alice@one.test (Alice)",
    '"x@two.test" <alice@one.test>',
    "(x@two.test) alice@one.test",
    "Alice <alice@one.test>, bob@two.test",
    "team: alice@one.test, bob@two.test;",
    "Alice\r\n\t<alice@one.test>",
    "=?utf-8?q?x=40two.test?= <alice@one.test>",
    "<@relay.test:alice@one.test>",
    "alice@[192.0.2.1]",
]


class Readings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mail = Instance(main_cf={"smtpd_forbid_bare_newline": "no", "recipient_delimiter": "+"}).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.mail.__exit__(None, None, None)

    def deliver(self, text, sender="<a@client.test>", recipient="<alice@example.test>"):
        """Sends octets as they are; the message in alice's mailbox."""
        before = set(self.mail.messages("alice"))
        client, replies = self.mail.raw("smtp")
        replies.readline()
        for line in (b"HELO client.test", b"MAIL FROM:" + sender.encode(), b"RCPT TO:" + recipient.encode(), b"DATA",
                     text + b"\r\n."):
            client.sendall(line + b"\r\n")
            reply = replies.readline()
            self.assertIn(reply[:1], b"23", (line, reply))
        client.close()
        replies.close()
        wait_until(lambda: set(self.mail.messages("alice")) - before, "the message is in the mailbox")
        with self.mail.imap() as imap:
            imap.select("INBOX", readonly=True)
            number = imap.search(None, "ALL")[1][0].split()[-1]
            parts = imap.fetch(number, "(ENVELOPE BODY[])")[1]
        octets = next(part[1] for part in parts if isinstance(part, tuple))
        shown = b" ".join(part if isinstance(part, bytes) else part[0] for part in parts).decode()
        return octets, shown

    def test_from(self):
        for field in FIELDS:
            with self.subTest(field):
                octets, shown = self.deliver(b"From: " + field.encode() + b"\r\nSubject: x\r\n\r\ntext")
                arrived = email.message_from_bytes(octets, policy=email.policy.compat32)["From"]
                self.assertEqual(arrived.replace("\r\n", ""), field.replace("\r\n", ""))
                parsed = email.message_from_bytes(octets, policy=email.policy.default)["From"].addresses
                found = [(one.username, one.domain) for one in parsed]
                fields = re.search(r'ENVELOPE \((?:NIL|"[^"]*") "x" \((.*?)\)\) \(\(', shown).group(1)
                envelope = re.findall(r'\((?:NIL|"(?:\\.|[^"\\])*") (?:NIL|"[^"]*") "([^"]*)" "([^"]*)"', fields + ")")
                self.assertEqual(envelope, found, shown)

    def test_line_ends_that_stand_alone(self):
        octets, shown = self.deliver(b"X-A: a\rFrom: x@attacker.test\r\r\r\nSubject: x\nFrom: <ceo@bank.test>\r\n\r\none\ntwo")
        message = email.message_from_bytes(octets)
        self.assertEqual(message.get_all("From"), ["<ceo@bank.test>"])
        self.assertEqual(message["X-A"].rstrip(), "a From: x@attacker.test")
        self.assertIn(b"\r\n\r\none\r\ntwo", octets)
        self.assertIn('"ceo" "bank.test"', shown)
        self.assertNotIn("attacker", shown)

    def test_addresses_in_quotes(self):
        for sender in ('<"john doe"@x.test>', '<"a> SIZE=1 BODY=7BIT X=<b"@x.test>', '<"a\\"b"@x.test>', "<>"):
            with self.subTest(sender):
                octets, _ = self.deliver(b"Subject: x\r\n\r\ntext", sender=sender)
                self.assertEqual(email.message_from_bytes(octets)["Return-Path"], sender)

    def test_recipients_in_quotes(self):
        recipient = '"alice+x> NOTIFY=NEVER"@example.test'
        octets, _ = self.deliver(b"Subject: x\r\n\r\ntext", recipient=f"<{recipient}>")
        self.assertEqual(email.message_from_bytes(octets)["Delivered-To"], recipient)


if __name__ == "__main__":
    unittest.main()
