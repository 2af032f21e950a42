"""Delivery by virtual(8) into mailboxes of its own tables, and what mail readers find there."""

import os
import stat
import unittest

from instance import Instance, wait_until

UID = 5000 if os.geteuid() == 0 else os.geteuid()


class Virtual(unittest.TestCase):
    def test_into_mailboxes(self):
        with Instance(start=False) as mail:
            base = mail.path("boxes")
            os.mkdir(base)
            os.chmod(mail.dir, 0o755)
            if os.geteuid() == 0:
                os.chown(base, UID, UID)
            for name, value in {"virtual_transport": "virtual", "virtual_mailbox_base": base,
                                "virtual_mailbox_maps": "inline:{ {alice@example.test = alice/} {bob@example.test = bob} }",
                                "virtual_uid_maps": f"static:{UID}", "virtual_gid_maps": f"static:{UID}"}.items():
                mail.set(name, value)
            mail.start()
            mail.send("alice", body="first\r\n")
            mail.wait_for_log(r"to=<alice@example\.test>, relay=virtual, .*dsn=2\.0\.0, status=sent \(delivered to maildir\)")
            mail.send("alice", body="second\r\n")
            wait_until(lambda: len(os.listdir(os.path.join(base, "alice/new"))) == 2, "both messages are there")
            texts = []
            for name in os.listdir(os.path.join(base, "alice/new")):
                path = os.path.join(base, "alice/new", name)
                info = os.stat(path)
                self.assertEqual((info.st_uid, stat.S_IMODE(info.st_mode)), (UID, 0o600))
                self.assertIn(f",S={info.st_size},W={info.st_size}", name)
                with open(path, newline="") as f:
                    texts.append(f.read())
            self.assertEqual(sum("first" in text for text in texts), 1)
            for text in texts:
                self.assertTrue(text.startswith("Return-Path: <carol@client.test>\r\nX-Original-To: alice@example.test\r\n"
                                                "Delivered-To: alice@example.test\r\nReceived:"), text)
            self.assertEqual(sorted(os.listdir(os.path.join(base, "alice"))), ["cur", "new", "tmp"])
            mail.send("bob")
            mail.wait_for_log(r"to=<bob@example\.test>, .*status=deferred \(virtual_mailbox_maps: .*does not end in a slash")


if __name__ == "__main__":
    unittest.main()
