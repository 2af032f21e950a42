#!/usr/bin/env python3
"""Scripts for what a client does in a mailbox: moved to Junk and out of it, appended, flagged; and scripts that fail."""

import os
import re
import unittest

from instance import Instance

MESSAGE = b"From: bob@example.test\r\nSubject: %s\r\n\r\ntext\r\n"

SPAM = """require ["fileinto", "copy", "mailbox", "imap4flags", "environment", "imapsieve", "variables"];
if environment :matches "imap.cause" "*" { set "cause" "${1}"; }
if environment :matches "imap.mailbox" "*" { set "mailbox" "${1}"; }
fileinto :copy :create :flags "learn" "Spam${cause}In${mailbox}";
addflag "$Junk";
"""
HAM = """require ["fileinto", "copy", "mailbox", "imap4flags"];
fileinto :copy :create "Ham";
removeflag "$Junk";
"""
SENT = """require ["imap4flags"];
addflag "\\\\Seen";
"""
FLAGS = """require ["environment", "imapsieve", "imap4flags", "variables"];
if environment :matches "imap.changedflags" "*" { set "changed" "${1}"; }
if hasflag "\\\\Flagged" { addflag "star"; } else { removeflag "star"; }
if string :contains "${changed}" "done" { addflag "\\\\Answered"; }
"""
SCRIPTS = {
    "spam": ("Junk COPY", SPAM),
    "ham": ("* COPY from=Junk", HAM),
    "sent": ("Sent APPEND", SENT),
    "flags": ("INBOX FLAG", FLAGS),
    "broken": ("Broken APPEND,COPY,FLAG", 'require "fileinto";\nfileinto "x"\n'),
    "redirect": ("Redirect COPY", 'require ["copy", "imap4flags"];\naddflag "never";\nredirect :copy "bob@example.test";\n'),
    "away": ("Away APPEND", 'require ["fileinto", "mailbox"];\nfileinto :create "Elsewhere";\n'),
    "lost": ("Lost APPEND", 'require "fileinto";\nfileinto "There.Is.None";\n'),
    "gone": ("Gone APPEND", "discard;\n"),
}


class ImapSieveTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.host = Instance(start=False).__enter__()
        cls.addClassCleanup(cls.host.__exit__, None, None, None)
        folder = cls.host.path("scripts")
        os.mkdir(folder, mode=0o755)
        entries = []
        for name, (where, text) in SCRIPTS.items():
            path = os.path.join(folder, name + ".sieve")
            with open(path, "w", newline="") as out:
                out.write(text)
            os.chmod(path, 0o644)
            entries.append(f"{{ {where} {path} }}")
        cls.host.set("imap_sieve_scripts", " ".join(entries))
        cls.host.start()

    def setUp(self):
        self.client = self.host.imap()
        self.addCleanup(self.client.logout)
        for line in self.client.list()[1]:
            name = line.decode().split()[-1]
            if name != "INBOX":
                self.client.delete(name)
        for name in ("Junk", "Sent", "Broken", "Redirect", "Away", "Lost", "Gone"):
            self.assertEqual(self.client.create(name)[0], "OK")
        self.client.select("INBOX")
        self.client.uid("STORE", "1:*", "+FLAGS.SILENT", "(\\Deleted)")
        self.client.expunge()

    def append(self, mailbox, subject, flags=None):
        status, reply = self.client.append(mailbox, flags, None, MESSAGE % subject.encode())
        self.assertEqual(status, "OK", reply)

    def contents(self, mailbox):
        """[(subject, flags)] of a mailbox, as another client sees it."""
        with self.host.imap() as other:
            if other.select(mailbox, readonly=True)[0] != "OK":
                return None
            found = []
            for part in other.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
                if isinstance(part, tuple):
                    flags = re.search(rb"FLAGS \(([^)]*)\)", part[0]).group(1).decode().split()
                    subject = part[1].decode().partition(":")[2].strip()
                    found.append((subject, sorted(flag for flag in flags if flag != "\\Recent")))
            return found

    def test_into_junk_and_out_of_it(self):
        self.append("INBOX", "pills")
        self.client.select("INBOX")
        self.assertEqual(self.client._simple_command("MOVE", "1", "Junk")[0], "OK")
        self.assertEqual(self.contents("INBOX"), [])
        self.assertEqual(self.contents("Junk"), [("pills", ["$Junk"])])
        self.assertEqual(self.contents("SpamCOPYInJunk"), [("pills", ["learn"])])
        self.assertIsNone(self.contents("Ham"))

        self.client.select("Junk")
        self.assertEqual(self.client.uid("MOVE", "1", "INBOX")[0], "OK")
        self.assertEqual(self.contents("INBOX"), [("pills", [])])
        self.assertEqual(self.contents("Ham"), [("pills", ["$Junk"])])
        self.assertEqual(len(self.contents("SpamCOPYInJunk")), 1)

    def test_copy_of_several(self):
        for number in range(3):
            self.append("INBOX", f"pill {number}", "\\Flagged")
        self.client.select("INBOX")
        self.assertEqual(self.client.copy("1:3", "Junk")[0], "OK")
        self.assertEqual(self.contents("Junk"), [(f"pill {number}", ["$Junk", "\\Flagged"]) for number in range(3)])
        self.assertEqual(len(self.contents("SpamCOPYInJunk")), 3)
        # Neither an APPEND there nor flags are what that script is for; and its own changes run no script.
        self.append("Junk", "appended")
        self.assertEqual(self.contents("Junk")[-1], ("appended", []))

    def test_append(self):
        self.append("Sent", "sent")
        self.assertEqual(self.contents("Sent"), [("sent", ["\\Seen"])])
        self.append("INBOX", "no script for this")
        self.assertEqual(self.contents("INBOX"), [("no script for this", [])])

    def test_flags(self):
        self.append("INBOX", "one")
        self.append("INBOX", "two")
        self.client.select("INBOX")
        told = self.client.store("1", "+FLAGS", "(\\Flagged)")[1]
        self.assertEqual(self.contents("INBOX"), [("one", ["\\Flagged", "star"]), ("two", [])])
        # The client is told of its own change first, then of the script's.
        self.assertRegex(b"\n".join(told).decode(), r"(?s)FLAGS \(\\Flagged[^)]*\)\).*star")
        self.client.store("1:2", "+FLAGS.SILENT", "(done)")
        self.assertEqual(self.contents("INBOX"), [("one", ["\\Answered", "\\Flagged", "done", "star"]), ("two", ["\\Answered", "done"])])
        self.client.store("1", "-FLAGS", "(\\Flagged)")
        self.assertEqual(self.contents("INBOX")[0], ("one", ["\\Answered", "done"]))
        # Nothing really changes: no script runs.
        self.client.store("1", "-FLAGS", "(\\Answered)")
        before = self.host.log().count("cause=FLAG")
        self.client.store("1", "+FLAGS", "(done)")
        self.assertEqual(self.contents("INBOX")[0], ("one", ["done"]))
        self.assertEqual(self.host.log().count("cause=FLAG"), before)

    def test_a_broken_script_fails_no_command(self):
        self.append("Broken", "appended", "\\Flagged")
        self.append("INBOX", "copied")
        self.client.select("INBOX")
        self.assertEqual(self.client.copy("1", "Broken")[0], "OK")
        self.client.select("Broken")
        self.assertEqual(self.client.store("1", "+FLAGS", "\\Seen")[0], "OK")
        self.assertEqual(self.contents("Broken"), [("appended", ["\\Flagged", "\\Seen"]), ("copied", [])])
        for cause in ("APPEND", "COPY", "FLAG"):
            self.host.wait_for_log(rf"warning: sieve: user=alice@example.test, cause={cause}, mailbox=Broken: .*broken.sieve: broken:\d+:\d+: ")

    def test_redirect_is_an_error(self):
        self.append("INBOX", "to be sent on")
        self.client.select("INBOX")
        self.assertEqual(self.client._simple_command("MOVE", "1", "Redirect")[0], "OK")
        self.assertEqual(self.contents("Redirect"), [("to be sent on", [])])
        self.host.wait_for_log(r"mailbox=Redirect, uid=1: redirect:3: redirect cannot be done for a message that is in a mailbox -- the message stays")
        self.assertEqual(self.host.messages("bob"), [])

    def test_the_original_is_marked_and_never_expunged(self):
        self.append("Away", "filed")
        self.assertEqual(self.contents("Away"), [("filed", ["\\Deleted"])])
        self.assertEqual(self.contents("Elsewhere"), [("filed", [])])
        self.append("Gone", "discarded")
        self.assertEqual(self.contents("Gone"), [("discarded", ["\\Deleted"])])
        self.append("Lost", "kept")
        self.assertEqual(self.contents("Lost"), [("kept", [])])
        self.host.wait_for_log(r"mailbox=Lost, uid=1: lost:2: .*There\.Is\.None.* -- the message stays")

    def test_a_wrong_entry_is_told(self):
        with Instance(main_cf={"imap_sieve_scripts": "{ Junk MOVE /x.sieve }"}, start=False) as host:
            host.start()
            client, _ = host.raw("imap")
            self.addCleanup(client.close)
            client.sendall(b"a LOGIN alice@example.test secret\r\n")
            host.wait_for_log(r'fatal: parameter imap_sieve_scripts: { Junk MOVE /x\.sieve }: "MOVE" is not one of')


if __name__ == "__main__":
    unittest.main()
