"""The queue from outside: submission, listing, surgery, reports, damage, and what hostile local users can reach."""

import email
import json
import os
import random
import re
import shutil
import socket
import subprocess
import time
import unittest

from instance import Instance, program, wait_until

# bounce@, later@: routes that fail for good, or for now.
ROUTES = "inline:{ {gone.test = error:5.1.1 no such place} {later.test = retry:4.2.0 come back later} }"
SETTINGS = {"transport_maps": ROUTES, "virtual_alias_maps": "inline:{ {list@example.test = alice@example.test, bob@example.test} }"}


class Queue(unittest.TestCase):
    def setUp(self):
        self.mail = Instance(main_cf=SETTINGS)
        self.mail.__enter__()
        self.failed_before = self.failures()

    def tearDown(self):
        failed = self.failures() > self.failed_before
        self.mail.__exit__(AssertionError if failed else None, None, None)

    def failures(self):
        result = self._outcome.result
        return len(result.failures) + len(result.errors)

    def sendmail(self, *arguments, text="Subject: hi\n\nhello\n", check=True):
        return self.mail.run("sendmail", *arguments, input=text, check=check)

    def one_message(self, user="alice"):
        def arrived():
            if not self.mail.messages(user):
                self.mail.run("postqueue", "-f", check=False)
            return self.mail.messages(user)
        path = wait_until(arrived, f"{user} has mail")[0]
        with open(path, "rb") as f:
            return email.message_from_bytes(f.read())

    def empty_the_queue(self):
        def flushed():
            self.mail.run("postqueue", "-f")
            return "Mail queue is empty" in self.mail.queue()
        wait_until(flushed, "the queue is empty")

    def entries(self):
        return [json.loads(line) for line in self.mail.run("postqueue", "-j").stdout.splitlines()]

    def deferred(self, *recipients):
        """A message that stays in the deferred queue; its id."""
        self.sendmail("-f", "alice@example.test", *(recipients or ["x@later.test"]))
        return wait_until(lambda: [e for e in self.entries() if e["queue_name"] == "deferred"], "it is deferred")[0]["queue_id"]

    def test_queue_files_of_the_build_before(self):
        data = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "queue")
        self.mail.stop()
        owner = os.stat(self.mail.path("spool/incoming"))
        for name, place in (("fresh", "incoming/0123456789A"), ("deferred", "deferred/0123456789B"), ("maildrop", "maildrop/0123456789C")):
            path = self.mail.path("spool/" + place)
            shutil.copyfile(os.path.join(data, name), path)
            os.chmod(path, 0o644 if name == "maildrop" else 0o600)
            if os.getuid() == 0:
                os.chown(path, 0 if name == "maildrop" else owner.st_uid, -1)
        self.mail.start()
        self.mail.wait_for_log("0123456789A: removed")
        self.empty_the_queue()
        self.assertIn("0123456789B: removed", self.mail.log())
        self.assertNotIn("damaged", self.mail.log())

        def messages(user):
            found = []
            for path in self.mail.messages(user):
                with open(path, "rb") as f:
                    found.append(email.message_from_bytes(f.read()))
            return found
        def subjects(user):
            return sorted(message["Subject"] for message in messages(user))
        self.assertEqual(subjects("bob"), ["from the build before"] * 3)
        # Of the deferred message alice had hers; and she sent all three, with NOTIFY=SUCCESS for bob.
        wait_until(lambda: len(self.mail.messages("alice")) == 7, "alice has all reports")
        self.assertEqual(subjects("alice"), ["Successful Mail Delivery Report"] * 3 + ["Undelivered Mail Returned to Sender"] * 2
                         + ["from the build before"] * 2)
        for report in messages("alice"):
            if report.get_content_type() == "multipart/report":
                self.assertEqual(report.get_payload(1).get_payload(0)["Original-Envelope-Id"], "QQ+314159")

    def test_local_submission(self):
        self.sendmail("-i", "-f", "carol@example.test", "-F", "Carol (x)", "alice@example.test", text="no header\n.\nend\n")
        message = self.one_message()
        self.assertEqual(message["From"], '"Carol (x)" <carol@example.test>')
        self.assertTrue(message["Message-Id"] and message["Date"])
        self.assertIn("from userid", message.get_all("Received")[-1])
        self.assertEqual(message.get_payload().replace("\r\n", "\n"), "no header\n.\nend\n")

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be somebody else")
    def test_an_ordinary_user_without_set_gid_is_told_what_is_missing(self):
        os.chmod(self.mail.dir, 0o755)
        for command, status, *arguments in (("mailq", 77), ("postqueue", 77, "-f"), ("sendmail", 75, "alice@example.test")):
            option = "-C" if command == "sendmail" else "-c"
            result = subprocess.run([program(command), option, self.mail.path("etc"), *arguments], input="Subject: x\n\nhi\n", text=True,
                                    capture_output=True, user=65534, group=65534, extra_groups=[])
            needs = os.path.realpath(program("postdrop" if command == "sendmail" else command))
            self.assertIn(f"{needs} must be set-gid postdrop; as root: chgrp postdrop {needs} && chmod 2755 {needs}", result.stderr)
            self.assertNotIn("is down", result.stderr)
            self.assertEqual(result.returncode, status)

    def test_recipients_from_the_header(self):
        self.sendmail("-t", text="To: alice@example.test\nBcc: bob@example.test\nSubject: t\n\nbody\n")
        self.assertEqual(self.one_message()["Subject"], "t")
        self.assertIsNone(self.one_message("bob")["Bcc"])

    def test_exit_codes(self):
        self.assertEqual(self.sendmail(check=False).returncode, 64)
        self.assertIn("Recipient addresses must be specified on the command line or via the -t option",
                      self.sendmail(check=False).stderr)
        self.assertEqual(self.sendmail("-t", text="Subject: x\n\n", check=False).returncode, 64)
        self.assertEqual(self.sendmail("-bz", check=False).returncode, 64)
        self.assertEqual(self.sendmail("-f", "x\ny", "alice@example.test", check=False).returncode, 64)
        self.mail.run("postconf", "-e", "message_size_limit = 20000")
        self.assertEqual(self.sendmail("alice@example.test", text="x" * 30000, check=False).returncode, 69)

    def test_alias_gives_each_one_copy(self):
        self.sendmail("list@example.test", "alice@example.test", "list@example.test")
        self.one_message("bob")
        self.empty_the_queue()
        self.assertEqual(len(self.mail.messages("bob")), 1)

    def test_listing_and_surgery(self):
        self.assertEqual(self.mail.queue(), "Mail queue is empty\n")
        ident = self.deferred("x@later.test", "y@later.test")
        listing = self.mail.queue()
        self.assertRegex(listing, rf"(?m)^{ident}  +\d+ \w\w\w \w\w\w [ \d]\d \d\d:\d\d:\d\d  alice@example.test$")
        self.assertIn(" " * (76 - len("come back later")) + "(come back later)\n" + " " * 41 + "x@later.test\n"
                      + " " * 41 + "y@later.test\n", listing)
        self.assertTrue(listing.endswith("\n-- 0 Kbytes in 1 Request.\n"))
        self.assertEqual(self.mail.run("mailq").stdout, listing)
        self.assertEqual(self.mail.run("sendmail", "-bp").stdout, listing)

        out = self.mail.run("postsuper", "-h", ident).stderr
        self.assertEqual(out, f"postsuper: {ident}: placed on hold\npostsuper: Placed on hold: 1 message\n")
        self.assertIn(ident + "!", self.mail.queue())
        self.mail.run("postqueue", "-f")
        self.assertIn("released from hold", self.mail.run("postsuper", "-H", "ALL").stderr)
        self.mail.run("postqueue", "-i", ident)
        self.mail.wait_for_log(rf"{ident}: to=<x@later.test>.*status=deferred", count=2)

        self.assertIn("recipient: x@later.test\n", self.mail.run("postcat", "-q", ident).stdout)
        text = self.mail.run("postcat", "-bhq", ident).stdout
        self.assertTrue(text.startswith("Received: ") and text.endswith("\n\nhello\n"))

        wait_until(lambda: self.entries()[0]["queue_name"] == "deferred", "it is deferred again")
        self.assertIn("requeued", self.mail.run("postsuper", "-r", ident).stderr)
        self.assertIn("invalid mail queue id: x!", self.mail.run("postsuper", "-d", "x!").stderr)
        self.sendmail("alice@example.test")  # wakes pickup
        new = wait_until(lambda: [e["queue_id"] for e in self.entries()
                                  if e["queue_name"] == "deferred" and e["queue_id"] != ident], "it has a new id")[0]
        self.assertEqual(self.mail.run("postsuper", "-d", "-", input=new + "\n").stderr,
                         f"postsuper: {new}: removed\npostsuper: Deleted: 1 message\n")
        self.mail.wait_for_empty_queue()

    def test_report_of_a_failure(self):
        self.sendmail("-f", "alice@example.test", "x@gone.test", "bob@example.test")
        report = self.one_message()
        self.assertEqual(report["Subject"], "Undelivered Mail Returned to Sender")
        self.assertEqual(report["Auto-Submitted"], "auto-replied")
        self.assertEqual(report["Return-Path"], "<>")
        self.assertEqual(report.get_content_type(), "multipart/report")
        text, status, original = report.get_payload()
        self.assertIn("<x@gone.test>: no such place", text.get_payload())
        fields = status.get_payload()[1]
        self.assertEqual((fields["Final-Recipient"], fields["Action"], fields["Status"]),
                         ("rfc822; x@gone.test", "failed", "5.1.1"))
        self.assertEqual(original.get_payload()[0]["Subject"], "hi")
        self.mail.wait_for_empty_queue()

    def test_no_report_about_a_report(self):
        self.sendmail("-f", "<>", "x@gone.test")
        self.mail.wait_for_log(r"status=bounced")
        self.mail.wait_for_empty_queue()
        self.assertNotIn("non-delivery notification", self.mail.log())

    def test_postmaster_is_told(self):
        self.mail.run("postconf", "-e", "notify_classes = 2bounce, bounce", "2bounce_notice_recipient = bob@example.test",
                      "bounce_notice_recipient = bob@example.test")
        self.sendmail("-f", "<>", "x@gone.test")  # before bounce runs for the first time
        notice = self.one_message("bob")
        self.assertEqual(notice["Subject"], "Postmaster Copy: Undelivered Mail")
        self.assertRegex(notice["Return-Path"], "<double-bounce@.*>")

    def test_long_queue_ids(self):
        self.mail.run("postconf", "-e", "enable_long_queue_ids = yes")
        ident = self.deferred()  # cleanup starts with the first message
        self.assertRegex(ident, r"^[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]{4,}$")
        lines = self.mail.queue().splitlines()
        self.assertEqual(lines[0], "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------")
        self.assertRegex(lines[1], rf"^{ident} +\d+ \w\w\w \w\w\w [ \d]\d \d\d:\d\d:\d\d alice@example.test$")
        self.assertEqual(self.mail.run("postsuper", "-d", ident).stderr,
                         f"postsuper: {ident}: removed\npostsuper: Deleted: 1 message\n")

    def test_expired_by_hand(self):
        ident = self.deferred()
        self.mail.run("postsuper", "-e", ident)
        self.assertIn(ident + "#", self.mail.queue())
        self.mail.run("postqueue", "-f")
        self.assertEqual(self.one_message()["Subject"], "Undelivered Mail Returned to Sender")
        self.mail.wait_for_log(rf"{ident}: from=<alice@example.test>, status=force-expired, returned to sender")

    def test_restart_from_the_directories(self):
        ident = self.deferred()
        self.mail.stop()
        listing = self.mail.run("postqueue", "-p", check=False)
        self.assertIn(ident, listing.stdout)
        self.assertIn("warning: Mail system is down -- accessing queue directly", listing.stderr)
        self.sendmail("alice@example.test")  # is kept until the system is back
        self.mail.start()
        self.one_message()
        self.mail.run("postqueue", "-f")
        self.mail.wait_for_log(rf"{ident}: to=<x@later.test>", count=2)

    def test_damaged_files(self):
        ident = self.deferred()
        self.mail.stop()
        path = self.mail.path(f"spool/deferred/{ident}")
        with open(path, "r+b") as f:
            f.seek(200)
            byte = f.read(1)
            f.seek(200)
            f.write(bytes([byte[0] ^ 1]))
        os.utime(path, (1, 1))
        with open(self.mail.path("spool/incoming/ABCDEF12345"), "wb"):
            pass
        owner = os.stat(self.mail.path("spool/incoming"))
        os.chown(self.mail.path("spool/incoming/ABCDEF12345"), owner.st_uid, owner.st_gid)
        os.utime(self.mail.path("spool/incoming/ABCDEF12345"), (1, 1))
        self.mail.start()
        wait_until(lambda: os.path.exists(self.mail.path(f"spool/corrupt/{ident}")), "it is set apart")
        wait_until(lambda: not os.path.exists(self.mail.path("spool/incoming/ABCDEF12345")), "debris is removed")
        self.sendmail("alice@example.test")
        self.one_message()

    def test_rubbish_on_local_sockets(self):
        chance = random.Random(4)
        for name in ("cleanup", "qmgr", "showq", "pickup"):
            for size in (0, 1, 4, 100, 70000):
                with socket.socket(socket.AF_UNIX) as s:
                    s.settimeout(5)
                    s.connect(self.mail.path(f"spool/public/{name}"))
                    try:
                        s.sendall(chance.randbytes(size))
                        s.shutdown(socket.SHUT_WR)
                        while s.recv(65536):
                            pass
                    except OSError:
                        pass
        self.sendmail("alice@example.test")
        self.one_message()

    def test_links_in_maildrop(self):
        maildrop = self.mail.path("spool/maildrop")
        os.symlink("/etc/passwd", maildrop + "/AAAAA11111")
        os.mkfifo(maildrop + "/AAAAA22222")
        with open(self.mail.path("other"), "w") as f:
            f.write("secret")
        os.link(self.mail.path("other"), maildrop + "/AAAAA33333")
        self.sendmail("alice@example.test")
        self.one_message()
        self.assertNotIn("secret", self.mail.log())

    def test_very_long_input(self):
        long = "x" * 3_000_000
        self.sendmail("-i", "alice@example.test", text=f"Subject: {long[:200000]}\n{long}\n{long}")
        message = self.one_message()
        self.assertLessEqual(len(message["Subject"]), 102400)
        self.assertEqual(len(message.get_payload().replace("\r\n", "").replace("\n", "")), 6_000_000)

    def test_many_messages_and_a_dead_destination(self):
        for _ in range(3):
            self.sendmail("x@later.test")
        start = time.monotonic()
        for i in range(30):
            self.mail.send("alice", subject=f"number {i}")
        wait_until(lambda: len(self.mail.messages("alice")) == 30, "all thirty arrive")
        self.assertLess(time.monotonic() - start, 30)
        subjects = set()
        for path in self.mail.messages("alice"):
            with open(path) as f:
                subjects.add(re.search(r"Subject: (.*)", f.read()).group(1))
        self.assertEqual(len(subjects), 30)


if __name__ == "__main__":
    unittest.main()
