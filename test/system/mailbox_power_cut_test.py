"""A power cut behind each kind of change that IMAP makes in mailboxes: what was answered with OK is there, under its UID.

On ext4, and on XFS where its tools are. 3 cuts each; 15 with MALLEPOSTE_LONG_TESTS=1 (./run-tests --long).
"""

import os
import random
import re
import shutil
import unittest

from instance import Instance, skip, wait_until
from power_cut_test import Disk, end_all

CUTS = 15 if os.environ.get("MALLEPOSTE_LONG_TESTS") else 3
FLAGS = (r"\Seen", r"\Flagged", r"\Answered", r"\Draft", "work", "play")


class Box:
    def __init__(self, validity):
        self.validity = validity
        self.messages = {}  # uid -> (flags, text)
        self.next = 1       # no new message may be below


class Model:
    """The mailboxes as the server has told us that they are."""

    def __init__(self, client, chance):
        self.client, self.chance = client, chance
        self.boxes, self.subscribed = {}, set()
        self.number = 0
        self.add_box("INBOX")

    def ask(self, method, *arguments):
        status, answer = method(*arguments)
        assert status == "OK", (method, arguments, answer)
        return answer

    def add_box(self, name):
        status = self.ask(self.client.status, name, "(UIDVALIDITY)")[0].decode()
        self.boxes[name] = Box(int(re.search(r"UIDVALIDITY (\d+)", status)[1]))

    def some_box(self, filled=False):
        names = [name for name, box in self.boxes.items() if box.messages or not filled]
        return self.chance.choice(sorted(names)) if names else None

    def some_uids(self, name):
        uids = sorted(self.boxes[name].messages)
        return self.chance.sample(uids, self.chance.randint(1, min(4, len(uids))))

    def some_flags(self):
        return self.chance.sample(FLAGS, self.chance.randint(0, 2))

    def append(self):
        name, flags = self.some_box(), self.some_flags()
        self.number += 1
        text = f"Subject: {self.number}\r\n\r\n".encode() + b"x" * self.chance.choice((10, 5000, 100000)) + b"\r\n"
        answer = self.ask(self.client.append, name, "(" + " ".join(flags) + ")", None, text)[0].decode()
        uid = int(re.search(r"APPENDUID \d+ (\d+)", answer)[1])
        self.put(name, uid, (frozenset(flags), text))

    def put(self, name, uid, message):
        box = self.boxes[name]
        assert uid >= box.next, f"{name}: UID {uid} is not new"
        box.messages[uid] = message
        box.next = uid + 1

    def select(self):
        name = self.some_box(filled=True)
        if name:
            self.ask(self.client.select, name)
        return name

    def store(self):
        name = self.select()
        if not name:
            return
        uids, flags = self.some_uids(name), frozenset(self.some_flags())
        self.ask(self.client.uid, "STORE", ",".join(map(str, uids)), "FLAGS.SILENT", "(" + " ".join(flags) + ")")
        for uid in uids:
            self.boxes[name].messages[uid] = (flags, self.boxes[name].messages[uid][1])

    def transfer(self, command):
        name = self.select()
        if not name:
            return
        target, uids = self.some_box(), sorted(self.some_uids(name))
        self.client.response("COPYUID")  # an older one
        self.ask(self.client.uid, command, ",".join(map(str, uids)), target)
        told = self.client.response("COPYUID")[1][-1].decode().split()
        ends = [int(number) for number in re.split("[:,]", told[2])]
        new = list(range(ends[0], ends[-1] + 1))
        assert len(new) == len(uids), told
        for old, uid in zip(uids, new):
            self.put(target, uid, self.boxes[name].messages[old])
            if command == "MOVE":
                del self.boxes[name].messages[old]

    def copy(self):
        self.transfer("COPY")

    def move(self):
        self.transfer("MOVE")

    def expunge(self):
        name = self.select()
        if not name:
            return
        uids = self.some_uids(name)
        self.ask(self.client.uid, "STORE", ",".join(map(str, uids)), "+FLAGS.SILENT", r"(\Deleted)")
        self.ask(self.client.expunge)
        for uid in uids:
            del self.boxes[name].messages[uid]

    def create(self):
        self.number += 1
        name = f"box{self.number}"
        self.ask(self.client.create, name)
        self.add_box(name)

    def leave(self):
        if self.client.state == "SELECTED":
            self.ask(self.client.unselect)

    def others(self):
        return sorted(set(self.boxes) - {"INBOX"})

    def rename(self):
        if self.others():
            self.leave()
            name = self.chance.choice(self.others())
            self.number += 1
            self.ask(self.client.rename, name, f"named{self.number}")
            self.boxes[f"named{self.number}"] = self.boxes.pop(name)

    def delete(self):
        if len(self.others()) > 2:
            self.leave()
            name = self.chance.choice(self.others())
            self.ask(self.client.delete, name)
            del self.boxes[name]

    def subscribe(self):
        self.number += 1
        self.ask(self.client.subscribe, f"sub{self.number}")
        self.subscribed.add(f"sub{self.number}")

    CHANGES = (append, append, append, store, copy, move, expunge, create, rename, delete, subscribe)

    def change(self):
        self.chance.choice(self.CHANGES)(self)

    def compare(self, test, client):
        """What the server shows now; and it gives out no UID and no UIDVALIDITY that it gave out before."""
        self.client = client
        names = {line.decode().rsplit(" ", 1)[1] for line in self.ask(client.list)}
        test.assertEqual(names, set(self.boxes))
        subscribed = {line.decode().rsplit(" ", 1)[1] for line in self.ask(client.lsub) if line}
        test.assertEqual(subscribed, self.subscribed)
        for name, box in self.boxes.items():
            status = self.ask(client.status, name, "(UIDVALIDITY UIDNEXT)")[0].decode()
            test.assertEqual(int(re.search(r"UIDVALIDITY (\d+)", status)[1]), box.validity, name)
            box.next = max(box.next, int(re.search(r"UIDNEXT (\d+)", status)[1]))
            self.ask(client.select, name, True)
            found = {}
            for item in self.ask(client.uid, "FETCH", "1:*", "(FLAGS BODY.PEEK[])"):
                if isinstance(item, tuple):
                    head = item[0].decode()
                    flags = frozenset(re.search(r"FLAGS \(([^)]*)\)", head)[1].split()) - {r"\Recent"}
                    found[int(re.search(r"UID (\d+)", head)[1])] = (flags, item[1])
            test.assertEqual({uid: m[0] for uid, m in found.items()}, {uid: m[0] for uid, m in box.messages.items()}, name)
            for uid, message in box.messages.items():
                test.assertEqual(found[uid][1], message[1], f"{name}, UID {uid}")
        self.leave()


class MailboxPowerCut(unittest.TestCase):
    def test_ext4(self):
        self.run_on("ext4")

    @unittest.skipUnless(shutil.which("mkfs.xfs"), "skipped: no mkfs.xfs on this machine")
    def test_xfs(self):
        self.run_on("xfs")

    def run_on(self, kind):
        seed = int(os.environ.get("MALLEPOSTE_SEED", random.randrange(1 << 30)))
        disk = Disk(kind)
        disk.make()
        try:
            self.run_cuts(disk, random.Random(seed))
            print(f"{kind}: {CUTS} cuts, seed {seed}")
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        finally:
            disk.remove()

    def run_cuts(self, disk, chance):
        directory = os.path.join(disk.folder, "host")
        os.makedirs(directory)
        with Instance(directory=directory) as mail:
            model = Model(mail.imap(), chance)
            for _ in range(CUTS):
                os.sync()
                for _ in range(chance.randint(10, 40)):
                    model.change()
                # Everything so far was answered, and nothing is under way.
                disk.cut()
                model.client.shutdown()
                end_all(mail)
                disk.unmount()
                disk.mount()
                mail.start()
                client = wait_until(lambda: self.try_imap(mail), "IMAP answers again")
                model.compare(self, client)
            model.client.logout()

    def try_imap(self, mail):
        try:
            return mail.imap()
        except OSError:
            return None


if __name__ == "__main__":
    if os.geteuid() != 0:
        skip("only root may mount a loop device")
    unittest.main()
