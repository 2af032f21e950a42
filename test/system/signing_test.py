"""DKIM in the house: what is signed and what is not, keys that are not there, bounces, and other people's verifiers."""

import email
import os
import smtplib
import subprocess
import unittest

from instance import Instance, program, wait_until

ROUTES = "inline:{ {gone.test = error:5.1.1 no such place} }"


class Signing(unittest.TestCase):
    def setUp(self):
        # Nobody is in mynetworks, so a client that did not log in is a stranger.
        self.mail = Instance(main_cf={"mynetworks": "192.0.2.0/24", "transport_maps": ROUTES,
                                      "dkim_sign_table": "texthash:$config_directory/sign"}, start=False)
        self.mail.__enter__()
        self.failed_before = self.failures()
        self.zone = self.mail.path("etc/zone")
        self.keys = [self.keygen("r1", "rsa"), self.keygen("e1", "ed25519")]
        self.write_table(f"{self.mail.domain} r1:{self.keys[0]} e1:{self.keys[1]}\n"
                         f".{self.mail.domain} r1:{self.keys[0]}\n")
        self.mail.start()

    def tearDown(self):
        failed = self.failures() > self.failed_before
        self.mail.__exit__(AssertionError if failed else None, None, None)

    def failures(self):
        result = self._outcome.result
        return len(result.failures) + len(result.errors)

    def write_table(self, text):
        with open(self.mail.path("etc/sign.new"), "w") as out:
            out.write(text)
        os.rename(self.mail.path("etc/sign.new"), self.mail.path("etc/sign"))

    def keygen(self, selector, kind):
        """A key in etc/; its record goes into the zone file. Returns the file."""
        lines = self.mail.run("mailauth", "keygen", "--domain", self.mail.domain, "--selector", selector, "--type", kind,
                              "--directory", self.mail.path("etc")).stdout.splitlines()
        self.assertEqual(lines[0], "keygen=done")
        with open(self.zone, "a") as out:
            out.write(next(line for line in lines if " IN TXT " in line) + "\n")
        return next(line.split(": ", 1)[1] for line in lines if line.startswith("keygen.file: "))

    def submit(self, to, sender="alice", text="Subject: hi\r\n\r\nhello\r\n"):
        with self.mail.smtp("submission") as client:
            client.starttls(context=self.mail.tls_context())
            client.login(self.mail.address("alice"), "secret")
            client.sendmail(self.mail.address(sender), [self.mail.address(to)],
                            f"From: {self.mail.address(sender)}\r\nTo: {self.mail.address(to)}\r\n{text}")

    def arrived(self, user, count=1):
        paths = wait_until(lambda: len(found := self.mail.messages(user)) >= count and found, f"{user} has mail")
        contents = []
        for path in paths:
            with open(path, "rb") as message:
                contents.append(message.read())
        return contents

    def verdicts(self, content):
        result = subprocess.run([program("mailauth"), "-c", self.mail.path("etc"), "dkim", "--dns", self.zone], input=content,
                                stdout=subprocess.PIPE, check=True)
        return [line for line in result.stdout.decode().splitlines() if line.startswith("dkim=")]

    def test_what_is_ours_is_signed_with_every_key(self):
        self.submit("bob", text="Subject: hi\r\n\r\n" + "a long line of text that goes on \r\n" * 20000)
        content = self.arrived("bob")[0]
        self.assertEqual(self.verdicts(content), ["dkim=pass", "dkim=pass"])
        self.mail.wait_for_log(r"cleanup\[\d+\]: \w+: DKIM-Signature field added \(s=r1, d=example.test, s=e1, d=example.test\)")
        message = email.message_from_bytes(content)
        self.assertEqual(len(message.get_all("DKIM-Signature")), 2)
        self.mail.run("sendmail", "-f", self.mail.address("bob"), self.mail.address("alice"),
                      input=f"From: {self.mail.address('bob')}\nSubject: local\n\nhello\n")
        self.assertEqual(self.verdicts(self.arrived("alice")[0]), ["dkim=pass", "dkim=pass"])

    def test_a_stranger_is_not_signed(self):
        self.mail.send(to="bob", sender=self.mail.address("alice"))
        self.assertEqual(self.verdicts(self.arrived("bob")[0]), ["dkim=none"])

    def test_bounces_are_signed(self):
        self.mail.run("sendmail", "-f", self.mail.address("alice"), "x@gone.test", input="Subject: hi\n\nhello\n")
        content = self.arrived("alice")[0]
        self.assertIn(b"From: MAILER-DAEMON@example.test", content)
        self.assertEqual(self.verdicts(content), ["dkim=pass", "dkim=pass"])

    def test_a_key_that_is_gone_defers(self):
        os.rename(self.keys[1], self.keys[1] + ".away")
        self.mail.run("malleposte", "reload")
        self.write_table(f"{self.mail.domain} e1:{self.keys[1]}\n")
        def refused():
            try:
                self.submit("bob")
            except smtplib.SMTPDataError as error:
                return error
        error = wait_until(refused, "a message is refused for now")
        self.assertEqual((error.smtp_code, error.smtp_error[:6]), (451, b"4.7.0 "))
        self.mail.wait_for_log(r"not signed: .*e1\.example\.test\.key: No such file or directory")
        before = len(self.mail.messages("bob"))
        self.write_table(f"{self.mail.domain} unsigned_on_failure e1:{self.keys[1]}\n")
        def taken():
            try:
                self.submit("bob")
                return True
            except smtplib.SMTPDataError:
                return False
        wait_until(taken, "the table says that it may leave unsigned")
        self.assertEqual(self.verdicts(self.arrived("bob", before + 1)[-1]), ["dkim=none"])

    def test_a_new_key_is_used_without_a_reload(self):
        self.submit("bob")      # the signer runs, and cleanup keeps its connection
        self.arrived("bob")
        before = self.mail.pids("signer")
        self.write_table(f"{self.mail.domain} r2:{self.keygen('r2', 'rsa')}\n")
        def signed_with_it():
            self.submit("bob")
            return "DKIM-Signature field added (s=r2, d=example.test)" in self.mail.log()
        wait_until(signed_with_it, "the new key signs")
        self.assertNotIn("not signed:", self.mail.log())
        self.assertNotEqual(self.mail.pids("signer"), before)

    def test_the_keys_stay_with_the_signer(self):
        self.submit("bob")
        self.arrived("bob")
        for name in self.keys:
            self.assertEqual(os.stat(name).st_mode & 0o777, 0o600)
        if os.geteuid() == 0:
            for pid in self.mail.pids("signer"):
                with open(f"/proc/{pid}/status") as status:
                    uids = next(line for line in status if line.startswith("Uid:")).split()[1:]
                self.assertNotIn("0", uids)

    def test_other_verifiers(self):
        self.submit("bob")
        content = self.arrived("bob")[0]
        script = ("import sys, dkim\n"
                  "records = {}\n"
                  "for line in open(sys.argv[1]):\n"
                  "    name, rest = line.split(' IN TXT ')\n"
                  "    records[name.encode()] = ''.join(rest.split('\"')[1::2]).encode()\n"
                  "message = sys.stdin.buffer.read()\n"
                  "for i in range(2):\n"
                  "    d = dkim.DKIM(message)\n"
                  "    print(d.verify(idx=i, dnsfunc=lambda name, timeout=5: records.get(name)))\n")
        if subprocess.run(["/usr/bin/python3", "-c", "import dkim"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("dkimpy is not installed")
        result = subprocess.run(["/usr/bin/python3", "-c", script, self.zone], input=content, stdout=subprocess.PIPE, check=True)
        self.assertEqual(result.stdout.decode().split(), ["True", "True"])


if __name__ == "__main__":
    unittest.main()
