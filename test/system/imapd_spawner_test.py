#!/usr/bin/env python3
"""imapd as master starts it, between a login and an auth that this test plays.

Checks that an authenticated connection becomes a session with the user's rights, that auth's word counts and not
login's, and that sessions end when master says stop. Needs nothing but the built imapd.
"""
import os, re, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time, unittest

BUILD = os.environ.get("MALLEPOSTE_BUILD", "build/debug")
IMAPD = os.path.join(BUILD, "libexec", "malleposte", "imapd")
USER_ID = 65534


def frame(name, fields):
    def text(value):
        value = value if isinstance(value, bytes) else str(value).encode()
        return struct.pack(">I", len(value)) + value
    body = text(name) + b"".join(text(key) + text(value) for key, value in fields)
    return struct.pack(">I", len(body)) + body


def read_frame(sock):
    def exactly(count):
        data = b""
        while len(data) < count:
            more = sock.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data
    body = exactly(struct.unpack(">I", exactly(4))[0])
    parts = []
    while body:
        size = struct.unpack(">I", body[:4])[0]
        parts.append(body[4 : 4 + size])
        body = body[4 + size :]
    return parts[0], dict(zip(parts[1::2], parts[2::2]))


class Auth(threading.Thread):
    """Knows one login: request 7 of process 4242 with its cookie is alice."""

    def __init__(self, path, home):
        super().__init__(daemon=True)
        self.home = home
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        client.sendall(b"VERSION\t1\t1\nSPID\t1\n")
        for line in client.makefile("rb"):
            fields = line.rstrip(b"\n").split(b"\t")
            if fields[0] != b"REQUEST":
                continue
            if fields[2:5] == [b"4242", b"7", b"c00c1e"]:
                client.sendall(b"USER\t%s\talice@example.test\tuid=%d\tgid=%d\thome=%s\n"
                               % (fields[1], USER_ID, USER_ID, self.home.encode()))
            elif fields[2:5] == [b"4242", b"9", b"c00c1e"]:
                client.sendall(b"USER\t%s\tbob@example.test\tuid=%d\tgid=%d\thome=%s\n"
                               % (fields[1], USER_ID, USER_ID, self.home.encode()))
            else:
                client.sendall(b"NOTFOUND\t%s\n" % fields[1])


class SpawnerTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="spawner.")
        os.chmod(self.directory, 0o755)
        for name in ("etc", "spool/private", "home"):
            os.makedirs(os.path.join(self.directory, name))
        self.home = os.path.join(self.directory, "home")
        if os.geteuid() == 0:
            os.chown(self.home, USER_ID, USER_ID)
        with open(os.path.join(self.directory, "etc", "main.cf"), "w") as f:
            f.write("queue_directory = %s/spool\nmaillog_file = %s/log\nmaillog_file_prefixes = %s\n"
                    "mail_location = maildir:~/Maildir\nmyhostname = host.example.test\n"
                    % (self.directory, self.directory, self.directory))
        Auth(os.path.join(self.directory, "spool/private/auth-master"), self.home).start()
        self.path = os.path.join(self.directory, "spool/private/imap")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen()
        listener.setblocking(False)
        self.control, control = socket.socketpair()

        def descriptors():
            one, two = os.dup(control.fileno()), os.dup(listener.fileno())
            one, two = os.dup2(one, 30), os.dup2(two, 31)
            os.dup2(30, 3)
            os.dup2(31, 4)
            os.closerange(5, 64)

        self.process = subprocess.Popen(
            [os.path.abspath(IMAPD), "-c", os.path.join(self.directory, "etc"), "-n", "imap", "-t", "unix", "-s", "1"],
            preexec_fn=descriptors, close_fds=False)
        listener.close()
        control.close()
        self.login = socket.socket(socket.AF_UNIX)
        self.login.settimeout(20)
        self.login.connect(self.path)

    def tearDown(self):
        self.login.close()
        self.control.close()
        self.process.wait(timeout=30)
        shutil.rmtree(self.directory)

    def hand_over(self, cookie=b"c00c1e", request=7, text=b""):
        ours, theirs = socket.socketpair()
        ours.settimeout(20)
        record = frame("imap_handover/1", [
            ("request_id", 99), ("client_pid", 4242), ("auth_request", request), ("auth_cookie", cookie),
            ("user_name", "mallory"), ("remote_address", "192.0.2.1"), ("remote_port", 5), ("local_address", "192.0.2.2"),
            ("local_port", 143), ("tls", 0), ("tag", "a1"), ("input", text)])
        socket.send_fds(self.login, [record], [theirs.fileno()])
        theirs.close()
        name, reply = read_frame(self.login)
        self.assertEqual(name, b"imap_handover_reply/1")
        self.assertEqual(reply[b"request_id"], b"99")
        return ours, reply

    @staticmethod
    def line(sock):
        data = b""
        while not data.endswith(b"\r\n"):
            octet = sock.recv(1)
            if not octet:
                break
            data += octet
        return data

    def test_session(self):
        client, reply = self.hand_over(text=b"a2 CREATE Box\r\na3 NO")
        self.assertEqual(reply[b"accepted"], b"1")
        self.assertTrue(self.line(client).startswith(b"a1 OK [CAPABILITY IMAP4rev1"))
        self.assertTrue(self.line(client).startswith(b"a2 OK"))
        client.sendall(b"OP\r\n")
        self.assertTrue(self.line(client).startswith(b"a3 OK"))
        made = os.stat(os.path.join(self.home, "Maildir", ".Box", "cur"))
        if os.geteuid() == 0:
            self.assertEqual((made.st_uid, made.st_gid), (USER_ID, USER_ID))
        second, reply = self.hand_over()
        self.assertTrue(self.line(second).startswith(b"a1 OK"))
        client.sendall(b"a4 LOGOUT\r\n")
        self.assertTrue(self.line(client).startswith(b"* BYE"))
        self.assertTrue(self.line(client).startswith(b"a4 OK"))
        self.assertEqual(client.recv(1), b"")
        self.control.sendall(b"S")  # master says stop
        self.assertTrue(self.line(second).startswith(b"* BYE"))
        self.assertEqual(self.process.wait(timeout=20), 0)
        with open(os.path.join(self.directory, "log")) as log:
            text = log.read()
        self.assertIn("login: user=<alice@example.test>, rip=192.0.2.1", text)
        self.assertIn("logout: user=<alice@example.test>", text)

    def log_in_and_out(self, request=7):
        """The pid of the session process."""
        client, reply = self.hand_over(request=request)
        self.assertEqual(reply[b"accepted"], b"1")
        self.assertTrue(self.line(client).startswith(b"a1 OK"))
        client.sendall(b"b LOGOUT\r\n")
        while self.line(client):
            pass
        with open(os.path.join(self.directory, "log")) as log:
            return re.findall(r"imapd\[(\d+)\]: login: user=", log.read())[-1]

    def test_a_process_is_used_again_for_its_user_alone(self):
        mine, others = [], []
        for _ in range(200):
            mine.append(self.log_in_and_out())
            others.append(self.log_in_and_out(request=9))
            if len(set(mine)) < len(mine) and len(set(others)) < len(others):
                break
        self.assertLess(len(set(mine)), len(mine), "no process was ever used again")
        self.assertLess(len(set(others)), len(others))
        self.assertFalse(set(mine) & set(others))
        self.control.sendall(b"D")  # spare ones go at once, and the worker after them
        self.assertEqual(self.process.wait(timeout=20), 0)

    def test_a_spare_process_that_was_killed_is_no_obstacle(self):
        for _ in range(10):
            pid = self.log_in_and_out()
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
            while os.path.exists("/proc/" + pid):  # until the spawner has seen it, too
                time.sleep(0.001)
        self.log_in_and_out()

    def test_auth_decides(self):
        for cookie, request in ((b"f00", 7), (b"c00c1e", 8), (b"a\tb", 7)):
            client, reply = self.hand_over(cookie=cookie, request=request)
            self.assertEqual(reply[b"accepted"], b"0")
            self.assertNotEqual(reply[b"reason"], b"")
            self.assertEqual(client.recv(1), b"")

    def test_reload_leaves_sessions(self):
        client, _ = self.hand_over()
        self.line(client)
        self.control.sendall(b"D")  # master drains for a reload
        client.sendall(b"b NOOP\r\n")
        self.assertTrue(self.line(client).startswith(b"b OK"))
        client.sendall(b"c LOGOUT\r\n")
        self.assertTrue(self.line(client).startswith(b"* BYE"))
        self.assertEqual(self.process.wait(timeout=20), 0)


if __name__ == "__main__":
    if not os.path.exists(IMAPD):
        print("skipped: %s is not built" % IMAPD)
        sys.exit(77)
    unittest.main()
