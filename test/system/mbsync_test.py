"""mbsync (isync) keeps a Maildir and our INBOX the same, both ways, while mail goes on arriving.

1,000 messages; 5,000 with MALLEPOSTE_LONG_TESTS=1 (./run-tests --long).
"""

import os
import re
import shutil
import subprocess
import threading
import unittest

from instance import Instance, skip, wait_until

MESSAGES = 5000 if os.environ.get("MALLEPOSTE_LONG_TESTS") else 1000


class Mbsync(unittest.TestCase):
    def configure(self, mail):
        near = mail.path("near")
        for folder in ("", "/INBOX", "/INBOX/cur", "/INBOX/new", "/INBOX/tmp"):
            os.makedirs(near + folder, exist_ok=True)
        with open(mail.path("mbsyncrc"), "w") as rc:
            rc.write(f"""IMAPAccount host
Host 127.0.0.1
Port {mail.port['imap']}
User alice@example.test
Pass secret
SSLType None
AuthMechs LOGIN

IMAPStore far
Account host

MaildirStore near
Path {near}/
Inbox {near}/INBOX
SubFolders Verbatim

Channel both
Far :far:
Near :near:
Patterns INBOX
Create Both
Expunge Both
SyncState {near}/state
CopyArrivalDate yes
""")
        return near + "/INBOX"

    def sync(self, mail, **options):
        result = subprocess.run(["mbsync", "-c", mail.path("mbsyncrc"), "both"], **options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(result.returncode, 0, result.stdout)
        return result.stdout

    def texts(self, folder):
        """The Message-IDs in a Maildir, sorted: what must be the same on both sides."""
        found = []
        for part in ("cur", "new"):
            for name in os.listdir(os.path.join(folder, part)):
                with open(os.path.join(folder, part, name), "rb") as f:
                    found.append(re.search(rb"^Message-ID: (\S+)", f.read(), re.M | re.I)[1])
        return sorted(found)

    def test_the_certificate_of_init_is_for_the_address_in_the_readme(self):
        with Instance() as mail:
            self.configure(mail)
            with open(mail.path("mbsyncrc")) as rc:
                text = rc.read()
            text = text.replace(f"Port {mail.port['imap']}", f"Port {mail.port['imaps']}").replace("SSLType None", "SSLType IMAPS")
            # The certificate is an authority of the system here, so that mbsync looks at the names in it.
            for host in ("127.0.0.1", "localhost"):
                with open(mail.path("mbsyncrc"), "w") as rc:
                    rc.write(text.replace("Host 127.0.0.1", f"Host {host}"))
                self.sync(mail, env=dict(os.environ, SSL_CERT_FILE=mail.path("etc/cert.pem")))

    def test_both_sides_stay_the_same(self):
        with Instance() as mail:
            near = self.configure(mail)
            for i in range(MESSAGES):
                with open(f"{near}/new/{i}.sync.test", "w") as f:
                    f.write(f"From: carol@client.test\nSubject: {i}\nMessage-ID: <{i}@sync.test>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nbody {i}\n")
            self.sync(mail)
            self.assertEqual(len(mail.messages("alice")), MESSAGES)
            # Deliveries while it runs again and again.
            stop = threading.Event()
            delivered = []

            def deliver():
                while not stop.is_set():
                    delivered.append(mail.send(subject="meanwhile", body=f"number {len(delivered)}\r\n"))

            thread = threading.Thread(target=deliver)
            thread.start()
            try:
                for _ in range(5):
                    self.sync(mail)
            finally:
                stop.set()
                thread.join()
            wait_until(lambda: len(mail.messages("alice")) == MESSAGES + len(delivered), "all deliveries are there")
            # A deletion on one side and flags on the other.
            client = mail.imap("alice")
            client.select("INBOX")
            client.store("1:10", "+FLAGS", r"(\Deleted)")
            client.expunge()
            client.store("1:5", "+FLAGS", r"(\Flagged)")
            client.logout()
            self.sync(mail)
            self.sync(mail)
            self.assertEqual(self.texts(near), self.texts(mail.maildir("alice")))
            self.assertEqual(len(self.texts(near)), MESSAGES + len(delivered) - 10)
            flagged = [name for name in os.listdir(near + "/cur") if "F" in name.rsplit(",", 1)[-1]]
            self.assertEqual(len(flagged), 5)
            before = sorted(os.listdir(near + "/cur"))
            self.sync(mail)
            self.assertEqual(sorted(os.listdir(near + "/cur")), before, "a run with nothing to do changes nothing")
            print(f"{MESSAGES} messages, {len(delivered)} deliveries meanwhile, both sides the same")


if __name__ == "__main__":
    if not shutil.which("mbsync"):
        skip("mbsync is not installed")
    unittest.main()
