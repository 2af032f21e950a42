"""A private instance for a system test, made by `malleposte init` on ports that nobody else uses.

    with Instance(users={"alice": "secret"}) as mail:
        with mail.smtp() as client: ...
        mail.wait_for_log(r"status=sent")

Nothing is slept for: wait_until() looks at a condition until it holds, wait_for_log() reads the log as it grows.
Everything lies in one temporary directory, and is gone afterwards; on a failure the log is printed.
"""

import fcntl
import imaplib
import os
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = os.environ.get("MALLEPOSTE_BUILD", os.path.join(os.path.dirname(__file__), "..", "..", "build", "release"))
SHARED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared")
STANDARD_PORTS = {"lmtp": 24, "smtp": 25, "imap": 143, "submissions": 465, "submission": 587, "imaps": 993, "managesieve": 4190}


def program(name):
    """The path of a command or daemon of the build under test."""
    for folder in ("bin", "sbin", "libexec/malleposte"):
        path = os.path.join(BUILD, folder, name)
        if os.path.exists(path):
            return os.path.abspath(path)
    raise FileNotFoundError(f"{name} is not built in {BUILD}")


class Ports:
    """Port numbers nobody else uses: each is locked by a file until released, so that tests may run side by side."""

    def __init__(self):
        self.locks = []

    def _claim(self, port):
        # A folder for each user: root and others may run the tests on one machine.
        folder = os.path.join(tempfile.gettempdir(), f"malleposte-test-ports-{os.getuid()}")
        os.makedirs(folder, mode=0o755, exist_ok=True)
        lock = open(os.path.join(folder, str(port)), "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            return False
        self.locks.append(lock)
        return True

    def base(self, offsets):
        for base in range(18000, 60000, 13):
            before = len(self.locks)
            if all(self._claim(base + offset) for offset in offsets):
                return base
            for lock in self.locks[before:]:
                lock.close()
            del self.locks[before:]
        raise RuntimeError("no free ports")

    def one(self):
        return self.base([0])

    def release(self):
        for lock in self.locks:
            lock.close()
        self.locks = []


def wait_until(condition, what, seconds=30):
    """Looks until condition() is true; returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.02)


class Instance:
    def __init__(self, users=None, domain="example.test", main_cf=None, master_cf="", directory=None, start=True):
        self.users = {"alice": "secret", "bob": "geheim"} if users is None else users
        self.domain = domain
        self.main_cf = main_cf or {}
        self.master_cf = master_cf
        self.auto_start = start
        self.own_directory = directory is None
        self.dir = directory or tempfile.mkdtemp(prefix="malleposte-test-")
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(self.dir, 0o755)
        self.port_locks = Ports()
        self.port = {}

    # --- life

    def __enter__(self):
        self.init()
        if self.auto_start:
            self.start()
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None and kind is not unittest.SkipTest:
            sys.stderr.write("--- log of the instance ---\n" + self.log()[-20000:] + "---\n")
        try:
            if self.is_running():
                self.run("malleposte", "abort", check=False)
        finally:
            self.port_locks.release()
            if self.own_directory:
                shutil.rmtree(self.dir, ignore_errors=True)

    def init(self):
        base = self.port_locks.base(STANDARD_PORTS.values())
        self.port = {name: base + standard for name, standard in STANDARD_PORTS.items()}
        command = [program("malleposte"), "init", self.dir, "--domain", self.domain, "--port-base", str(base)]
        for name, password in self.users.items():
            command += ["--user", f"{name}:{password}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with open(self.path("etc/main.cf"), "a") as out:
            out.writelines(f"{name} = {value}\n" for name, value in self.main_cf.items())
        with open(self.path("etc/master.cf"), "a") as out:
            out.write(self.master_cf)

    def start(self):
        self.run("malleposte", "start")

    def stop(self):
        self.run("malleposte", "stop")

    def is_running(self):
        return self.run("malleposte", "status", check=False).returncode == 0

    # --- places and commands

    def path(self, relative):
        return os.path.join(self.dir, relative)

    def address(self, user):
        return f"{user}@{self.domain}"

    def run(self, command, *arguments, check=True, **options):
        """Runs one of our commands for this instance; stdout and stderr are in the result."""
        words = [program(command), "-c", self.path("etc"), *arguments]
        if command in ("sendmail", "mailq", "newaliases"):
            words = [program(command), *arguments]
        environment = dict(os.environ, MAIL_CONFIG=self.path("etc"))
        result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **options)
        if check and result.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def set(self, name, value):
        """Changes main.cf; takes effect at the next start or reload."""
        self.run("postconf", "-e", f"{name} = {value}")

    def reload(self):
        before = self.log().count("reload -- ")
        self.run("malleposte", "reload")
        wait_until(lambda: self.log().count("reload -- ") > before, "reload in the log")

    # --- what it says

    def log(self):
        try:
            with open(self.path("log/mail.log"), errors="replace") as lines:
                return lines.read()
        except FileNotFoundError:
            return ""

    def wait_for_log(self, pattern, seconds=30, count=1):
        """The last of at least `count` matches of the pattern in the log."""
        found = wait_until(lambda: (m := list(re.finditer(pattern, self.log()))) and len(m) >= count and m,
                           f"{pattern} in the log", seconds)
        return found[-1]

    def queue(self):
        return self.run("postqueue", "-p").stdout

    def wait_for_empty_queue(self, seconds=60):
        wait_until(lambda: "Mail queue is empty" in self.queue(), "the queue is empty", seconds)

    def pids(self, command):
        """The processes of a daemon, by name."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as f:
                    words = f.read().split(b"\0")
            except OSError:
                continue
            if words and os.path.basename(words[0].decode(errors="replace")) == command and self.path("etc").encode() in words:
                found.append(int(entry))
        return found

    # --- clients

    def tls_context(self):
        context = ssl.create_default_context(cafile=self.path("etc/cert.pem"))
        context.check_hostname = False
        return context

    def smtp(self, port="smtp"):
        return smtplib.SMTP("127.0.0.1", self.port[port], timeout=30)

    def send(self, to="alice", sender="carol@client.test", subject="hello", body="text\r\n"):
        """One message over port 25; returns the queue id."""
        message = f"From: <{sender}>\r\nTo: <{self.address(to)}>\r\nSubject: {subject}\r\n\r\n{body}"
        with self.smtp() as client:
            client.ehlo("client.test")
            client.mail(sender)
            code, reply = client.rcpt(self.address(to) if "@" not in to else to)
            assert code == 250, (code, reply)
            code, reply = client.data(message)
            assert code == 250, (code, reply)
            return reply.decode().rsplit(" ", 1)[1]

    def imap(self, user="alice", tls=False):
        if tls:
            client = imaplib.IMAP4_SSL("127.0.0.1", self.port["imaps"], ssl_context=self.tls_context())
        else:
            client = imaplib.IMAP4("127.0.0.1", self.port["imap"])
        client.login(self.address(user), self.users[user])
        return client

    def raw(self, port):
        """A plain socket to one of the ports, with a file for reading lines."""
        client = socket.create_connection(("127.0.0.1", self.port[port]), timeout=30)
        return client, client.makefile("rb")

    def maildir(self, user):
        return self.path(f"mail/{user}/Maildir")

    def messages(self, user):
        """The files in a user's INBOX."""
        files = []
        for folder in ("new", "cur"):
            try:
                names = os.listdir(os.path.join(self.maildir(user), folder))
            except FileNotFoundError:
                continue
            files += [os.path.join(self.maildir(user), folder, name) for name in names]
        return files


def skip(reason):
    """Ends this test program as skipped, and says why."""
    print(f"skipped: {reason}")
    sys.exit(77)
