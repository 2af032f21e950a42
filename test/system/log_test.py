#!/usr/bin/env python3
"""Where log lines go: syslog and the journal, each played by this test inside a mount namespace of its own."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import instance
from instance import Instance, wait_until

INSIDE = "MALLEPOSTE_LOG_TEST_INSIDE"


def listen(path):
    """Everything that comes to a datagram socket, in a list."""
    got = []
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    os.chmod(path, 0o666)

    def take():
        while True:
            got.append(sock.recv(65536))

    threading.Thread(target=take, daemon=True).start()
    return got


def make_devices(folder):
    """/dev and /run/systemd of our own: a /dev/log that nobody else sees."""
    devices = os.path.join(folder, "dev")
    os.mkdir(devices)
    subprocess.run(["mount", "-t", "tmpfs", "none", devices], check=True)
    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        os.mknod(os.path.join(devices, name), 0o20666, os.makedev(1, minor))
        os.chmod(os.path.join(devices, name), 0o666)
    os.makedirs(os.path.join(devices, "shm"), mode=0o1777)
    os.symlink("/proc/self/fd", os.path.join(devices, "fd"))
    subprocess.run(["mount", "--bind", devices, "/dev"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    os.makedirs("/run/systemd/journal")


class LogTest(unittest.TestCase):
    def deliver(self, host):
        host.send(subject="to be logged")
        host.wait_for_empty_queue()

    def test_syslog(self):
        got = listen("/dev/log")
        with Instance(main_cf={"maillog_file": "", "syslog_facility": "local3"}) as host:
            self.deliver(host)
            wait_until(lambda: any(b"status=sent" in line for line in got), "the line of the delivery")
        sent = [line.decode() for line in got if b"status=sent" in line][0]
        # local3.info is 19 * 8 + 6; the tag is Postfix's, with the pid.
        self.assertRegex(sent, r"^<158>.*malleposte/lmtp\[\d+\]: [0-9A-F]+: to=<alice@example\.test>, relay=")

    def test_journal(self):
        got = listen("/run/systemd/journal/socket")
        with Instance(main_cf={"maillog_file": "journal"}) as host:
            self.deliver(host)
            wait_until(lambda: any(b"status=sent" in line for line in got), "the entry of the delivery")
        entry = [line for line in got if b"status=sent" in line][0]
        fields = dict(line.split(b"=", 1) for line in entry.split(b"\n") if b"=" in line)
        self.assertEqual(fields[b"SYSLOG_IDENTIFIER"], b"malleposte/lmtp")
        self.assertEqual(fields[b"PRIORITY"], b"6")
        self.assertRegex(fields[b"MESSAGE"].decode(), r"^[0-9A-F]+: to=<alice@example\.test>, relay=")


if __name__ == "__main__":
    if os.environ.get(INSIDE):
        with tempfile.TemporaryDirectory() as folder:
            make_devices(folder)
            result = unittest.main(exit=False).result
            subprocess.run(["umount", "-l", "/dev"])
            subprocess.run(["umount", "-l", os.path.join(folder, "dev")])
        sys.exit(0 if result.wasSuccessful() else 1)
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        print("skipped: mount namespaces need root, and a machine that allows them")
        sys.exit(77)
    os.execvpe("unshare", ["unshare", "-m", sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
