#!/usr/bin/env python3
"""IMAP commands per second of a server: many sessions that log in, read, flag, append, search and leave, again and again.

  imap_mix.py HOST:PORT [--sessions 100] [--users 100] [--seconds 5] [--processes 2] [--password pw] [--user-pattern u{}]

Each session is one of the users u0, u1, ... whose INBOX should hold some messages (at least one). The client is Python and takes
a good part of two cores itself, so a fast server is shown slower than it is; compare servers with it, not days. Every command
waits for its tagged OK; anything else ends the run.
"""

import argparse
import multiprocessing
import re
import socket
import sys
import threading
import time

MESSAGE = b"From: load@client.test\r\nTo: load@local.test\r\nSubject: appended\r\n\r\n" + (b"x" * 70 + b"\r\n") * 56
COMMANDS = ((b"SELECT INBOX", None), (b"FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])", None),
            (b"FETCH 1 (BODY.PEEK[])", None), (b"STORE 1 +FLAGS (\\Seen)", None), (b"APPEND INBOX {%d+}" % len(MESSAGE), MESSAGE),
            (b"SEARCH SUBJECT appended", None), (b"LOGOUT", None))


class Session:
    def __init__(self, address, user, password):
        self.sock = socket.create_connection(address, timeout=60)
        self.file = self.sock.makefile("rb", 65536)
        self.file.readline()
        self.user, self.password = user, password

    def ask(self, command, literal=None):
        self.sock.sendall(b"a " + command + b"\r\n" + (literal + b"\r\n" if literal is not None else b""))
        while True:
            line = self.file.readline()
            size = re.search(rb"\{(\d+)\}\r\n$", line)
            if size:
                self.file.read(int(size.group(1)))
            elif line.startswith(b"a "):
                if not line.startswith(b"a OK"):
                    raise RuntimeError(f"{self.user}: {command[:40]!r}: {line!r}")
                return
            elif not line:
                raise RuntimeError(f"{self.user}: {command[:40]!r}: the connection was closed")

    def run(self):
        self.ask(b'LOGIN "%s" "%s"' % (self.user.encode(), self.password.encode()))
        for command, literal in COMMANDS:
            self.ask(command, literal)
        self.sock.close()
        return 1 + len(COMMANDS)


def work(options, first, count, result):
    end = time.monotonic() + options.seconds
    counts, errors = [0] * count, []

    def one(place):
        user = options.user_pattern.format((first + place) % options.users)
        try:
            while time.monotonic() < end:
                counts[place] += Session(options.address, user, options.password).run()
        except (OSError, RuntimeError) as error:
            errors.append(str(error))

    threads = [threading.Thread(target=one, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.put((sum(counts), errors[:3]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    for name, default in (("--sessions", 100), ("--users", 100), ("--processes", 2)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--password", default="pw")
    parser.add_argument("--user-pattern", default="u{}")
    options = parser.parse_args()
    host, _, port = options.address.rpartition(":")
    options.address = (host, int(port))
    result = multiprocessing.Queue()
    share = options.sessions // options.processes
    workers = [multiprocessing.Process(target=work, args=(options, i * share, share, result)) for i in range(options.processes)]
    began = time.monotonic()
    for worker in workers:
        worker.start()
    outcomes = [result.get() for _ in workers]
    took = time.monotonic() - began
    for _, errors in outcomes:
        for error in errors:
            print(error, file=sys.stderr)
    total = sum(count for count, _ in outcomes)
    print(f"{total} commands in {took:.1f} s: {total / took:.0f}/s")
    return 1 if any(errors for _, errors in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
