"""What systemd expects of a service: readiness, reload, watchdog and stop by notification; sockets that it opened."""

import os
import signal
import socket
import subprocess
import tempfile
import unittest

from instance import Instance, program, wait_until


class Notified:
    """A notification socket, and what came in."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(30)

    def wait_for(self, word):
        while True:
            message = self.socket.recv(4096).decode()
            if word in message.split("\n"):
                return message


class Systemd(unittest.TestCase):
    def start(self, mail, notified, listening):
        def hand_over():
            os.dup2(listening.fileno(), 3)
            os.set_inheritable(3, True)
            os.environ["LISTEN_PID"] = str(os.getpid())

        # LISTEN_PID names the process itself, so a shell sets it on the way.
        command = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', program("malleposte"), "-c", mail.path("etc"), "start-fg"]
        environment = dict(os.environ, NOTIFY_SOCKET=notified.path, LISTEN_FDS="1", WATCHDOG_USEC="400000", LISTEN_FDNAMES="smtp")
        return subprocess.Popen(command, env=environment, preexec_fn=hand_over, close_fds=False)

    def test_the_life_of_a_service(self):
        with Instance(start=False) as mail, socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1", mail.port["smtp"]))
            listening.listen(10)
            notified = Notified(mail.dir)
            # A client that knocks before the service is there.
            early = socket.create_connection(("127.0.0.1", mail.port["smtp"]), timeout=30)
            process = self.start(mail, notified, listening)
            try:
                notified.wait_for("READY=1")
                self.assertTrue(early.recv(100).startswith(b"220 "))
                self.assertIn("from systemd", mail.log())
                notified.wait_for("WATCHDOG=1")
                process.send_signal(signal.SIGHUP)
                self.assertIn("MONOTONIC_USEC=", notified.wait_for("RELOADING=1"))
                notified.wait_for("READY=1")
                mail.send()
                process.send_signal(signal.SIGTERM)
                notified.wait_for("STOPPING=1")
                self.assertEqual(process.wait(timeout=40), 0)
            finally:
                if process.poll() is None:
                    process.kill()
                early.close()


if __name__ == "__main__":
    unittest.main()
