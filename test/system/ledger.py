"""A ledger for crash tests: what was acknowledged must arrive.

Sender threads submit numbered messages by SMTP and note each one whose final dot was answered with 250. At the end every
noted message must be in the mailbox at least once, whole. A refused or cut-off message may or may not arrive.
"""

import re
import smtplib
import socket
import threading


class Ledger:
    def __init__(self, mail, senders=4, user="alice"):
        self.mail = mail
        self.user = user
        self.acknowledged = set()
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.number = 0
        self.threads = [threading.Thread(target=self._send, daemon=True) for _ in range(senders)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _next(self):
        with self.lock:
            self.number += 1
            return self.number

    def _send(self):
        while not self.stopping.is_set():
            try:
                with smtplib.SMTP("127.0.0.1", self.mail.port["smtp"], timeout=10) as client:
                    client.ehlo("client.test")
                    for _ in range(20):
                        if self.stopping.is_set():
                            return
                        self._one(client)
            except (OSError, smtplib.SMTPException, ValueError):
                # The server was killed; it comes back. A moment, so as not to spin.
                self.stopping.wait(0.02)

    def _one(self, client):
        number = self._next()
        size = 200 + number % 37 * 300
        text = f"Subject: ledger\r\nX-Ledger: {number} {size}\r\n\r\n" + ("x" * 70 + "\r\n") * (size // 72) + "the end\r\n"
        client.mail("ledger@client.test")
        if client.rcpt(self.mail.address(self.user))[0] != 250:
            client.rset()
            return
        if client.data(text)[0] == 250:
            with self.lock:
                self.acknowledged.add(number)

    def arrived(self):
        """Numbers of the messages that are in the mailbox, whole; and those that are there cut off."""
        whole, broken = set(), []
        for path in self.mail.messages(self.user):
            try:
                with open(path, "rb") as f:
                    text = f.read()
            except FileNotFoundError:
                continue
            match = re.search(rb"^X-Ledger: (\d+) (\d+)\r?$", text, re.M)
            if not match:
                continue
            lines = text.count(b"x" * 70)
            if lines == int(match[2]) // 72 and text.rstrip().endswith(b"the end"):
                whole.add(int(match[1]))
            else:
                broken.append(path)
        return whole, broken

    def missing(self):
        whole, broken = self.arrived()
        assert not broken, f"messages that are cut off: {broken[:5]}"
        return self.acknowledged - whole


def port_answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
