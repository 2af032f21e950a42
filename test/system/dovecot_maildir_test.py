"""Our mailboxes and Dovecot on the same files: the same UIDs, flags and keywords on both sides, and our promises stay.

Needs doveadm (Debian's dovecot-core).
"""

import os
import re
import shutil
import subprocess
import unittest

from instance import Instance, skip, wait_until


class Doveadm:
    """Dovecot's storage on one Maildir, with its owner's rights."""

    def __init__(self, mail, maildir):
        self.maildir, self.owner = maildir, os.stat(maildir)
        self.folder = mail.path("dovecot")
        os.makedirs(self.folder + "/run")
        self.conf = self.folder + "/dovecot.conf"
        with open(self.conf, "w") as f:
            f.write(f"base_dir = {self.folder}/run\nlog_path = {self.folder}/log\nssl = no\n"
                    f"mail_location = maildir:{maildir}\nmail_uid = {self.owner.st_uid}\nmail_gid = {self.owner.st_gid}\n"
                    f"first_valid_uid = 1\nfirst_valid_gid = 1\n")
        if os.geteuid() == 0:
            for path in (self.folder, self.folder + "/run", self.conf):
                os.chown(path, self.owner.st_uid, self.owner.st_gid)

    def run(self, *words, given=None):
        become = {"user": self.owner.st_uid, "group": self.owner.st_gid} if os.geteuid() == 0 else {}
        environment = dict(os.environ, HOME=self.folder, USER="alice")
        return subprocess.run(["doveadm", "-c", self.conf, *words], check=True, env=environment, cwd=self.folder, input=given,
                              stdout=subprocess.PIPE, text=True, **become).stdout

    def messages(self):
        """UID -> flags and keywords, as Dovecot sees them."""
        text = self.run("fetch", "uid flags", "mailbox", "INBOX")
        return {int(uid): frozenset(flags.split()) - {r"\Recent"}
                for uid, flags in re.findall(r"^uid: (\d+)\nflags: ?(.*)$", text, re.M)}


def messages(client):
    status, items = client.uid("FETCH", "1:*", "(FLAGS)")
    assert status == "OK"
    found = {}
    for item in items:
        text = item.decode() if item else ""
        match = re.search(r"UID (\d+)", text)
        if match:
            found[int(match[1])] = frozenset(re.search(r"FLAGS \(([^)]*)\)", text)[1].split()) - {r"\Recent"}
    return found


class SharedMaildir(unittest.TestCase):
    def head(self):
        with open(os.path.join(self.maildir, "dovecot-uidlist")) as f:
            return dict((word[0], word[1:]) for word in f.readline().split()[1:])

    def test_both_on_the_same_files(self):
        with Instance() as mail:
            client = mail.imap()
            for number, flags in enumerate([r"(\Seen)", "(work)", "()", r"(\Flagged \Answered)"]):
                client.append("INBOX", flags, None, f"Subject: {number}\r\n\r\nx\r\n".encode())
            self.maildir = mail.maildir("alice")
            client.select("INBOX")
            ours = messages(client)
            self.assertEqual(sorted(ours), [1, 2, 3, 4])
            validity = self.head()["V"]
            dovecot = Doveadm(mail, self.maildir)
            self.assertEqual(dovecot.messages(), ours)

            # Flags of Dovecot's, and a message that it puts there.
            dovecot.run("flags", "add", r"\Seen play", "mailbox", "INBOX", "uid", "3")
            dovecot.run("expunge", "mailbox", "INBOX", "uid", "1")
            dovecot.run("save", given="Subject: saved\n\nx\n")
            wait_until(lambda: client.noop()[0] == "OK" and messages(client).get(3) == {r"\Seen", "play"}, "Dovecot's flags are seen")
            ours = messages(client)
            self.assertEqual(len(ours), 4)
            self.assertEqual(dovecot.messages(), ours)

            # Dovecot writes the list anew when much of it is dead: what we promised stays in it.
            promised = self.head()["M"]
            with open(os.path.join(self.maildir, "dovecot-uidlist"), "a") as f:
                f.writelines(f"{uid} :dead.{uid}\n" for uid in range(1000, 2000))
            inode = os.stat(os.path.join(self.maildir, "dovecot-uidlist")).st_ino
            dovecot.run("force-resync", "INBOX")
            self.assertEqual(self.head()["V"], validity)
            self.assertEqual(self.head()["M"], promised)
            changed = os.stat(os.path.join(self.maildir, "dovecot-uidlist")).st_ino != inode
            print("Dovecot wrote the list anew" if changed else "Dovecot left the list as it was")

            # Everything of ours that can be lost is lost.
            client.logout()
            mail.stop()
            shutil.rmtree(os.path.join(self.maildir, "malleposte.index"))
            mail.start()
            client = mail.imap()
            client.select("INBOX")
            self.assertEqual(messages(client), ours)
            self.assertEqual(self.head()["V"], validity)
            self.assertGreater(int(self.head()["M"]), int(promised))
            client.append("INBOX", None, None, b"Subject: last\r\n\r\nx\r\n")
            last = max(messages(client))
            self.assertGreater(last, max(ours))
            self.assertEqual(max(dovecot.messages()), last)
            client.logout()


if __name__ == "__main__":
    if not shutil.which("doveadm"):
        skip("doveadm is not installed")
    unittest.main()
