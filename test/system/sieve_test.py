#!/usr/bin/env python3
"""Users' own rules at delivery: sorting, redirecting, answering, refusing, and never a message lost."""

import os
import re
import shutil
import subprocess
import time
import unittest

import instance
from instance import Instance, wait_until

SORTING = """require ["fileinto", "imap4flags", "mailbox", "subaddress", "envelope", "copy"];
if header :contains "subject" "list" {
    fileinto :create :flags "\\\\Seen" "Lists";
} elsif envelope :detail "to" "bills" {
    fileinto :create "Bills";
} elsif header :is "subject" "both" {
    fileinto :copy :create "Copies";
} elsif header :is "subject" "gone" {
    discard;
} elsif header :is "subject" "nowhere" {
    fileinto "There.Is.None";
}
"""


class SieveTest(unittest.TestCase):
    maxDiff = None

    def install(self, host, user, script, name="main"):
        """As the user would: a script in ~/sieve, a link to it."""
        home = host.path(f"mail/{user}")
        owner = os.stat(home)
        folder = os.path.join(home, "sieve")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.path.join(folder, name + ".sieve"), "w", newline="") as out:
            out.write(script)
        link = os.path.join(home, ".dovecot.sieve")
        if os.path.lexists(link):
            os.remove(link)
        os.symlink(f"sieve/{name}.sieve", link)
        if os.geteuid() == 0:
            for path in (folder, os.path.join(folder, name + ".sieve"), link):
                os.lchown(path, owner.st_uid, owner.st_gid)

    def folder(self, host, user, name):
        """(flags, text) of the messages of a mailbox."""
        base = os.path.join(host.path(f"mail/{user}/Maildir"), "" if name == "INBOX" else "." + name)
        found = []
        for part in ("new", "cur"):
            path = os.path.join(base, part)
            for entry in sorted(os.listdir(path)) if os.path.isdir(path) else []:
                with open(os.path.join(path, entry), "rb") as f:
                    found.append((entry.partition(":2,")[2], f.read().decode("utf-8", "replace").replace("\r\n", "\n")))
        return found

    def subjects(self, host, user, name):
        return sorted(re.search(r"^Subject: (.*)$", text, re.M).group(1) for _, text in self.folder(host, user, name))

    def test_sorting(self):
        with Instance(main_cf={"recipient_delimiter": "+"}) as host:
            self.install(host, "alice", SORTING)
            for subject, to in (("the list", "alice"), ("plain", "alice"), ("bill", "alice+bills@example.test"), ("both", "alice"),
                                ("gone", "alice"), ("nowhere", "alice")):
                host.send(to=to, subject=subject)
            host.wait_for_empty_queue()
            self.assertEqual(self.subjects(host, "alice", "Lists"), ["the list"])
            self.assertIn("S", self.folder(host, "alice", "Lists")[0][0])
            self.assertEqual(self.subjects(host, "alice", "Bills"), ["bill"])
            self.assertEqual(self.subjects(host, "alice", "Copies"), ["both"])
            # The mailbox that is not there: the INBOX, and a note, once.
            self.assertEqual(self.subjects(host, "alice", "INBOX"), ["Your mail filter has a problem", "both", "nowhere", "plain"])
            self.assertIn("There.Is.None", host.log())
            with host.imap() as client:
                names = [line.decode().split()[-1] for line in client.list()[1]]
                self.assertIn("Lists", names)
                self.assertIn("Lists", [line.decode().split()[-1] for line in client.lsub()[1]])

    def test_a_script_in_error_loses_nothing(self):
        with Instance() as host:
            self.install(host, "alice", 'require "fileinto";\nif header :contians "subject" "x" { discard; }\n')
            for number in range(3):
                host.send(subject=f"message {number}")
            host.wait_for_empty_queue()
            self.assertEqual(self.subjects(host, "alice", "INBOX"),
                             ["Your mail filter has a problem"] + [f"message {number}" for number in range(3)])
            self.assertRegex(host.log(), r"main:2:\d+: ")
            self.install(host, "alice", "discard;\n")
            host.send(subject="gone")
            host.wait_for_empty_queue()
            self.assertNotIn("gone", self.subjects(host, "alice", "INBOX"))

    def test_vacation(self):
        with Instance() as host:
            self.install(host, "alice", 'require "vacation";\nvacation :days 7 :subject "Away" "Back on Monday.";\n')
            for _ in range(2):
                host.send(sender="bob@example.test", subject="hello")
                host.wait_for_empty_queue()
            self.assertEqual(self.subjects(host, "bob", "INBOX"), ["Away"])
            answer = self.folder(host, "bob", "INBOX")[0][1]
            self.assertIn("\nAuto-Submitted: auto-replied", answer)
            self.assertIn("Back on Monday.", answer)
            self.assertIn("Return-Path: <>", answer)
            # Never to lists, bounces, or those who only got a copy without being named.
            host.send(sender="", subject="a bounce")
            host.send(sender="carol@example.test", subject="to a list", body="x\r\n")
            with host.smtp() as smtp:
                smtp.sendmail("bob2@example.test", ["alice@example.test"],
                              "From: bob2@example.test\r\nTo: alice@example.test\r\nList-Id: <x.example.test>\r\nSubject: l\r\n\r\nx\r\n")
            host.wait_for_empty_queue()
            self.assertEqual(len(self.folder(host, "bob", "INBOX")), 1)
            log = host.log()
            self.assertEqual(len(re.findall(r"sieve mail from=<>", log)), 2, log)  # to bob, and to carol who is unknown

    def test_refusing(self):
        with Instance() as host:
            self.install(host, "alice", 'require "ereject";\nif header :is "subject" "no" { ereject text:\nNot today,\nthank you.\n.\n; }\n')
            host.send(sender="bob@example.test", subject="no")
            host.send(sender="bob@example.test", subject="yes")
            wait_until(lambda: self.folder(host, "bob", "INBOX"), "the bounce")
            host.wait_for_empty_queue()
            self.assertIn("550 5.7.1", self.folder(host, "bob", "INBOX")[0][1])
            self.assertIn("Not today, thank you.", self.folder(host, "bob", "INBOX")[0][1])
            self.assertEqual(self.subjects(host, "alice", "INBOX"), ["yes"])

    def test_refusing_in_words_that_a_reply_cannot_say(self):
        with Instance() as host:
            self.install(host, "alice", 'require "reject";\nreject "Désolée, pas aujourd\'hui.";\n')
            host.send(sender="bob@example.test", subject="no")
            wait_until(lambda: self.folder(host, "bob", "INBOX"), "the notification")
            host.wait_for_empty_queue()
            self.assertEqual(len(self.folder(host, "bob", "INBOX")), 1)
            self.assertIn("disposition-notification", self.folder(host, "bob", "INBOX")[0][1])
            self.assertEqual(self.folder(host, "alice", "INBOX"), [])

    def test_redirect_and_its_loop(self):
        with Instance() as host:
            self.install(host, "alice", 'redirect "bob@example.test";\n')
            self.install(host, "bob", 'redirect "alice@example.test";\n')
            host.send(sender="bob@example.test", subject="round")
            wait_until(lambda: self.folder(host, "alice", "INBOX") or self.folder(host, "bob", "INBOX"), "an end of the loop")
            host.wait_for_empty_queue()
            self.assertEqual(len(self.folder(host, "alice", "INBOX")) + len(self.folder(host, "bob", "INBOX")), 1)
            self.assertEqual(len(re.findall("redirected: queued", host.log())), 2)

    def test_a_redirect_loop_between_two_hosts(self):
        with Instance(domain="a.test", start=False) as first, Instance(domain="b.test", start=False) as second:
            for host, other in ((first, second), (second, first)):
                host.set("transport_maps", "inline:{ {%s=smtp:[127.0.0.1]:%d} }" % (other.domain, other.port["smtp"]))
                host.start()
            self.install(first, "alice", 'redirect "bob@b.test";\n')
            self.install(second, "bob", 'redirect "alice@a.test";\n')
            first.send(to="alice@a.test", subject="round")
            wait_until(lambda: self.folder(first, "alice", "INBOX") or self.folder(second, "bob", "INBOX"), "an end of the loop")
            for host in (first, second):
                host.wait_for_empty_queue()
                self.assertEqual(len(re.findall("redirected: queued", host.log())), 1)
            self.assertEqual(self.subjects(first, "alice", "INBOX"), ["round"])
            self.assertEqual(self.folder(second, "bob", "INBOX"), [])

    def test_before_after_and_default(self):
        with Instance(start=False) as host:
            for name, script in (("before/10-spam", 'require "fileinto";\nif header :is "x-spam" "yes" { fileinto "INBOX"; stop; }\n'),
                                 ("after", 'require ["fileinto","mailbox"];\nif header :is "subject" "late" { fileinto :create "Late"; stop; }\n'),
                                 ("default", 'require ["fileinto","mailbox"];\nif header :is "subject" "default" { fileinto :create "Default"; stop; }\n')):
                path = host.path(f"etc/sieve/{name}.sieve")
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w") as out:
                    out.write(script)
            host.set("sieve_before", host.path("etc/sieve/before"))
            host.set("sieve_after", host.path("etc/sieve/after.sieve"))
            host.set("sieve_default", host.path("etc/sieve/default.sieve"))
            host.start()
            for subject in ("late", "default", "other"):
                host.send(subject=subject)
            host.wait_for_empty_queue()
            self.assertEqual(self.subjects(host, "alice", "Late"), ["late"])
            self.assertEqual(self.subjects(host, "alice", "Default"), ["default"])
            self.assertEqual(self.subjects(host, "alice", "INBOX"), ["other"])

    def test_editing_and_duplicates(self):
        script = ('require ["editheader", "duplicate", "fileinto", "mailbox"];\n'
                  'if duplicate { fileinto :create "Again"; stop; }\n'
                  'addheader "X-Seen-By" "sieve";\ndeleteheader "X-Ugly";\n')
        with Instance() as host:
            self.install(host, "alice", script)
            message = ("From: carol@client.test\r\nTo: alice@example.test\r\nMessage-ID: <one@client.test>\r\nX-Ugly: yes\r\n"
                       "Subject: edited\r\n\r\nbody\r\n")
            for _ in range(2):
                with host.smtp() as smtp:
                    smtp.sendmail("carol@client.test", ["alice@example.test"], message)
                host.wait_for_empty_queue()
            text = self.folder(host, "alice", "INBOX")[0][1]
            self.assertIn("X-Seen-By: sieve\n", text)
            self.assertNotIn("X-Ugly", text)
            self.assertEqual(self.subjects(host, "alice", "INBOX"), ["edited"])
            self.assertEqual(self.subjects(host, "alice", "Again"), ["edited"])

    def test_a_large_message(self):
        with Instance() as host:
            self.install(host, "alice", SORTING)
            body = "".join(f"line {number}\r\n" for number in range(200000))
            host.send(subject="the list", body=body)
            host.wait_for_empty_queue()
            self.assertTrue(self.folder(host, "alice", "Lists")[0][1].endswith(body.replace("\r\n", "\n")))

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small file system needs root")
    def test_a_full_disk_in_the_middle(self):
        """Three copies are wanted and two fit: none is kept, and the message comes again when there is room."""
        with Instance(main_cf={"minimal_backoff_time": "1h"}) as host:
            home = host.path("mail/alice")
            owner = os.stat(home)
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=3m,uid={owner.st_uid},gid={owner.st_gid},mode=700", "none", home],
                                     stderr=subprocess.PIPE, text=True)
            if mounted.returncode != 0:
                self.skipTest("no mounts here: " + mounted.stderr.strip())
            try:
                boxes = ("One", "Two", "Three")
                self.install(host, "alice", 'require ["fileinto", "mailbox"];\n' +
                             "".join(f'fileinto :create "{box}";\n' for box in boxes))
                host.send(subject="large", body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 14000)
                host.wait_for_log(r"status=deferred \(.*452 4\.2\.2")
                self.assertEqual([self.folder(host, "alice", box) for box in (*boxes, "INBOX")], [[], [], [], []])
                for box in boxes:
                    self.assertEqual(os.listdir(f"{home}/Maildir/.{box}/tmp"), [])
                subprocess.run(["mount", "-o", "remount,size=30m", home], check=True)
                host.run("postqueue", "-f")
                host.wait_for_empty_queue()
                self.assertEqual([self.subjects(host, "alice", box) for box in boxes], [["large"]] * 3)
            finally:
                subprocess.run(["umount", "-l", home], check=True)

    def test_mailadm(self):
        with Instance(main_cf={"recipient_delimiter": "+"}) as host:
            def mailadm(*words, text="", status=0):
                done = host.run("mailadm", "sieve", *words, check=False, input=text)
                self.assertEqual(done.returncode, status, done.stderr)
                return done.stdout if status == 0 else done.stderr

            self.assertEqual(mailadm("list", "-u", "alice"), "")
            self.assertIn("broken:2:", mailadm("put", "-u", "alice", "broken", text="keep;\nkep;\n", status=65))
            mailadm("put", "-u", "alice", "main", text=SORTING)
            mailadm("activate", "-u", "alice", "main")
            self.assertEqual(mailadm("list", "-u", "alice"), "main ACTIVE\n")
            self.assertEqual(mailadm("get", "-u", "alice@example.test", "main"), SORTING)
            owner = os.stat(host.path("mail/alice"))
            self.assertEqual(os.stat(host.path("mail/alice/sieve/main.sieve")).st_uid, owner.st_uid)
            message = "From: carol@client.test\r\nTo: alice@example.test\r\nMessage-ID: <why@client.test>\r\nSubject: the list\r\n\r\nx\r\n"
            with host.smtp() as smtp:
                smtp.sendmail("carol@client.test", ["alice@example.test"], message)
            host.wait_for_empty_queue()
            wait_until(lambda: host.run("mailadm", "sieve", "why", "-u", "alice", "1", check=False).returncode == 0, "the reasons to be kept")
            for wanted in ("why@client.test", "<why@client.test>", "1"):
                reason = mailadm("why", "-u", "alice", wanted)
                self.assertIn("rule: main:3", reason)
                self.assertIn("mailbox: Lists 1", reason)
                self.assertIn("line 2", reason)
            mailadm("why", "-u", "alice", "<other@client.test>", status=66)
            path = os.path.join(host.dir, "new.sieve")
            with open(path, "w") as out:
                out.write('require "fileinto";\nif header :contains "subject" "list" { fileinto "Elsewhere"; }\n')
            os.chmod(path, 0o644)
            shown = mailadm("replay", "-u", "alice", "--script", path)
            self.assertIn("Lists 1: the list\n", shown)
            self.assertIn("Elsewhere", shown)
            self.assertEqual(self.subjects(host, "alice", "Lists"), ["the list"])
            mailadm("deactivate", "-u", "alice")
            mailadm("delete", "-u", "alice", "main")
            self.assertEqual(mailadm("list", "-u", "alice"), "")
            mailadm("list", "-u", "nobody", status=67)

    def test_messages_that_wait_for_a_process(self):
        """One process for each user, and many messages for several users at once: who waits is never forgotten."""
        users = {f"user{number}": "secret" for number in range(6)}
        with Instance(users=users, main_cf={"sieve_user_process_limit": "1", "initial_destination_concurrency": "20"}) as host:
            for user in users:
                self.install(host, user, SORTING)
            for number in range(10):
                with host.smtp() as smtp:
                    for user in users:
                        smtp.sendmail("carol@client.test", [f"{user}@example.test"], f"Subject: {user} {number}\r\n\r\nx\r\n")
            host.wait_for_empty_queue()
            for user in users:
                self.assertEqual(len(self.folder(host, user, "INBOX")), 10)

    def test_a_process_that_dies(self):
        """Whatever kills the process that runs a script: the message arrives."""
        with Instance() as host:
            self.install(host, "alice", SORTING)
            host.send(subject="first")
            host.wait_for_empty_queue()
            for round in range(5):
                for pid in host.pids("sieve-delivery"):
                    with open(f"/proc/{pid}/stat") as f:
                        parent = int(f.read().rsplit(")", 1)[1].split()[1])
                    if parent in host.pids("sieve-delivery"):
                        os.kill(pid, 9)
                host.send(subject=f"round {round}")
            host.wait_for_empty_queue()
            wait_until(lambda: len(set(self.subjects(host, "alice", "INBOX"))) == 6, "six different messages")


if __name__ == "__main__":
    unittest.main()
