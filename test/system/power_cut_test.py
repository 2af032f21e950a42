"""A power cut: the file system with spool and mail stops at once, is mounted again, and everything acknowledged is there.

A loop-mounted ext4 is shut down without writing what is cached (EXT4_IOC_SHUTDOWN). Needs root and loop devices.
"""

import fcntl
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest

from instance import Instance, skip, wait_until
from ledger import Ledger

EXT4_IOC_SHUTDOWN = 0x8004587D   # _IOR('X', 125, __u32), XFS has the same
SHUTDOWN_NO_LOG_FLUSH = 2        # nothing more is written, not even the journal
CUTS = 10 if os.environ.get("MALLEPOSTE_LONG_TESTS") else 3


class Disk:
    """A journaled file system on a loop device."""

    MAKE = {"ext4": ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"], "xfs": ["mkfs.xfs", "-q", "-f"]}

    def __init__(self, kind="ext4"):
        self.kind = kind
        self.folder = tempfile.mkdtemp(prefix="malleposte-disk-")
        self.image = self.folder + ".img"
        self.device = None

    def make(self):
        try:
            with open(self.image, "wb") as image:
                image.truncate(512 * 1024 * 1024)
            subprocess.run(self.MAKE[self.kind] + [self.image], check=True)
            self.device = subprocess.run(["losetup", "--find", "--show", "--direct-io=on", self.image], check=True,
                                         stdout=subprocess.PIPE, text=True).stdout.strip()
            self.mount()
        except (OSError, subprocess.CalledProcessError) as error:
            self.remove()
            skip(f"no loop mounts on this machine ({self.kind}): {error}")

    def mount(self):
        subprocess.run(["mount", self.device, self.folder], check=True)

    def cut(self):
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", SHUTDOWN_NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def unmount(self):
        def try_it():
            return subprocess.run(["umount", self.folder], stderr=subprocess.DEVNULL).returncode == 0
        wait_until(try_it, f"{self.folder} can be unmounted")

    def remove(self):
        subprocess.run(["umount", "-l", self.folder], stderr=subprocess.DEVNULL)
        if self.device:
            subprocess.run(["losetup", "-d", self.device], stderr=subprocess.DEVNULL)
        for path in (self.image,):
            if os.path.exists(path):
                os.unlink(path)
        shutil.rmtree(self.folder, ignore_errors=True)


def end_all(mail):
    for name in ("master", "smtpd", "cleanup", "qmgr", "lmtp", "lmtpd", "lmtp-store", "auth", "imapd", "login", "bounce", "pickup",
                 "showq", "error"):
        for pid in mail.pids(name):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    wait_until(lambda: not mail.pids("master"), "master is gone")


class PowerCut(unittest.TestCase):
    def test_what_was_acknowledged_survives(self):
        disk = Disk()
        disk.make()
        try:
            self.run_cuts(disk)
        finally:
            disk.remove()

    def run_cuts(self, disk):
        directory = os.path.join(disk.folder, "host")
        os.makedirs(directory)
        settings = {"minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "queue_run_delay": "1s", "service_throttle_time": "1s"}
        with Instance(main_cf=settings, directory=directory) as mail:
            # The log is not what is being tested, and must be readable after the cut.
            acknowledged = set()
            number = 0
            for _ in range(CUTS):
                os.sync()
                ledger = Ledger(mail)
                ledger.number = number
                ledger.start()
                wait_until(lambda: len(ledger.acknowledged) >= 60, "messages are acknowledged", 60)
                # A power cut takes the network along: an answer that leaves while the file system is going down would
                # reach nobody. So what counts is what was acknowledged before, taken under the ledger's lock.
                with ledger.lock:
                    acknowledged |= ledger.acknowledged
                    disk.cut()
                ledger.stop()
                number = ledger.number
                end_all(mail)
                disk.unmount()
                disk.mount()
                mail.start()
            ledger.acknowledged = acknowledged
            mail.run("postqueue", "-f", check=False)
            wait_until(lambda: not ledger.missing(), "all acknowledged messages arrive", 120)
            print(f"{CUTS} cuts, {len(acknowledged)} acknowledged, all arrived")



if __name__ == "__main__":
    if os.geteuid() != 0:
        skip("only root may mount a loop device")
    unittest.main()
