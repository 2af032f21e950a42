"""The supervisor: start, reload, stop, throttling, orphans, limits; a mistyped configuration; an ordinary user."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from instance import Instance, program, wait_until


class Supervisor(unittest.TestCase):
    def test_reload_lets_dialogues_finish_under_the_old_configuration(self):
        with Instance() as mail:
            client = mail.smtp()
            client.ehlo("client.test")
            old = mail.pids("smtpd")
            mail.set("smtpd_banner", "$myhostname ESMTP changed")
            mail.reload()
            client.mail("a@client.test")
            self.assertEqual(client.rcpt("alice@example.test")[0], 250)
            self.assertEqual(client.data("Subject: over a reload\r\n\r\nx\r\n")[0], 250)
            with socket.create_connection(("127.0.0.1", mail.port["smtp"])) as fresh:
                self.assertIn(b"ESMTP changed", fresh.recv(200))
            self.assertIn(old[0], mail.pids("smtpd"))
            client.quit()
            wait_until(lambda: old[0] not in mail.pids("smtpd"), "the old process goes when its dialogue is over")

    def test_mail_goes_on_without_a_log(self):
        with Instance() as mail:
            mail.set("maillog_file", mail.path("nowhere/mail.log"))
            old = mail.pids("smtpd") + mail.pids("lmtpd")
            mail.reload()
            wait_until(lambda: not set(old) & set(mail.pids("smtpd") + mail.pids("lmtpd")), "processes without a log")
            mail.send()
            wait_until(lambda: len(mail.messages("alice")) == 1, "the message")
            mail.stop()
            os.mkfifo(mail.path("fifo"))
            mail.set("maillog_file", mail.path("fifo"))
            said = mail.run("malleposte", "start", timeout=30)
            self.assertIn("cannot open the log file", said.stdout + said.stderr)
            mail.send()
            wait_until(lambda: len(mail.messages("alice")) == 2, "the second message")

    def test_stop_waits_for_a_message_and_says_goodbye(self):
        with Instance() as mail:
            idle, replies = mail.raw("smtp")
            replies.readline()
            mail.stop()
            self.assertTrue(replies.readline().startswith(b"421 4.3.2"))
            self.assertFalse(mail.is_running())
            mail.start()
            self.assertTrue(mail.is_running())

    def test_a_connection_that_another_process_accepted(self):
        """Type pass: the descriptor of the client comes over a socket, as from postscreen."""
        with Instance(master_cf="smtpd pass - - n - - smtpd\n") as mail, socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            with socket.create_connection(listener.getsockname()) as client:
                accepted, _ = listener.accept()
                with accepted, socket.socket(socket.AF_UNIX) as handover:
                    handover.connect(mail.path("spool/private/smtpd"))
                    socket.send_fds(handover, [b"\0"], [accepted.fileno()])
                client.settimeout(20)
                replies = client.makefile("rb")
                self.assertTrue(replies.readline().startswith(b"220 mail.example.test"))
                for command, code in ((b"EHLO client.test", b"250"), (b"MAIL FROM:<carol@client.test>", b"250"),
                                      (b"RCPT TO:<alice@example.test>", b"250"), (b"DATA", b"354"),
                                      (b"Subject: passed on\r\n\r\nx\r\n.", b"250"), (b"QUIT", b"221")):
                    client.sendall(command + b"\r\n")
                    line = replies.readline()
                    while line[3:4] == b"-":
                        line = replies.readline()
                    self.assertTrue(line.startswith(code), line)
            mail.wait_for_empty_queue()
            self.assertEqual(len(mail.messages("alice")), 1)

    def test_auth_keeps_its_second_socket(self):
        """Another auth process that was still starting may have replaced it, and gone."""
        with Instance() as mail:
            path = mail.path("spool/private/auth-master")
            wait_until(lambda: os.path.exists(path), "auth has started")
            os.remove(path)
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(path)
            mail.send()
            mail.wait_for_empty_queue()
            self.assertEqual(len(mail.messages("alice")), 1)

    def test_fifo_services_of_old_configurations(self):
        with Instance(start=False) as mail:
            with open(mail.path("etc/master.cf")) as f:
                rows = f.read()
            for service in ("pickup", "qmgr"):
                rows = re.sub(rf"(?m)^({service} +)unix", r"\1fifo", rows)
            with open(mail.path("etc/master.cf"), "w") as f:
                f.write(rows)
            mail.start()
            mail.run("sendmail", "-f", "carol@client.test", "alice@example.test", input="Subject: by fifo\n\nx\n")
            wait_until(lambda: mail.messages("alice"), "the message comes")

    def test_a_second_start_is_refused(self):
        with Instance() as mail:
            result = mail.run("malleposte", "start", check=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn("already running", result.stderr)

    def test_orphans_go(self):
        with Instance() as mail:
            mail.send()
            mail.wait_for_empty_queue()
            names = ["smtpd", "cleanup", "qmgr", "lmtp", "lmtpd", "lmtp-store", "auth"]
            master = mail.pids("master")[0]
            os.kill(master, signal.SIGKILL)
            wait_until(lambda: not any(mail.pids(name) for name in names), "no worker is left", 40)
            mail.start()
            mail.send()
            mail.wait_for_empty_queue()

    def test_a_program_that_dies_at_once_is_throttled(self):
        with Instance(main_cf={"service_throttle_time": "3600s"}, start=False) as mail:
            mail.set("smtpd_sasl_type", "nonsense")
            mail.start()
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", mail.port["submission"])):
                    mail.wait_for_log(r"bad command startup -- throttling")
            self.assertEqual(mail.log().count("bad command startup"), 1)
            self.assertIn("throttled", mail.run("malleposte", "status").stdout)
            mail.send()  # the others go on

    def test_processes_leave_when_idle_or_used_up(self):
        with Instance(main_cf={"max_idle": "1s"}) as mail:
            mail.send()
            mail.wait_for_empty_queue()
            wait_until(lambda: not mail.pids("smtpd") and not mail.pids("lmtp"), "idle processes leave")
            mail.send()
            mail.set("max_use", "2")
            mail.set("max_idle", "100s")
            mail.reload()
            seen = set()
            for _ in range(6):
                with mail.smtp() as client:
                    client.ehlo("client.test")
                    seen |= set(mail.pids("smtpd"))
            self.assertGreaterEqual(len(seen), 3)

    def test_one_client_a_process_and_no_more_than_the_limit(self):
        with Instance(start=False) as mail:
            with open(mail.path("etc/master.cf")) as f:
                table = f.read()
            line = re.search(rf"^127\.0\.0\.1:{mail.port['smtp']} .*smtpd$", table, re.M).group(0)
            limited = re.sub(r"-(\s+)smtpd$", r"2\1smtpd -o client_limit=1", line)
            with open(mail.path("etc/master.cf"), "w") as f:
                f.write(table.replace(line, limited))
            mail.start()
            clients = [mail.raw("smtp") for _ in range(3)]
            for _, replies in clients[:2]:
                self.assertTrue(replies.readline().startswith(b"220"))
            self.assertEqual(len(mail.pids("smtpd")), 2)
            clients[2][0].settimeout(0.3)
            with self.assertRaises(OSError):
                clients[2][1].readline()  # waits for its turn
            clients[0][0].sendall(b"QUIT\r\n")
            clients[2][0].settimeout(30)
            self.assertTrue(clients[2][0].recv(100).startswith(b"220"))

    def test_rubbish_on_every_socket_harms_nobody(self):  # C4, J15
        with Instance() as mail:
            mail.send()
            for folder in ("public", "private"):
                for name in os.listdir(mail.path(f"spool/{folder}")):
                    path = mail.path(f"spool/{folder}/{name}")
                    for rubbish in (b"\xff" * 100, b"\x00\x00\x00\x04abcd", os.urandom(3000), b"\x7f\xff\xff\xff"):
                        with socket.socket(socket.AF_UNIX) as client:
                            try:
                                client.connect(path)
                                client.sendall(rubbish)
                            except OSError:
                                pass
            mail.send()
            mail.wait_for_empty_queue()
            self.assertNotIn("killed by signal", mail.log())
            self.assertNotIn("panic", mail.log())


class Configuration(unittest.TestCase):
    def test_a_typo_is_named_with_the_nearest_name(self):
        with Instance(main_cf={"smptd_timeout": "10s", "smtpd_hard_error_limit": "many"}, start=False) as mail:
            result = mail.run("malleposte", "check", check=False)
            self.assertNotEqual(result.returncode, 0)
            self.assertRegex(result.stderr, r"main\.cf, line \d+: smptd_timeout: .*smtpd_timeout")
            self.assertRegex(result.stderr, r"main\.cf, line \d+: smtpd_hard_error_limit: .*many")
            result = mail.run("malleposte", "start")
            self.assertRegex(result.stderr, r"smptd_timeout")

    def test_a_port_in_use_is_named(self):
        with Instance() as mail, Instance(start=False) as other:
            with open(other.path("etc/master.cf")) as f:
                table = f.read()
            with open(other.path("etc/master.cf"), "w") as f:
                f.write(table.replace(f":{other.port['smtp']} ", f":{mail.port['smtp']} "))
            result = other.run("malleposte", "start", check=False)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("master.cf, line", result.stderr)
            self.assertIn("Address already in use", result.stderr)

    def test_init_does_not_overwrite(self):
        with Instance(start=False) as mail:
            result = subprocess.run([program("malleposte"), "init", mail.dir, "--domain", "other.test"], stderr=subprocess.PIPE, text=True)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("never overwrites", result.stderr)


class OrdinaryUser(unittest.TestCase):
    def test_everything_runs_as_one_user(self):
        if os.geteuid() != 0:
            self.skipTest("the other tests run as an ordinary user already")
        user = pwd.getpwnam("nobody")
        build = os.path.dirname(os.path.dirname(program("malleposte")))
        if subprocess.run(["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups", "test", "-x",
                           program("malleposte")]).returncode != 0:
            self.skipTest(f"{build} cannot be reached by an ordinary user")
        directory = tempfile.mkdtemp(prefix="malleposte-test-")
        os.chown(directory, user.pw_uid, user.pw_gid)
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ordinary_user.py")
        try:
            subprocess.run(["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups", "python3", script, directory],
                           check=True, env=dict(os.environ, HOME=directory, PYTHONDONTWRITEBYTECODE="1"))
        finally:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
