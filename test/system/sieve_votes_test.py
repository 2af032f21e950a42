"""Generated scripts over generated messages: what sievec --run says must be what Debian's sieve-test (dovecot-sieve) says.

Left out on purpose, because both cannot agree there and an RFC says who is right:

  fileinto with and without :copy into one mailbox. sieve-test then keeps the implicit keep; RFC 3894, 3: only ":copy" leaves it,
  and a fileinto without it cancels it (RFC 5228, 4.1).
  :param of a parameter that is not there, matched by "*". sieve-test takes it for an empty value; RFC 5703, 4.3 tests parameters
  that are named in the field.
  body with nothing behind the empty line. sieve-test finds no body; RFC 5173, 4 finds an empty string.
  :index over several field names together with :last, or with :count, which sieve-test then finds to be 0. Messages have CR LF, so that size counts the same octets.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from instance import program

PAIRS = int(os.environ.get("SIEVE_VOTES", "600"))
SEED = int(os.environ.get("SIEVE_SEED", "4"))

NAMES = ["alice", "bob", "carol", "Dave.Smith", "eve+lists", "frank+work+x", "info", "Owner"]
DOMAINS = ["example.test", "lists.example.test", "Example.TEST", "sub.dept.example.test", "example.org"]
WORDS = ["invoice", "Report", "re:", "[dev]", "hello", "World", "Urgent", "100%", "a*b", "x?y", "back\\slash", "free", "b\u00fcro",
         "42", "007", "meeting", "", "sale!!!", "(no subject)", "$price"]
FIELDS = ["Subject", "From", "To", "Cc", "List-Id", "X-Spam", "X-Level", "Reply-To", "X-None", "Received", "Date", "Comments"]
ADDRESS_FIELDS = ["From", "To", "Cc", "Reply-To", "Sender"]
FOLDERS = ["Lists", "Lists.dev", "Work", "Junk", "Archive.2026", "INBOX", "A B"]
FLAGS = ["\\\\Seen", "\\\\Flagged", "\\\\Answered", "$Label1", "todo"]
CAPABILITIES = ["fileinto", "copy", "envelope", "imap4flags", "relational", "comparator-i;ascii-numeric", "subaddress", "body",
                "variables", "regex", "date", "index", "mailbox", "vacation", "vacation-seconds", "enotify", "reject", "mime",
                "foreverypart", "editheader", "encoded-character", "ihave"]


class Writer:
    """Scripts and messages from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, items):
        return self.random.choice(items)

    def chance(self, percent):
        return self.random.randrange(100) < percent

    # ---- messages

    def address(self):
        address = f"{self.pick(NAMES)}@{self.pick(DOMAINS)}"
        form = self.random.randrange(5)
        if form == 0:
            return f"\"{self.pick(WORDS).replace(chr(92), '') or 'N'}, X\" <{address}>".encode("ascii", "replace").decode()
        if form == 1:
            return f"Some Body <{address}>"
        if form == 2:
            return f"{address} (comment)"
        return address

    def text(self):
        return " ".join(self.pick(WORDS) for _ in range(self.random.randrange(1, 6))).strip()

    def field(self, name):
        text = self.text()
        if any(ord(c) > 127 for c in text) or self.chance(10):
            encoded = "".join("_" if c == " " else (c if c.isalnum() and ord(c) < 128 else "".join(f"={b:02X}" for b in c.encode()))
                              for c in text)
            return f"{name}: =?utf-8?q?{encoded}?=\n"
        if self.chance(15):
            text = text.replace(" ", "\n ", 1)
        return f"{name}: {text}\n".replace("\n \n", "\n")

    def message(self):
        head = [f"From: {self.address()}\n", f"To: {', '.join(self.address() for _ in range(self.random.randrange(1, 4)))}\n"]
        if self.chance(40):
            head.append(f"Cc: {self.address()},\n {self.address()}\n")
        if self.chance(85):
            head.append(self.field("Subject"))
        if self.chance(30):
            head.append(f"List-Id: <{self.pick(['dev', 'users'])}.lists.example.test>\n")
        if self.chance(30):
            head.append(f"X-Spam: {self.pick(['Yes', 'No', 'yes, score=7'])}\n")
        for _ in range(self.random.randrange(3)):
            head.append(f"X-Level: {self.pick(['0', '3', '12', '012', 'high', ''])}\n")
        for _ in range(self.random.randrange(3)):
            head.append("Received: from a by b; Mon, 20 Jul 2026 21:44:43 +0200\n")
        if self.chance(80):
            head.append(f"Date: {self.pick(['Mon, 20 Jul 2026 23:44:43 +0200', '1 Jan 2025 00:05:00 -0500', 'Sat, 29 Feb 2020 12:00:00 GMT'])}\n")
        if self.chance(20):
            head.append(self.field("Comments"))
        if self.chance(60):
            head.append("Message-ID: <%d@example.test>\n" % self.random.randrange(10 ** 9))
        self.random.shuffle(head)
        return "".join(head) + self.body()

    def body(self):
        lines = "".join(self.text() + "\n" for _ in range(self.random.randrange(8))) + "end\n"
        if self.chance(60):
            return "\n" + lines if lines.isascii() else \
                "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + lines
        return ("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=xx\n\npreamble\n--xx\n"
                "Content-Type: text/plain; charset=utf-8\n\nplain part %s\n--xx\nContent-Type: text/html\n\n"
                "<html><body>some <b>%s</b></body></html>\n--xx\nContent-Type: application/pdf; name=\"a.pdf\"\n"
                "Content-Disposition: attachment; filename=\"a.pdf\"\nContent-Transfer-Encoding: base64\n\nSGVsbG8gV29ybGQ=\n--xx--\n"
                % (self.pick(WORDS), self.pick(["Hello", "World", "invoice"])))

    # ---- scripts

    def quote(self, text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def strings(self, items, most=3):
        chosen = [self.pick(items) for _ in range(self.random.randrange(1, most + 1))]
        if len(chosen) == 1 and self.chance(70):
            return self.quote(chosen[0])
        return "[" + ", ".join(self.quote(item) for item in chosen) + "]"

    def glob(self):
        return self.pick(["*", "?*", "*@*", "*invoice*", "*[*]*", "hello*", "*\\*b*", "*.test", "alice*", "*+*@*", "a?ice*", "??", ""])

    def match(self):
        """Match type, comparator and a list of keys that suits them."""
        kind = self.random.randrange(10)
        if kind < 3:
            return self.pick(["", ":is"]), self.strings(WORDS + NAMES + ["Yes", "No", "0", "3"])
        if kind < 6:
            return ":contains", self.strings(WORDS + NAMES + ["example", "list", "es"])
        if kind < 8:
            return ":matches", self.strings([self.glob() for _ in range(4)])
        if kind == 8:
            relation = self.pick(["gt", "ge", "lt", "le", "eq", "ne"])
            if self.chance(50):
                return f':count "{relation}" :comparator "i;ascii-numeric"', self.quote(self.pick(["0", "1", "2", "3"]))
            comparator = self.pick(["i;ascii-numeric", "i;octet", "i;ascii-casemap"])
            return f':value "{relation}" :comparator "{comparator}"', self.quote(self.pick(["3", "12", "hello", "m"]))
        return ":regex", self.strings(["^(.*)@(.*)$", "[0-9]+", "(foo|hello|invoice)", "^$", "re:.*", "[[:alpha:]]+ [[:alpha:]]+"])

    def comparator(self, tags):
        if "comparator" in tags or not self.chance(20):
            return ""
        return ' :comparator "%s"' % self.pick(["i;octet", "i;ascii-casemap"])

    def test(self, depth):
        roll = self.random.randrange(20 if depth > 0 else 16)
        match, keys = self.match()
        comparator = self.comparator(match)
        if roll < 4:
            index = self.pick(["", "", "", " :index 1", " :index 2", " :index 1 :last"]) if "count" not in match else ""
            names = self.strings(FIELDS) if not index else self.quote(self.pick(FIELDS))
            return f"header {match}{comparator}{index} {names} {keys}"
        if roll < 7:
            part = self.pick(["", ":all", ":localpart", ":domain", ":user", ":detail"])
            if self.chance(50):
                match, keys = self.pick([":is", ":contains", ":matches"]), self.strings(NAMES + DOMAINS + ["eve", "lists", "*", "*.test"])
            return f"address {part} {match} {self.strings(ADDRESS_FIELDS)} {keys}"
        if roll == 7:
            return f"exists {self.strings(FIELDS)}"
        if roll == 8:
            return f"size {self.pick([':over', ':under'])} {self.pick(['1', '100', '300', '1K', '2K'])}"
        if roll == 9:
            part = self.pick(["", ":localpart", ":domain", ":user", ":detail"])
            return f"envelope {part} {match} {self.strings(['from', 'to'], 2)} {self.strings(NAMES + DOMAINS + ['sender', '*'])}" \
                if ":" not in match or match in (":is", ":contains", ":matches") else 'envelope :contains "from" "example"'
        if roll == 10:
            where = self.pick([":raw", ":text", ':content "text"', ':content "text/html"', ':content "application"'])
            return f"body {where} {self.pick([':contains', ':matches'])} {self.strings(['hello', 'World', '*part*', '*', 'invoice', 'html', 'preamble'])}"
        if roll == 11:
            part, key = self.pick([("year", "2026"), ("month", "07"), ("day", "20"), ("hour", "23"), ("weekday", "1"), ("zone", "+0200"),
                                   ("date", "2026-07-20"), ("time", "23:44:43"), ("julian", "61241"), ("minute", "44"),
                                   ("iso8601", "2026-07-20T23:44:43+02:00")])
            zone = self.pick([":originalzone", ':zone "+0000"', ':zone "-0330"'])
            relation = self.pick(["", ':value "ge"', ':value "lt"'])
            return f'date {zone} {relation} "date" "{part}" "{key}"'
        if roll == 12:
            return f'string {match}{comparator} {self.strings(["${v1}", "${v2}", "x${1}y", "${0}", "lit"])} {keys}'
        if roll == 13:
            return f"hasflag {self.pick([':is', ':contains'])} {self.pick(['$Label1', 'todo', 'lab']).join([chr(34), chr(34)])}"
        if roll == 14:
            option = self.pick([":type", ":subtype", ":contenttype", ':param "filename"', ':param ["charset", "name"]'])
            field = "Content-Disposition" if "filename" in option else "Content-Type"
            return f"header :mime {self.pick(['', ':anychild'])} {option} {self.pick([':is', ':contains', ':matches'])} \"{field}\" " + \
                self.strings(["text", "html", "application/pdf", "a.pdf", "utf-8", "*p*", "multipart"])
        if roll == 15:
            return self.pick(["true", "false"])
        inner = ", ".join(self.test(depth - 1) for _ in range(self.random.randrange(1, 4)))
        if roll == 16:
            return "not " + self.test(depth - 1)
        return f"{self.pick(['anyof', 'allof'])} ({inner})"

    def action(self):
        roll = self.random.randrange(22)
        flags = self.pick(["", "", f" :flags \"{self.pick(FLAGS)}\"", f" :flags [\"{self.pick(FLAGS)}\", \"{self.pick(FLAGS)}\"]"])
        if roll < 6:
            return f"fileinto{self.pick(['', ' :copy'])}{self.pick(['', ' :create'])}{flags} {self.quote(self.pick(FOLDERS))};"
        if roll < 8:
            return f"keep{flags};"
        if roll == 8:
            return "discard;"
        if roll == 9:
            return f"redirect{self.pick(['', ' :copy'])} \"{self.pick(NAMES)}@{self.pick(DOMAINS)}\";"
        if roll == 10:
            return "stop;"
        if roll == 11:
            return f"{self.pick(['addflag', 'setflag', 'removeflag'])} {self.pick([chr(34) + self.pick(FLAGS) + chr(34), '[%s]' % ', '.join(chr(34) + f + chr(34) for f in FLAGS[:2])])};"
        if roll < 15:
            modifier = self.pick(["", ":lower ", ":upper ", ":length ", ":upperfirst :lower ", ":quotewildcard "])
            value = self.pick(["${1}", "${v2}-${v1}", "Const", "${0}", "a*b?", "${hex:41 42}", "B\u00fcro", "${unicode:e4}x"])
            return f"set {modifier}\"{self.pick(['v1', 'v2'])}\" \"{value}\";"
        if roll == 15:
            return f"fileinto \"Box.${{v1}}\";" if self.chance(30) else f"fileinto :copy \"{self.pick(FOLDERS)}\";"
        if roll == 16:
            return f"vacation {self.pick([':days 3', ':seconds 90000', ''])} {self.pick(['', ':subject %s' % self.quote('Away ${v1}')])} \"I am away\";"
        if roll == 17:
            return "reject \"No thanks\"; stop;" if self.chance(70) else "keep;"
        if roll == 18:
            return f"notify :importance \"{self.pick('123')}\" :message \"New ${{v1}}\" \"mailto:{self.pick(NAMES[:3])}@example.test\";"
        if roll == 19:
            return self.pick(['addheader "X-Spam" "Yes";', 'addheader :last "X-Level" "9";', 'deleteheader "X-Level";',
                              'deleteheader :index 1 "X-Level";', 'deleteheader :contains "Subject" "e";'])
        if roll == 20:
            return "foreverypart { if header :mime :contenttype \"Content-Type\" \"text/html\" { set \"v1\" \"html\"; break; } }"
        return f"if {self.test(1)} {{ {self.action()} }}"

    def script(self):
        while True:
            script = self.any_script()
            copied = set(re.findall(r'fileinto :copy[^;]* "([^"]*)";', script))
            if not copied & set(re.findall(r'fileinto (?!:copy)[^;]*"([^"]*)";', script)):
                return script

    def any_script(self):
        lines = ["require [%s];" % ", ".join(f'"{name}"' for name in CAPABILITIES)]
        for _ in range(self.random.randrange(1, 6)):
            lines.append(f"if {self.test(2)} {{")
            lines += ["    " + self.action() for _ in range(self.random.randrange(1, 3))]
            lines.append("}")
            if self.chance(30):
                lines.append(f"elsif {self.test(1)} {{ {self.action()} }}")
                if self.chance(50):
                    lines[-1] += f" else {{ {self.action()} }}"
            if self.chance(25):
                lines.append(self.action())
        return "\n".join(lines) + "\n"


# ---- what both say, in one form: domains in lower case, flags as a set, no blanks at the ends of texts

def redirect(address):
    local, domain = address.rsplit("@", 1)
    return ("redirect", f"{local}@{domain.lower()}")


def strings_of(text):
    return [s.replace('\\"', '"') for s in re.findall(r'"([^"]*)"', text)]


def our_actions(output):
    actions = []
    for line in output.splitlines():
        line = line.removesuffix(" (header edited)")
        flags = re.search(r":flags \[([^\]]*)\]", line)
        flags = tuple(sorted({f.lower() for f in strings_of(flags.group(1))})) if flags else ()
        if line.startswith("keep"):
            actions.append(("store", "INBOX", flags))
        elif line.startswith("fileinto"):
            actions.append(("store", line[line.rindex(' "') + 2:-1], flags))
        elif line.startswith("redirect"):
            actions.append(redirect(strings_of(line)[-1]))
        elif line.startswith(("reject", "ereject")):
            actions.append(("reject", strings_of(line)[-1]))
        elif line.startswith("vacation"):
            subject = re.search(r':subject "([^"]*)"', line)
            actions.append(("vacation", re.search(r":seconds (\d+)", line).group(1), subject.group(1).strip() if subject else "",
                            strings_of(line)[-1]))
        elif line.startswith("notify"):
            message = re.search(r':message "([^"]*)"', line)
            actions.append(("notify", re.search(r':importance "(\d)"', line).group(1), message.group(1).strip() if message else "",
                            strings_of(line)[-1].removeprefix("mailto:")))
        elif line.startswith("discard"):
            actions.append(("discard",))
        else:
            raise AssertionError(f"an action that this test does not know: {line}")
    return actions


def their_actions(output):
    actions = []
    lines = output.splitlines()
    for number, line in enumerate(lines):
        details = []
        for more in lines[number + 1:]:
            if more.startswith(" *") or more.startswith("Implicit keep"):
                break
            details.append(more.strip())
        detail = "\n".join(details)
        value = lambda name: (re.search(rf"=> {name}\s*:(.*)", detail) or [None, ""])[1].strip()
        if match := re.match(r" \* store message in folder: (.*)", line):
            flags = re.search(r"\+ add IMAP flags: (.*)", detail)
            actions.append(("store", match.group(1), tuple(sorted(set(flags.group(1).lower().split()))) if flags else ()))
        elif match := re.match(r" \* redirect message to: <(.*)>", line):
            actions.append(redirect(match.group(1)))
        elif match := re.match(r" \* reject message with reason: (.*)", line):
            actions.append(("reject", match.group(1)))
        elif line.startswith(" * send vacation message"):
            text = detail.split("START MESSAGE\n")[1].split("\nEND MESSAGE")[0]
            actions.append(("vacation", value("seconds"), value("subject"), text))
        elif line.startswith(" * send notification"):
            recipient = re.search(r"\+ To: (.*)", detail)
            actions.append(("notify", value("importance"), value("subject"), recipient.group(1) if recipient else ""))
        elif line.startswith(" * discard"):
            actions.append(("discard",))
        elif line.startswith(" * ") and "header" not in line:
            raise AssertionError(f"an action that this test does not know: {line}")
    # sieve-test prints the implicit keep beside a fileinto of the same mailbox; performing them makes one message.
    stores = [action for action in actions if action[:2] == ("store", "INBOX")]
    implicit = output.split("Implicit keep:")[-1]
    if len(stores) > 1 and "store message in folder: INBOX" in implicit:
        actions.reverse()
        actions.remove(stores[-1])
        actions.reverse()
    return actions


CONFIG = """protocols =
mail_location = maildir:{folder}/Maildir
mail_home = {folder}
{user}
plugin {{
  sieve_extensions = +editheader +vacation-seconds
  sieve_redirect_envelope_from = sender
}}
log_path = /dev/stderr
"""


@unittest.skipUnless(shutil.which("sieve-test"), "Debian's dovecot-sieve is not installed")
class Votes(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory()
        self.folder = self.holder.name
        # sieve-test refuses to be root.
        self.prefix = ["setpriv", "--reuid=mail", "--regid=mail", "--clear-groups"] if os.getuid() == 0 else []
        self.config = os.path.join(self.folder, "dovecot.conf")
        with open(self.config, "w") as out:
            user = "mail_uid = mail\nmail_gid = mail\nfirst_valid_uid = 0\nfirst_valid_gid = 0" if os.getuid() == 0 else ""
            out.write(CONFIG.format(folder=self.folder, user=user))
        if self.prefix:
            shutil.chown(self.folder, "mail", "mail")
        os.chmod(self.folder, 0o755)

    def tearDown(self):
        self.holder.cleanup()

    def theirs(self, script, message):
        result = subprocess.run([*self.prefix, "sieve-test", "-C", "-c", self.config, "-f", "sender@example.test",
                                 "-a", "alice+x@example.test", "-r", "alice+x@example.test", script, message],
                                capture_output=True, timeout=60)
        output = result.stdout.decode("utf-8", "replace")
        if result.returncode != 0 or "Performed actions" not in output:
            return None, result.stderr.decode("utf-8", "replace")
        return their_actions(output), output

    def ours(self, script, message):
        with open(message, "rb") as content:
            result = subprocess.run([program("sievec"), "--run", "--from", "sender@example.test", "--to", "alice+x@example.test", script],
                                    stdin=content, capture_output=True, timeout=60)
        output = result.stdout.decode("utf-8", "replace")
        if result.returncode != 0:
            return None, result.stderr.decode("utf-8", "replace")
        return our_actions(output), output

    def test_votes(self):
        kinds = {}
        failures = 0
        for number in range(PAIRS):
            writer = Writer(SEED * 1_000_003 + number)
            script = os.path.join(self.folder, "script.sieve")
            message = os.path.join(self.folder, "message.eml")
            with open(script, "w") as out:
                out.write(writer.script())
            with open(message, "w", newline="\r\n") as out:
                out.write(writer.message())
            theirs, their_output = self.theirs(script, message)
            ours, our_output = self.ours(script, message)
            with self.subTest(pair=number):
                if ours != theirs:
                    with open(script) as s, open(message) as m:
                        self.fail(f"pair {number} of seed {SEED}\nours   {ours}\ntheirs {theirs}\n--- {our_output}\n--- {their_output}\n"
                                  f"--- script\n{s.read()}--- message\n{m.read()}")
            if ours is None:
                failures += 1
            else:
                for action in ours:
                    kinds[action[0]] = kinds.get(action[0], 0) + 1
        # A vote where nothing happens says nothing.
        print(f"{PAIRS} pairs, {failures} runtime errors, actions: {kinds}")
        if PAIRS >= 500:
            self.assertLess(failures, PAIRS // 4)
            for kind in ["store", "redirect", "reject", "vacation", "notify", "discard"]:
                self.assertGreater(kinds.get(kind, 0), 5, kind)


if __name__ == "__main__":
    if shutil.which("sieve-test") is None:
        print("skipped: sieve-test (dovecot-sieve) is not installed")
        sys.exit(77)
    unittest.main()
