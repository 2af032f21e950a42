"""A stolen smtpd, login, lmtpd, lmtp or smtp: same uid, same jail, same filters, arbitrary code. What it can not do."""

import errno
import imaplib
import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
from instance import BUILD, Instance, Ports, program, wait_until  # noqa: E402

SOURCE = os.path.join(HERE, "..", "..")
STOLEN = os.path.abspath(os.path.join(BUILD, "test", "stolen"))
PLACES = ("smtpd", "login", "lmtpd", "lmtp", "smtp")
# Of x86_64 and of what newer machines share; the others are looked up where they are needed.
CALLS = {"read": 0, "write": 1, "openat": 257, "socket": 41, "connect": 42, "kill": 62, "tgkill": 234, "execve": 59, "fork": 57,
         "ptrace": 101, "prlimit64": 302, "getuid": 102, "unlinkat": 263, "renameat": 264, "mkdirat": 258, "linkat": 265, "setuid": 105,
         "chroot": 161, "mount": 165, "clone": 56, "chmod": 90, "symlinkat": 266, "mknodat": 259, "pidfd_open": 434,
         "rt_sigqueueinfo": 129, "io_uring_setup": 425, "sendto": 44, "getdents64": 217, "close": 3, "tkill": 200, "bpf": 321,
         "process_vm_readv": 310, "setns": 308, "unshare": 272, "userfaultfd": 323, "keyctl": 250, "ftruncate": 77}
AT_FDCWD = -100
# The sockets of the suite that each may ask; and no other.
ALLOWED = {
    "smtpd": {"private/auth", "private/dmarc-report", "public/cleanup"},
    "login": {"private/auth", "private/imap", "private/managesieve"},
    "lmtpd": {"private/lmtp-store"},
    "lmtp": {"private/mailbox-lmtp"},
    "smtp": set(),
}


class Thief:
    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port), 30)
        self.lines = self.connection.makefile("rw")

    def call(self, name, *arguments):
        """What the system call returned: a number, or minus the error number; and the memory that was given as bytes."""
        words = [str(CALLS[name])] + [f"x:{a.hex()}" if isinstance(a, bytes) else str(a) for a in arguments]
        self.lines.write(" ".join(words) + "\n")
        self.lines.flush()
        result, error, *memory = self.lines.readline().split()
        return (int(result) if int(error) == 0 else -int(error)), [bytes.fromhex(one) for one in memory]

    def result(self, name, *arguments):
        return self.call(name, *arguments)[0]

    def open(self, path, flags=os.O_RDONLY):
        return self.result("openat", AT_FDCWD, path.encode() + b"\0", flags, 0o600)

    def connect(self, path):
        fd = self.result("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0)
        address = struct.pack("H", socket.AF_UNIX) + path.encode() + b"\0"
        result = self.result("connect", fd, address, len(address))
        self.result("close", fd)
        return result

    def close(self):
        self.lines.close()
        self.connection.close()


@unittest.skipIf(os.geteuid() != 0, "separate users need root")
class StolenProcess(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ports = Ports()
        cls.port = {place: cls.ports.one() for place in PLACES}
        rows = "".join(f"127.0.0.1:{port} inet n - y - - {STOLEN} {place}\n" for place, port in cls.port.items())
        cls.mail = Instance(master_cf=rows)
        cls.mail.__enter__()
        cls.addClassCleanup(cls.ports.release)
        cls.addClassCleanup(cls.mail.__exit__, None, None, None)
        cls.network = pwd.getpwnam("malleposte-net").pw_uid
        with cls.mail.smtp() as client:  # something in the queue's house, and all programs at work
            client.sendmail("a@client.test", ["alice@example.test"], "Subject: x\r\n\r\nsecret\r\n")
        wait_until(lambda: cls.mail.messages("alice"), "the message has arrived")

    def each(self):
        for place in PLACES:
            thief = Thief(self.port[place])
            with self.subTest(place=place):
                yield place, thief
            thief.close()

    def sockets(self):
        spool = self.mail.path("spool")
        return {f"{folder}/{name}" for folder in ("private", "public") for name in os.listdir(f"{spool}/{folder}")}

    def test_it_is_nobody_in_particular(self):
        for place, thief in self.each():
            self.assertEqual(thief.result("getuid"), self.network)
            self.assertEqual(thief.result("setuid", 0), -errno.EPERM)

    def test_the_queue_and_the_users_are_not_there(self):
        real = self.mail.path("spool")
        for place, thief in self.each():
            for path in ("incoming", "/incoming", "../incoming", "../../incoming", "/../../incoming", real + "/incoming", "/proc/1/root",
                         self.mail.path("etc/users"), self.mail.path("etc/key.pem"), self.mail.path("mail/alice"), "/etc/passwd",
                         "/proc/self/fd", "/dev/log"):
                self.assertIn(thief.open(path), (-errno.ENOENT, -errno.EACCES), path)

    def test_nothing_can_be_made_or_removed(self):
        for place, thief in self.each():
            self.assertIn(thief.open("/x", os.O_WRONLY | os.O_CREAT), (-errno.EACCES, -errno.EPERM))
            self.assertIn(thief.open("/etc/hosts", os.O_WRONLY), (-errno.EACCES, -errno.EPERM))
            path = b"/private/x\0"
            refused = (-errno.EACCES, -errno.EPERM)
            self.assertIn(thief.result("mkdirat", AT_FDCWD, path, 0o700), refused)
            self.assertIn(thief.result("unlinkat", AT_FDCWD, b"/private/auth\0", 0), refused)
            self.assertIn(thief.result("mknodat", AT_FDCWD, path, 0o100600, 0), refused)
            self.assertIn(thief.result("symlinkat", b"/\0", AT_FDCWD, path), refused)

    def test_only_its_own_sockets_are_there(self):
        for place, thief in self.each():
            reached = {name for name in self.sockets() if thief.connect(name) == 0}
            self.assertEqual(reached, ALLOWED[place])
            for name in ("private/auth-master", "private/signer", "private/sieve", "public/qmgr", "private/master", "private/bounce"):
                for prefix in ("", "/", "../../", self.mail.path("spool") + "/"):
                    self.assertIn(thief.connect(prefix + name), (-errno.ENOENT, -errno.EACCES), prefix + name)

    def test_nobody_is_signalled_traced_or_limited(self):
        victims = [1, os.getpid()] + [pid for name in ("qmgr", "cleanup", "smtpd", "login", "lmtpd", "auth", "master") for pid in self.mail.pids(name)]
        self.assertGreater(len(victims), 5)
        for place, thief in self.each():
            for pid in victims:
                for name, arguments in (("kill", (pid, 0)), ("tgkill", (pid, pid, 0)), ("tkill", (pid, 0)), ("pidfd_open", (pid, 0)),
                                        ("ptrace", (16, pid, 0, 0)), ("rt_sigqueueinfo", (pid, 0, bytes(128))),
                                        ("prlimit64", (pid, 7, struct.pack("QQ", 0, 0), 0))):
                    self.assertEqual(thief.result(name, *arguments), -errno.EPERM, (name, pid))
            self.assertEqual(thief.result("kill", -1, signal.SIGKILL), -errno.EPERM)

    def test_no_door_of_the_kernel_is_open(self):
        for place, thief in self.each():
            for name, arguments in (("fork", ()), ("execve", (b"/bin/sh\0", 0, 0)), ("clone", (signal.SIGCHLD, 0)), ("chroot", (b"/\0",)),
                                    ("mount", (b"x\0", b"/\0", b"tmpfs\0", 0, 0)), ("io_uring_setup", (1, bytes(120))), ("bpf", (0, 0, 0)),
                                    ("unshare", (0x10000000,)), ("setns", (3, 0)), ("userfaultfd", (0,)), ("keyctl", (0, 0)),
                                    ("process_vm_readv", (1, 0, 0, 0, 0, 0)), ("chmod", (b"/etc\0", 0o777)), ("ftruncate", (4, 0)),
                                    ("socket", (socket.AF_PACKET, socket.SOCK_RAW, 0)), ("socket", (38, socket.SOCK_SEQPACKET, 0))):
                self.assertEqual(thief.result(name, *arguments), -errno.EPERM, name)

    def test_the_real_ones_are_locked_in_the_same_way(self):
        for name in ("smtpd", "login", "lmtpd", "lmtp"):
            pids = self.mail.pids(name)
            for pid in pids:
                with open(f"/proc/{pid}/status") as status:
                    said = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
                self.assertEqual(said["Uid"].split(), [str(self.network)] * 4, name)
                self.assertEqual((said["NoNewPrivs"], said["Seccomp"], int(said["CapEff"], 16)), ("1", "2", 0), name)
                self.assertEqual(os.readlink(f"/proc/{pid}/root"), os.path.realpath(self.mail.path(f"spool/jail/{name}")))

    def test_the_peer_is_asked_for_at_each_socket(self):
        """Even where the folder lets somebody in: who is not in the table is refused by his uid."""
        script = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.settimeout(20)\ns.connect(sys.argv[1])\n"
                  "try:\n  s.sendall(b'LIST\\t1\\n'); print(len(s.recv(100)))\nexcept (BrokenPipeError, ConnectionResetError): print(0)\n")
        group = str(pwd.getpwnam("malleposte").pw_gid)
        groups = ["--regid", group, "--groups", f"{group},{os.stat(self.mail.path('spool/public')).st_gid}"]
        for name in ("private/signer", "private/sieve", "private/bounce", "private/lmtp", "private/virtual"):
            with self.subTest(socket=name):
                told = subprocess.run(["setpriv", "--reuid", str(self.network), *groups, "python3", "-c", script, self.mail.path("spool/" + name)],
                                      stdout=subprocess.PIPE, text=True, check=True).stdout
                self.assertEqual(told.strip(), "0")
                self.mail.wait_for_log(rf"{os.path.basename(name)}: a client with uid {self.network}, pid \d+, may not ask here")
        refused = subprocess.run(["setpriv", "--reuid", pwd.getpwnam("malleposte").pw_name, *groups, "python3", "-c", script,
                                  self.mail.path("spool/private/auth-master")], stderr=subprocess.PIPE, text=True)
        self.assertIn("PermissionError", refused.stderr)

    def test_the_owner_of_the_queue_gives_nobody_rights(self):
        """A stolen cleanup or qmgr: its user may enter private/, and sieve-delivery, which is root, still takes nothing from it."""
        script = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.settimeout(20)\ns.connect(sys.argv[1])\nprint(len(s.recv(100)))\n"
        owner = pwd.getpwnam("malleposte")
        for name in ("sieve", "lmtp-store", "imap", "managesieve", "auth"):
            with self.subTest(socket=name):
                subprocess.run(["setpriv", "--reuid", str(owner.pw_uid), "--regid", str(owner.pw_gid), "--clear-groups", "python3", "-c", script,
                                self.mail.path("spool/private/" + name)], stdout=subprocess.DEVNULL, check=True)
                self.mail.wait_for_log(rf"{name}: a client with uid {owner.pw_uid}, pid \d+, may not ask here")

    def test_jails_survive_a_reload(self):
        self.mail.reload()
        for place, thief in self.each():
            self.assertEqual({name for name in self.sockets() if thief.connect(name) == 0}, ALLOWED[place])

    def test_a_socket_of_other_software_is_followed(self):
        path = self.mail.path("spool/private/dovecot-lmtp")
        for turn in range(2):  # its server is started again
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(path)
                os.chmod(path, 0o666)
                server.listen()
                thief = Thief(self.port["lmtp"])
                wait_until(lambda: thief.connect("private/dovecot-lmtp") == 0, "the jail has the socket")
                thief.close()
            os.unlink(path)


@unittest.skipIf(os.geteuid() != 0, "an ordinary user makes no users")
class Users(unittest.TestCase):
    def test_init_makes_its_users_or_refuses(self):
        """In a mount namespace, where the host's user files are copies without ours."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree("/etc", folder + "/etc", symlinks=True, ignore_dangling_symlinks=True)
            for name in ("passwd", "group", "shadow", "gshadow"):
                with open(f"/etc/{name}") as file, open(f"{folder}/etc/{name}", "w") as out:
                    out.writelines(line for line in file if not re.match(r"malleposte|postfix|postdrop", line))
            init = f"{program('malleposte')} init {folder}/x --domain example.test --port-base 20000"
            script = f"mount --bind {folder}/etc /etc && "
            result = subprocess.run(["unshare", "-m", "sh", "-c", script + f"PATH=/nowhere {init}"], stderr=subprocess.PIPE, text=True)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("there is no user malleposte, and it cannot be made: make it with: useradd --system", result.stderr)
            self.assertFalse(os.path.exists(folder + "/x/etc"))
            subprocess.run(["unshare", "-m", "sh", "-c", script + init], check=True, stdout=subprocess.DEVNULL)
            with open(folder + "/etc/passwd") as file:
                uid = dict(line.split(":")[0:3:2] for line in file)
            self.assertEqual(len({uid[name] for name in ("malleposte", "malleposte-net", "malleposte-auth", "nobody", "root")}), 5)
            self.assertEqual(str(os.stat(folder + "/x/etc/users").st_uid), uid["malleposte-auth"])

    def test_rights_below_first_valid_uid(self):
        with Instance(main_cf={"first_valid_uid": "80000"}) as mail:
            with self.assertRaises(imaplib.IMAP4.error):
                mail.imap()
            mail.wait_for_log(r"user id 7\d{4} is below first_valid_uid: no session")
            mail.send()
            mail.wait_for_log(r"alice@example\.test: user id 7\d{4} is below first_valid_uid")
            mail.wait_for_log(r"status=deferred")


class Table(unittest.TestCase):
    def test_the_manual_has_the_table(self):
        with open(os.path.join(SOURCE, "lib/worker/peers.h")) as header:
            rows = re.findall(r'^    \{"([^"]+)", Identity::(\w+), (true|false), "([^"]*)"\},', header.read(), re.M)
        self.assertGreater(len(rows), 15)
        with open(os.path.join(SOURCE, "man/man7/malleposte-security.7")) as page:
            said = re.findall(r"^\.It (\S+) Ta (\S+) Ta (\S+) Ta (.*)$", page.read(), re.M)
        asks = {name: [other for other, _, _, by in rows if name in by.split()] for name, _, _, _ in rows}
        user = {"network": "network_owner", "queue": "mail_owner", "secrets": "secrets_owner", "root": "root"}
        wanted = [(name, user[identity], "jail" if jailed == "true" else "-", " ".join(asks[name]) or "-") for name, identity, jailed, _ in rows
                  if name != "auth-master"]
        self.assertEqual(said, wanted)


if __name__ == "__main__":
    unittest.main()
