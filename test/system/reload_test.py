"""Reloads, and processes that leave because they were idle, at every point of a message's way: nothing is put off or lost."""

import collections
import smtplib
import threading
import time
import unittest

from instance import Instance, wait_until

SMALL = b"Subject: small\r\n\r\nx\r\n.\r\n"


class Dialogue:
    """SMTP or LMTP by hand, so that it can pause anywhere."""

    def __init__(self, mail, port, hello):
        self.socket, self.lines = mail.raw(port)
        self.reply()
        self.say(hello + " client.test")

    def reply(self):
        line = self.lines.readline()
        while line[3:4] == b"-":
            line = self.lines.readline()
        return line.decode().strip()

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def send(self, octets):
        self.socket.sendall(octets)
        return self.reply()


RELOADS = 5  # under load


class OverAReload(unittest.TestCase):
    """The pause comes after 1: MAIL, 2: RCPT, 3: a second RCPT, 4: DATA, 5: half of the message."""

    def walk(self, mail, port, hello, pause_after, pause):
        talk = Dialogue(mail, port, hello)
        steps = [lambda: talk.say("MAIL FROM:<carol@client.test>"), lambda: talk.say("RCPT TO:<alice@example.test>"),
                 lambda: talk.say("RCPT TO:<bob@example.test>"), lambda: talk.say("DATA")]
        for number, step in enumerate(steps, 1):
            answer = step()
            self.assertIn(answer[:3], ("250", "354"), f"step {number}, pause after {pause_after}: {answer}")
            if number == pause_after:
                pause()
        if pause_after == 5:
            talk.socket.sendall(SMALL[:12])
            pause()
            talk.socket.sendall(SMALL[12:-5])
        else:
            talk.socket.sendall(SMALL[:-5])
        answers = [talk.send(b"\r\n.\r\n")] + ([talk.reply()] if hello == "LHLO" else [])
        for answer in answers:
            self.assertEqual(answer[:3], "250", f"pause after {pause_after}: {answer}")

    def walks(self, mail, pause):
        count = 0
        for port, hello in (("smtp", "EHLO"), ("lmtp", "LHLO")):
            for pause_after in (1, 2, 3, 4, 5):
                with self.subTest(port=port, pause_after=pause_after):
                    self.walk(mail, port, hello, pause_after, pause)
                count += 1
        mail.wait_for_empty_queue()
        for user in ("alice", "bob"):
            wait_until(lambda: len(mail.messages(user)) >= count, f"all messages at {user}")
            self.assertEqual(len(mail.messages(user)), count)
        self.assertNotIn("status=deferred", mail.log())

    def test_a_reload_in_the_middle(self):
        with Instance() as mail:
            def pause():
                old = {name: set(mail.pids(name)) for name in ("cleanup", "lmtp-store", "qmgr")}
                mail.reload()
                wait_until(lambda: not any(old[name] & set(mail.pids(name)) for name in old), "the old processes are gone")
            self.walks(mail, pause)

    def test_a_client_slower_than_max_idle(self):
        with Instance(main_cf={"max_idle": "1s"}) as mail:
            def pause():
                wait_until(lambda: not mail.pids("cleanup") and not mail.pids("lmtp-store"), "idle processes are gone")
            self.walks(mail, pause)


class UnderLoad(unittest.TestCase):
    def test_a_ledger_over_reloads(self):
        with Instance(main_cf={"smtpd_client_connection_count_limit": "0"}) as mail:
            accepted, refused, running = [], [], threading.Event()
            running.set()

            def send(worker):
                number = 0
                while running.is_set():
                    number += 1
                    name = f"{worker}-{number}"
                    try:
                        mail.send(subject=name, sender=f"w{worker}@client.test")
                        accepted.append(name)
                    except (AssertionError, OSError, smtplib.SMTPException) as error:
                        refused.append(f"{name}: {error}")
                    time.sleep(0.02)

            workers = [threading.Thread(target=send, args=(i,)) for i in range(4)]
            for worker in workers:
                worker.start()
            for _ in range(RELOADS):
                mail.reload()
                time.sleep(2)  # a load between reloads, not a wait for something
            running.clear()
            for worker in workers:
                worker.join()
            # Nothing is lost or doubled, ever. A message that was with a process at the moment at which it left may be told
            # to come again, or put off: no more than one for each reload.
            mail.run("postqueue", "-f")
            mail.wait_for_empty_queue()
            self.assertLessEqual(len(refused), RELOADS, refused)
            self.assertTrue(all("451" in line for line in refused), refused)
            wait_until(lambda: len(mail.messages("alice")) >= len(accepted), "all are there", 60)
            arrived = collections.Counter()
            for file in mail.messages("alice"):
                with open(file, "rb") as text:
                    arrived[next(line for line in text if line.lower().startswith(b"subject:")).split()[1].decode()] += 1
            self.assertEqual(sorted(set(accepted) - set(arrived)), [], "lost")
            self.assertEqual([name for name, times in arrived.items() if times > 1], [], "doubled")
            self.assertGreater(len(accepted), 50)
            self.assertLessEqual(mail.log().count("status=deferred"), RELOADS)

    def test_reloads_that_wait_become_one(self):
        with Instance() as mail:
            began = time.monotonic()
            for _ in range(60):
                mail.run("malleposte", "reload")
            wait_until(lambda: mail.log().count("reload -- ") >= 2, "the last one is done")
            asked = time.monotonic() - began
            self.assertLessEqual(mail.log().count("reload -- "), 3 + asked / 2)
            mail.send(subject="after the storm")
            mail.wait_for_empty_queue()


if __name__ == "__main__":
    unittest.main()
