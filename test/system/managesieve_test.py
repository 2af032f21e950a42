#!/usr/bin/env python3
"""ManageSieve: every command over the wire, other people's clients, and what a stranger may not do."""

import base64
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

import instance
from instance import Instance, wait_until

GOOD = 'require "fileinto";\r\nif header :is "subject" "x" { fileinto "INBOX"; }\r\n'
BAD = 'require "fileinto";\r\nif header :is "subject" { fileinto "INBOX"; }\r\n'


class Client:
    """Speaks RFC 5804, to the letter and no further."""

    def __init__(self, host, login=True):
        self.sock = socket.create_connection(("127.0.0.1", host.port["managesieve"]), timeout=20)
        self.file = self.sock.makefile("rb")
        self.greeting = self.answer()
        if login:
            self.login()

    def close(self):
        self.file.close()
        self.sock.close()

    def login(self, user="alice@example.test", password="secret"):
        initial = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.tell(f'AUTHENTICATE "PLAIN" "{initial}"')
        return self.answer()

    def tell(self, line):
        self.sock.sendall(line.encode() + b"\r\n")

    def read_string(self, text):
        """One line's words; a literal is read from the stream."""
        match = re.search(rb"\{(\d+)\}\r\n$", text)
        if match:
            body = self.file.read(int(match.group(1)))
            return text[:match.start()] + body + self.file.readline()
        return text

    def answer(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return lines
            lines.append(self.read_string(line).decode())
            if re.match(r"(OK|NO|BYE)\b", lines[-1]):
                return lines

    def ask(self, line):
        self.tell(line)
        return self.answer()

    def put(self, name, text, command="PUTSCRIPT"):
        octets = text.encode()
        name = f' "{name}"' if name is not None else ""
        self.sock.sendall(f"{command}{name} {{{len(octets)}+}}\r\n".encode() + octets + b"\r\n")
        return self.answer()


class ManageSieveTest(unittest.TestCase):
    def test_every_command(self):
        with Instance() as host:
            client = Client(host, login=False)
            text = "".join(client.greeting)
            for wanted in ('"IMPLEMENTATION" "Malleposte"', '"SIEVE" "', '"STARTTLS"', '"SASL" "PLAIN', '"VERSION" "1.0"',
                           '"MAXREDIRECTS" "4"', '"NOTIFY" "mailto"', '"UNAUTHENTICATE"'):
                self.assertIn(wanted, text)
            self.assertTrue(client.ask("LISTSCRIPTS")[-1].startswith("NO"))
            self.assertTrue(client.login(password="wrong")[-1].startswith("NO"))
            self.assertTrue(client.login()[-1].startswith("OK"))
            self.assertIn('"OWNER" "alice@example.test"', "".join(client.ask("CAPABILITY")))
            self.assertEqual(client.ask('NOOP "tag"'), ['OK (TAG "tag") "Done."\r\n'])
            self.assertEqual(client.ask("LISTSCRIPTS"), ["OK\r\n"])
            self.assertTrue(client.ask('HAVESPACE "one" 1000')[-1].startswith("OK"))
            self.assertTrue(client.ask('HAVESPACE "one" 100000000')[-1].startswith("NO (QUOTA/MAXSIZE)"))
            self.assertTrue(client.put("one", GOOD)[-1].startswith("OK"))
            refused = client.put("bad", BAD)[-1]
            self.assertTrue(refused.startswith("NO"), refused)
            self.assertIn("bad:2:", refused)
            self.assertTrue(client.put(None, GOOD, "CHECKSCRIPT")[-1].startswith("OK"))
            self.assertTrue(client.put(None, BAD, "CHECKSCRIPT")[-1].startswith("NO"))
            self.assertEqual(client.ask("LISTSCRIPTS")[:-1], ['"one"\r\n'])
            self.assertTrue(client.ask('SETACTIVE "one"')[-1].startswith("OK"))
            self.assertEqual(client.ask("LISTSCRIPTS")[:-1], ['"one" ACTIVE\r\n'])
            self.assertEqual(os.readlink(host.path("mail/alice/.dovecot.sieve")), "sieve/one.sieve")
            self.assertTrue(client.ask('SETACTIVE "none"')[-1].startswith("NO (NONEXISTENT)"))
            self.assertTrue(client.ask('RENAMESCRIPT "one" "two"')[-1].startswith("OK"))
            self.assertEqual(client.ask("LISTSCRIPTS")[:-1], ['"two" ACTIVE\r\n'])
            self.assertTrue(client.put("three", GOOD)[-1].startswith("OK"))
            self.assertTrue(client.ask('RENAMESCRIPT "three" "two"')[-1].startswith("NO (ALREADYEXISTS)"))
            self.assertEqual(client.ask('GETSCRIPT "three"')[0], client_text(GOOD))
            self.assertTrue(client.ask('DELETESCRIPT "two"')[-1].startswith("NO (ACTIVE)"))
            self.assertTrue(client.ask('SETACTIVE ""')[-1].startswith("OK"))
            self.assertFalse(os.path.lexists(host.path("mail/alice/.dovecot.sieve")))
            self.assertTrue(client.ask('DELETESCRIPT "two"')[-1].startswith("OK"))
            self.assertTrue(client.ask('GETSCRIPT "two"')[-1].startswith("NO (NONEXISTENT)"))
            for name in ("../x", "a/b", "", "\\\\"):
                answer = client.put(name, GOOD)[-1]
                self.assertTrue(answer.startswith("NO") or name == "\\\\", (name, answer))
            self.assertTrue(client.ask("UNAUTHENTICATE")[-1].startswith("OK"))
            self.assertTrue(client.ask("LISTSCRIPTS")[-1].startswith("NO"))
            self.assertTrue(client.login("bob", "geheim")[-1].startswith("OK"))
            self.assertEqual(client.ask("LISTSCRIPTS"), ["OK\r\n"])
            self.assertTrue(client.ask("LOGOUT")[-1].startswith("OK"))
            self.assertEqual(client.file.read(), b"")
            client.close()

    def test_a_file_in_the_place_of_the_link_is_kept(self):
        with Instance() as host:
            path = host.path("mail/alice/.dovecot.sieve")
            with open(path, "w") as out:
                out.write("keep;\n")
            owner = os.stat(host.path("mail/alice"))
            os.chown(path, owner.st_uid, owner.st_gid)
            client = Client(host)
            client.put("new", GOOD)
            self.assertTrue(client.ask('SETACTIVE "new"')[-1].startswith("OK"))
            self.assertEqual(client.ask("LISTSCRIPTS")[:-1], ['"dovecot.orig"\r\n', '"new" ACTIVE\r\n'])
            client.close()

    def test_quota(self):
        with Instance(main_cf={"sieve_quota_max_scripts": "2", "sieve_max_script_size": "2000"}) as host:
            client = Client(host)
            self.assertTrue(client.put("one", GOOD)[-1].startswith("OK"))
            self.assertTrue(client.put("two", GOOD)[-1].startswith("OK"))
            self.assertTrue(client.put("three", GOOD)[-1].startswith("NO (QUOTA/MAXSCRIPTS)"))
            self.assertTrue(client.put("two", "# longer\r\n" + GOOD)[-1].startswith("OK"))
            self.assertTrue(client.put("two", GOOD + "# x\r\n" * 1000)[-1].startswith("NO (QUOTA/MAXSIZE)"))
            self.assertTrue(client.put("two", GOOD + "# x\r\n" * 100000)[-1].startswith("NO (QUOTA/MAXSIZE)"))
            self.assertEqual(client.ask("LISTSCRIPTS")[:-1], ['"one"\r\n', '"two"\r\n'])
            client.close()

    def test_starttls_throws_away_what_came_before(self):
        with Instance() as host:
            client = Client(host, login=False)
            client.sock.sendall(b"STARTTLS\r\nLISTSCRIPTS\r\n")
            self.assertTrue(client.answer()[-1].startswith("OK"))
            context = host.tls_context()
            secure = context.wrap_socket(client.sock, server_hostname="localhost") if context.check_hostname else context.wrap_socket(client.sock)
            client.sock, client.file = secure, secure.makefile("rb")
            self.assertIn('"SASL" "PLAIN', "".join(client.answer()))
            self.assertTrue(client.login()[-1].startswith("OK"))
            self.assertTrue(client.put("tls", GOOD)[-1].startswith("OK"))
            self.assertTrue(client.ask("UNAUTHENTICATE")[-1].startswith("OK"))
            self.assertTrue(client.login()[-1].startswith("OK"))
            self.assertEqual(client.ask("LISTSCRIPTS")[:-1], ['"tls"\r\n'])
            client.close()

    def test_bad_input(self):
        with Instance() as host:
            for octets in (b'AUTHENTICATE "PLAIN" {2000000000+}\r\n', b'AUTHENTICATE "PLAIN" ""\r\n', b'AUTHENTICATE "PLAIN" {0+}\r\n\r\n',
                           b'AUTHENTICATE "PL\0AIN" "a\0b"\r\n', b"\xff\xfe\x00\r\n" * 30, b"A" * 100000, b'NOOP "' + b"\\" * 5000 + b'"\r\n'):
                client = Client(host, login=False)
                client.sock.sendall(octets)
                try:
                    client.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # the server has left already
                answers, was_reset = b"", False
                try:
                    while piece := client.sock.recv(65536):
                        answers += piece
                except ConnectionResetError:
                    was_reset = True  # it closed without having read all
                self.assertTrue(re.match(rb"(NO|BYE)", answers) or was_reset, (octets[:40], answers))
                client.close()
            client = Client(host)
            self.assertTrue(client.put("nul", "keep;\0")[-1].startswith("NO"))
            client.sock.sendall(b'PUTSCRIPT "big" {200000000000+}\r\n')
            self.assertTrue(client.answer()[-1].startswith("BYE"))
            client.close()
            self.assertEqual([], re.findall("killed by signal|panic", host.log()))

    def test_delivery_while_a_script_is_replaced(self):
        with Instance() as host:
            client = Client(host)
            client.put("main", 'require ["fileinto","mailbox"];\r\nfileinto :create "A";\r\n')
            client.ask('SETACTIVE "main"')
            for number in range(40):
                client.put("main", 'require ["fileinto","mailbox"];\r\nfileinto :create "%s";\r\n' % "AB"[number % 2])
                host.send(subject=f"message {number}")
            host.wait_for_empty_queue()
            count = sum(len(files) for box in (".A", ".B") for part in ("new", "cur")
                        for _, _, files in os.walk(host.path(f"mail/alice/Maildir/{box}/{part}")))
            self.assertEqual(count, 40)
            client.close()

    @unittest.skipUnless(shutil.which("sieve-connect"), "sieve-connect is not installed")
    def test_sieve_connect(self):
        with Instance() as host, tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, "mine.sieve")
            with open(script, "w") as out:
                out.write(GOOD.replace("\r\n", "\n"))

            def run(*arguments):
                command = ["sieve-connect", "-s", "127.0.0.1", "-p", str(host.port["managesieve"]), "-u", "alice@example.test", "--notlsverify",
                           "--tlscafile", host.path("etc/cert.pem"), "--passwordfd", "0", *arguments]
                done = subprocess.run(command, input="secret\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stdout)
                return done.stdout

            run("--localsieve", script, "--remotesieve", "mine", "--upload")
            run("--remotesieve", "mine", "--activate")
            self.assertRegex(run("--list"), r'"?mine"? ACTIVE')
            self.assertEqual(os.readlink(host.path("mail/alice/.dovecot.sieve")), "sieve/mine.sieve")

    def test_net_managesieve(self):
        if subprocess.run(["perl", "-MNet::ManageSieve", "-e", "1"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("Net::ManageSieve is not installed")
        with Instance() as host:
            program = r"""
use Net::ManageSieve;
my $s = Net::ManageSieve->new("127.0.0.1", Port => $ARGV[0], tls => "may", SSL_verify_mode => 0) or die "$@";
$s->auth("alice\@example.test", "secret") or die $s->error;
$s->putscript("perl", "keep;\r\n") or die $s->error;
$s->setactive("perl") or die $s->error;
my $list = $s->listscripts or die $s->error;
print join(",", @$list), "\n";
print ${[$s->getscript("perl")]}[0];
$s->logout;
"""
            done = subprocess.run(["perl", "-e", program, str(host.port["managesieve"])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=60)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("perl", done.stdout)
            self.assertIn("keep;", done.stdout)


def client_text(script):
    """How a literal of this script looks once read: without its length, with the line end behind it."""
    return script + "\r\n"


if __name__ == "__main__":
    unittest.main()
