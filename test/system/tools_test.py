"""postconf, postmap, postalias and newaliases as scripts use them."""

import os
import re
import stat
import subprocess
import tempfile
import unittest

from instance import BUILD, program


class Tools(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = self.folder.name
        self.write("main.cf", "myhostname = mx.example.test\nrelayhost =\n")
        self.write("master.cf", "smtp inet n - y - - smtpd\n  -o smtpd_x=1\n")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as out:
            out.write(text)

    def read(self, name):
        with open(os.path.join(self.dir, name)) as lines:
            return lines.read()

    def run_tool(self, name, *arguments, stdin=""):
        return subprocess.run([program(name), *arguments], cwd=self.dir, input=stdin, text=True, capture_output=True,
                              env=dict(os.environ, MAIL_CONFIG=self.dir))

    def test_postconf_shows(self):
        self.assertEqual(self.run_tool("postconf", "-n").stdout,
                         f"config_directory = {self.dir}\nmyhostname = mx.example.test\nrelayhost =\n")
        self.assertEqual(self.run_tool("postconf", "-hx", "mydestination").stdout,
                         "mx.example.test, localhost.example.test, localhost\n")
        self.assertEqual(self.run_tool("postconf", "-d", "relayhost").stdout, "relayhost =\n")
        self.assertIn("unused parameter: smtpd_x=1", self.run_tool("postconf", "-n").stderr)
        self.assertIn("did you mean mydestination?", self.run_tool("postconf", "mydestinaton").stderr)
        self.assertEqual(self.run_tool("postconf", "-M").stdout,
                         "smtp       inet  n       -       y       -       -       smtpd -o smtpd_x=1\n")
        self.assertIn("lmdb\n", self.run_tool("postconf", "-m").stdout)

    def test_postconf_lists_what_exists(self):
        names = [line.split(" =")[0] for line in self.run_tool("postconf", "-d").stdout.splitlines()]
        self.assertEqual([name for name in names if not re.fullmatch("[A-Za-z0-9_]+", name)], [])
        self.assertIn("lmtp_connect_timeout", names)
        self.assertIn("smtp_connect_timeout", names)

    def test_what_the_queue_tools_read_is_in_effect(self):
        for name in ("authorized_mailq_users", "authorized_flush_users", "authorized_submit_users", "fast_flush_domains"):
            self.run_tool("postconf", "-e", f"{name} = root")
            result = self.run_tool("postconf", name)
            self.assertEqual((result.stdout, result.stderr.count(name)), (f"{name} = root\n", 0), result.stderr)
            self.assertNotIn(name, self.run_tool("malleposte", "-c", self.dir, "check").stderr)

    def test_postconf_edits(self):
        self.run_tool("postconf", "-e", "relayhost = [mx]", "new = $relayhost")
        self.assertEqual(self.read("main.cf"), "myhostname = mx.example.test\nrelayhost = [mx]\nnew = $relayhost\n")
        self.run_tool("postconf", "-#", "new")
        self.run_tool("postconf", "-X", "relayhost")
        self.assertEqual(self.read("main.cf"), "myhostname = mx.example.test\n#new = $relayhost\n")

    def test_postconf_names_the_line_of_a_mistake(self):
        self.write("main.cf", "good = 1\nnot a setting\n")
        result = self.run_tool("postconf", "-n")
        self.assertEqual(result.returncode, 1)
        self.assertIn("main.cf, line 2: missing '=' after attribute name", result.stderr)

    def test_postmap(self):
        self.write("map", "a 1\nA 2\nb two words\n")
        os.chmod(os.path.join(self.dir, "map"), 0o640)
        result = self.run_tool("postmap", "hash:map")
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        self.assertEqual(result.stderr, 'postmap: warning: map.lmdb: duplicate entry: "a"\n')
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.dir, "map.lmdb")).st_mode), 0o640)
        self.assertEqual(self.run_tool("postmap", "-q", "B", "hash:map").stdout, "two words\n")
        missing = self.run_tool("postmap", "-q", "x", "hash:map")
        self.assertEqual((missing.returncode, missing.stdout), (1, ""))
        self.assertEqual(self.run_tool("postmap", "-q", "-", "hash:map", stdin="a\nx\nb\n").stdout, "a\t1\nb\ttwo words\n")
        self.write("rules", "# none\n/^c/ found\n")
        explained = self.run_tool("postmap", "-v", "-q", "c", "hash:map", "regexp:rules")
        self.assertEqual(explained.stdout, "found\n")
        self.assertEqual(explained.stderr, 'hash:map: "c" -> not there\nregexp:rules: "c" -> "found" (rules, line 2)\n')
        self.assertEqual(self.run_tool("postmap", "-d", "a", "hash:map").returncode, 0)
        self.assertEqual(self.run_tool("postmap", "-s", "hash:map").stdout, "b\ttwo words\n")
        self.assertEqual(self.run_tool("postmap", "hash:none").returncode, 1)

    def test_every_command_answers_help_and_version(self):
        commands = [name for folder in ("bin", "sbin") for name in os.listdir(os.path.join(BUILD, folder))]
        self.assertGreater(len(commands), 12)
        for name in commands:
            with self.subTest(name):
                result = self.run_tool(name, "--help")
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertRegex(result.stdout, f"^usage: {'postqueue' if name == 'mailq' else name} ")
                self.assertTrue(result.stdout.endswith(f"\n`man {name}` says more.\n"))
                result = self.run_tool(name, "--version")
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertRegex(result.stdout, rf"^{name} \(Malleposte\) [0-9.]+\n$")
                result = self.run_tool(name, "--no-such-option")
                self.assertEqual((result.returncode, result.stdout), (64, ""), result.stderr)
                self.assertIn("usage: ", result.stderr)
        for words in (["malleposte", "init", "--help"], ["mailadm", "user", "add", "--help"], ["mailauth", "check", "--help"]):
            result = self.run_tool(*words)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn(f"usage: {words[0]} ", result.stdout)
        # What may be a value or a key is one.
        self.write("map", "--help found\n")
        self.run_tool("postmap", "hash:map")
        self.assertEqual(self.run_tool("postmap", "-q", "--help", "hash:map").stdout, "found\n")

    def test_init_says_what_is_wrong(self):
        for arguments, words in (
                (["/dev/null/x", "--domain", "example.test"], "cannot make /dev/null/x: Not a directory; name a directory"),
                (["x"], "init needs --domain DOMAIN"),
                (["x", "--domain", "mail"], "is not a mail domain, such as example.test"),
                (["--domain", "example.test"], "init needs a directory: malleposte init DIR")):
            result = self.run_tool("malleposte", "init", *arguments)
            self.assertIn(words, result.stderr)
            self.assertNotIn("terminate", result.stderr)
            self.assertIn(result.returncode, (64, 73))
        if os.getuid() == 0:
            os.mkdir(self.dir + "/closed", 0o700)
            os.chmod(self.dir, 0o755)
            result = subprocess.run([program("malleposte"), "init", self.dir + "/closed/x", "--domain", "example.test"],
                                    text=True, capture_output=True, user=65534, group=65534, extra_groups=[])
            self.assertIn("/closed/x: Permission denied; name a directory that you may make", result.stderr)
            self.assertEqual(result.returncode, 73)

    def test_a_missing_configuration_is_named_once(self):
        for words in (["mailadm", "-c", "none", "user", "list"], ["postconf", "-c", "none"],
                      ["newaliases", "-c", "none"], ["malleposte", "-c", "none", "check"]):
            result = self.run_tool(*words)
            line = result.stderr.splitlines()[0]
            self.assertIn("none/main.cf: cannot be read: No such file or directory; -c or MAIL_CONFIG", line)
            self.assertEqual(line.count("main.cf"), 1)
            self.assertNotEqual(result.returncode, 0)

    def test_mailadm_says_which_word_it_does_not_know(self):
        for words, said in ((["who"], 'there is no command "who"'), (["who", "alice"], 'there is no command "who"'),
                            (["user", "frob"], 'there is no command "user frob"'), (["user"], "user what?"), ([], "which command?")):
            result = self.run_tool("mailadm", *words)
            self.assertEqual(result.returncode, 64)
            self.assertIn(f"mailadm: fatal: {said}\nusage: mailadm", result.stderr)

    def test_aliases(self):
        self.write("aliases", "root: alice\n")
        self.run_tool("postconf", "-e", f"alias_database = hash:{self.dir}/aliases")
        result = self.run_tool("newaliases")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        self.assertEqual(self.run_tool("postalias", "-q", "root", "hash:aliases").stdout, "alice\n")


if __name__ == "__main__":
    unittest.main()
