"""Every test script of the conformance data through `sievec --testsuite`, and its scripts with mistakes through `sievec`.

What does not pass as it stands, and why:

  extensions/extlists/multiple.svtest    its address books (*.dict) are not in the collection, and RFC 6134 leaves to each site
                                         what stands behind a list's name; what valid_ext_list.svtest asks passes.
  failures/fuzz1, fuzz2, fuzz3.svtest    once crashed the interpreter they were written for. Each takes a message that nobody
                                         has stored, so each has to end with a failed section, and not otherwise.
  plugins/extprograms/*                  vnd.dovecot.pipe, .filter and .execute run programs of the administrator; no RFC has
                                         them and they are not offered. RFC 5228, 2.10.5: "Implementations MUST NOT execute any
                                         Sieve script test or command subsequent to "require" if one of the required extensions
                                         is unavailable."

Of include/execute.svtest the section "Namespace - dict" keeps scripts in a dictionary by settings of another product; here it
runs with the same scripts from their directories. Wording: `test_error` is matched in enotify/limits.svtest and
editheader/errors.svtest by phrases that our texts hold as well. Nothing else looks at words.
"""

import glob
import os
import re
import subprocess
import tempfile
import unittest

from instance import program

# Relative path: (sections that pass, sections that fail)
EXCEPTIONS = {
    "extensions/extlists/multiple.svtest": (0, 1),
    "failures/fuzz1.svtest": (0, 1),
    "failures/fuzz2.svtest": (0, 1),
    "failures/fuzz3.svtest": (0, 1),
    "plugins/extprograms/errors.svtest": (0, 2),
    "plugins/extprograms/execute/execute.svtest": (0, 1),
    "plugins/extprograms/filter/command.svtest": (0, 1),
    "plugins/extprograms/filter/execute.svtest": (0, 1),
    "plugins/extprograms/pipe/errors.svtest": (0, 3),
}

# Scripts with mistakes that no test script compiles, and how many mistakes they have: as many as Debian's sievec finds in them,
# but for mailbox and special-use names and the type of a report, where it is the number in their comments.
MISTAKES = {
    "compile/errors/address-part.sieve": 2, "compile/errors/address.sieve": 8, "compile/errors/comparator.sieve": 5,
    "compile/errors/encoded-character.sieve": 4, "compile/errors/envelope.sieve": 2, "compile/errors/fileinto.sieve": 9,
    "compile/errors/header.sieve": 9, "compile/errors/if.sieve": 11, "compile/errors/keep.sieve": 2,
    "compile/errors/lexer.sieve": 8, "compile/errors/out-address.sieve": 15, "compile/errors/parser.sieve": 8,
    "compile/errors/require.sieve": 14, "compile/errors/size.sieve": 6, "compile/errors/stop.sieve": 8,
    "compile/errors/tag.sieve": 2, "extensions/body/errors/syntax.sieve": 11, "extensions/mailbox/errors/syntax.sieve": 11,
    "extensions/special-use/errors/syntax.sieve": 14, "extensions/regex/errors/compile.sieve": 4,
    "extensions/vnd.dovecot/report/errors/syntax.sieve": 8, "extensions/include/errors/variables-inactive.sieve": 2,
    "extensions/include/errors/global-namespace.sieve": 3, "extensions/include/errors/generic.sieve": 2,
    "extensions/include/errors/scriptname.sieve": 7, "extensions/include/errors/variables.sieve": 1,
    "extensions/mime/errors/limits.sieve": 1, "compile/errors/typos.sieve": 5, "compile/errors/unsupported.sieve": 2,
}


def find_suite():
    if "MALLEPOSTE_CONFORMANCE" in os.environ:
        return os.path.join(os.environ["MALLEPOSTE_CONFORMANCE"], "sieve")
    folder = os.path.dirname(os.path.abspath(__file__))
    while folder != "/":
        folder = os.path.dirname(folder)
        candidate = os.path.join(folder, "shared", "conformance", "sieve")
        if os.path.isdir(candidate):
            return candidate
    return None


SUITE = find_suite()


class Suite(unittest.TestCase):
    @unittest.skipUnless(SUITE, "the conformance data is not there")
    def test_every_script(self):
        files = sorted(glob.glob(os.path.join(SUITE, "**", "*.svtest"), recursive=True))
        self.assertGreater(len(files), 70)
        for file in files:
            name = os.path.relpath(file, SUITE)
            with self.subTest(name):
                result = subprocess.run([program("sievec"), "--testsuite", file], capture_output=True, text=True, timeout=120)
                count = re.search(r"^(\d+) passed, (\d+) failed$", result.stdout.splitlines()[-1])
                passed, failed = int(count.group(1)), int(count.group(2))
                self.assertEqual(result.returncode, 1 if failed else 0, result.stderr)
                self.assertEqual(len(re.findall(r": ok$", result.stdout, re.M)), passed)
                if name in EXCEPTIONS:
                    self.assertEqual((passed, failed), EXCEPTIONS[name], result.stdout)
                else:
                    self.assertEqual(failed, 0, result.stdout)
                    self.assertGreater(passed, 0, result.stdout)

    def test_our_own_scripts(self):
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "sieve")
        files = glob.glob(os.path.join(folder, "*.svtest"))
        self.assertTrue(files)
        result = subprocess.run([program("sievec"), "--testsuite", *files], capture_output=True, text=True, timeout=120)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertNotIn("0 passed", result.stdout)

    def test_the_command(self):
        """Compiling, running and failing, as a user sees it."""
        def run(*arguments, stdin=""):
            return subprocess.run([program("sievec"), *arguments], input=stdin, capture_output=True, text=True, timeout=60)
        with tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, "a.sieve")
            with open(script, "w") as out:
                out.write('require "fileinto";\nif header :contains "subject" "x" { fileinto "Box"; }\nredirect "nobody";\n')
            result = run(script)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertEqual(result.stderr, f"{script}:3:1: this is no mail address: nobody\n")
            with open(script, "w") as out:
                out.write('require ["fileinto", "include"];\ninclude "b";\nif header :contains "subject" "x" { fileinto "Box"; }\n')
            with open(os.path.join(folder, "b.sieve"), "w") as out:
                out.write("if size :over 1M { discard; stop; }\n")
            compiled = os.path.join(folder, "a.bin")
            self.assertEqual(run("-o", compiled, script).returncode, 0)
            with open(compiled, "rb") as program_file:
                self.assertTrue(program_file.read().startswith(b"Malleposte sieve"))
            result = run("--run", "--trace", "--from", "a@b.example", script, stdin="Subject: abxc\n\n")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stdout, f"{script}:2: include b\nb:1: test size :over 1048576 with 17 octets: false\n"
                             f'{script}:3: test header :contains "subject" "x" with "abxc" and key "x": true\n'
                             f'{script}:3: fileinto "Box"\nfileinto "Box"\n')
            self.assertEqual(run("--nonsense").returncode, 64)
            self.assertEqual(run(os.path.join(folder, "none")).returncode, 66)
            with open(script, "w") as out:
                out.write('require ["reject"];\nreject "a";\nkeep;\n')
            result = run("--run", script, stdin="Subject: x\n\n")
            self.assertEqual((result.returncode, result.stdout), (1, "keep (implicit)\n"))
            self.assertEqual(result.stderr, f"error: {script}:3: keep cannot go together with the reject of line 2\n")

    @unittest.skipUnless(SUITE, "the conformance data is not there")
    def test_mistakes_are_counted(self):
        for name, mistakes in MISTAKES.items():
            with self.subTest(name):
                file = os.path.join(SUITE, name)
                result = subprocess.run([program("sievec"), file], capture_output=True, text=True, timeout=60)
                errors = [line for line in result.stderr.split("\n") if line and ": warning: " not in line]
                self.assertEqual(result.returncode, 1)
                self.assertEqual(len(errors), mistakes, result.stderr)
                for line in errors:
                    self.assertRegex(line, re.escape(file) + r":\d+:\d+: .")


if __name__ == "__main__":
    unittest.main()
