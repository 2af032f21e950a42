"""Signatures between us and others: dkimpy, Mail::DKIM and libopendkim sign, we verify; we sign, they verify; and on
messages that were changed afterwards nobody lets one pass. Of the three only dkimpy knows Ed25519 in Debian 12."""

import base64
import os
import random
import subprocess
import tempfile
import unittest

from instance import program

COUNT = int(os.environ.get("MALLEPOSTE_VOTES", "1000"))
DOMAIN = "example.test"

DKIMPY = r"""
import sys, dkim
mode, records_file, key_rsa, key_ed = sys.argv[1:5]
records = dict(line.rstrip("\n").split(" ", 1) for line in open(records_file))
def txt(name, timeout=5):
    return records.get(name.decode().rstrip(".")).encode()
for line in sys.stdin:
    words = line.split()
    if mode == "sign":
        header, body, algorithm, source, target = words
        message = open(source, "rb").read()
        ed = algorithm == "ed25519-sha256"
        signature = dkim.sign(message, b"e" if ed else b"r", b"example.test", open(key_ed if ed else key_rsa, "rb").read(),
                              canonicalize=(header.encode(), body.encode()), signature_algorithm=algorithm.encode(), linesep=b"\r\n")
        open(target, "wb").write(signature + message)
    else:
        try:
            good = dkim.verify(open(words[0], "rb").read(), dnsfunc=txt)
        except dkim.DKIMException as error:
            good = False
        print("pass" if good else "fail", flush=True)
"""

MAIL_DKIM = r"""
use strict; use warnings;
use Mail::DKIM::Signer; use Mail::DKIM::Verifier; use Mail::DKIM::PrivateKey; use Mail::DKIM::DNS; use Net::DNS;
my ($mode, $records_file, $key_rsa, $key_ed) = @ARGV;
my %records;
open(my $in, "<", $records_file) or die; while (<$in>) { chomp; my ($name, $value) = split / /, $_, 2; $records{$name} = $value; }
{ no warnings 'redefine';
  *Mail::DKIM::DNS::query = sub { my ($name) = @_; return () unless exists $records{$name};
    return (Net::DNS::RR->new(name => $name, type => "TXT", txtdata => [unpack("(A255)*", $records{$name})])); }; }
sub feed { my ($dkim, $path) = @_; open(my $file, "<:raw", $path) or die "$path: $!"; local $/; my $text = <$file>; $dkim->PRINT($text); $dkim->CLOSE; return $text; }
$| = 1;
while (my $line = <STDIN>) {
    my @words = split ' ', $line;
    if ($mode eq "sign") {
        my ($header, $body, $algorithm, $source, $target) = @words;
        my $dkim = Mail::DKIM::Signer->new(Algorithm => "rsa-sha256", Method => "$header/$body", Domain => "example.test", Selector => "r", KeyFile => $key_rsa);
        my $text = feed($dkim, $source);
        open(my $out, ">:raw", $target) or die; print $out $dkim->signature->as_string, "\r\n", $text;
    } else {
        my $dkim = Mail::DKIM::Verifier->new();
        feed($dkim, $words[0]);
        print $dkim->result eq "pass" ? "pass" : "fail", "\n";
    }
}
"""


def message(number):
    """A message with what canonicalization is about: blanks, folding, empty lines, odd case, long lines, 8 bits."""
    dice = random.Random(number)
    blank = lambda: dice.choice([" ", " ", " ", "  ", "\t", " \t ", "\r\n\t", "\r\n  "])
    words = lambda count: "".join(dice.choice(["one", "two", "Three", "f\u00f6ur", "=3D", "(five)", "\"six\""]) + blank() for _ in range(count))
    fields = [f"From:{blank()}Alice <alice@{DOMAIN}>", f"To: bob@example.net,{blank()}carol@example.net",
              f"Subject:{blank()}{words(dice.randrange(1, 8))}x", "Date: Sun, 22 Nov 2026 01:02:03 +0000",
              f"Message-ID: <{number}@{DOMAIN}>"]
    if dice.random() < 0.5:
        fields += ["MIME-Version: 1.0", f"Content-Type: text/plain;{blank()}charset=utf-8"]
    if dice.random() < 0.5:
        fields += [f"Received: from a.example.net{blank()}by b.example.net; Sun, 22 Nov 2026 01:02:03 +0000"] * dice.randrange(1, 3)
    if dice.random() < 0.3:
        fields += [f"X-Empty:{dice.choice(['', ' ', '  '])}", "CC: dave@example.net  "]
    dice.shuffle(fields)
    lines = []
    for _ in range(dice.choice([0, 0, 1, 3, 10, 60])):
        lines.append(dice.choice(["", "", " ", "\t", words(dice.randrange(0, 9)).replace("\r\n", ""), "x" * dice.randrange(1, 900), ".", "From me"]))
    body = "".join(line + "\r\n" for line in lines) + "\r\n" * dice.choice([0, 0, 1, 4])
    return ("\r\n".join(fields) + "\r\n\r\n" + body).encode()


def changed(content, dice):
    """The message with one letter of its body made another, or one of the name in From, which everybody signs."""
    start = content.index(b"\r\n\r\n") + 4
    places = [i for i in range(start, len(content)) if content[i:i + 1].isalpha()]
    at = dice.choice(places) if places else content.index(b"Alice <") + dice.randrange(5)
    return content[:at] + (b"q" if content[at:at + 1] != b"q" else b"k") + content[at + 1:]


class Votes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = os.path.join(os.environ.get("MALLEPOSTE_BUILD", "."), "test", "opendkim_peer")
        for command in (["/usr/bin/python3", "-c", "import dkim, nacl"], ["perl", "-MMail::DKIM", "-e1"]):
            if subprocess.run(command, stderr=subprocess.DEVNULL).returncode != 0:
                raise unittest.SkipTest(f"not installed: {' '.join(command)}")
        if not os.path.exists(cls.peer):
            raise unittest.SkipTest("opendkim_peer is not built (libopendkim-dev)")
        cls.folder = tempfile.TemporaryDirectory(prefix="malleposte-votes-")
        cls.make_keys()
        cls.write("dkimpy.py", DKIMPY)
        cls.write("mail_dkim.pl", MAIL_DKIM)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    @classmethod
    def write(cls, name, content):
        with open(cls.path(name), "wb") as out:
            out.write(content if isinstance(content, bytes) else content.encode())
        return cls.path(name)

    @classmethod
    def make_keys(cls):
        cls.key = {}
        records, zone = "", ""
        for selector, kind in (("r", "rsa"), ("e", "ed25519")):
            made = subprocess.run([program("mailauth"), "keygen", "--domain", DOMAIN, "--selector", selector, "--type", kind,
                                   "--directory", cls.folder.name], stdout=subprocess.PIPE, check=True, text=True).stdout
            record = next(line for line in made.splitlines() if " IN TXT " in line)
            zone += record + "\n"
            records += f"{selector}._domainkey.{DOMAIN} " + "".join(record.split('"')[1::2]) + "\n"
            cls.key[kind] = cls.path(f"{selector}.{DOMAIN}.key")
        cls.records, cls.zone = cls.write("records", records), cls.write("zone", zone)
        # dkimpy wants the bare 32 octets, which stand at the end of the PKCS #8 file, and RSA keys by their old name.
        with open(cls.key["ed25519"]) as pem:
            der = base64.b64decode("".join(line for line in pem if not line.startswith("-")))
        cls.bare_ed = cls.write("e.bare", base64.b64encode(der[-32:]))
        cls.old_rsa = cls.path("r.pkcs1")
        subprocess.run(["openssl", "rsa", "-in", cls.key["rsa"], "-traditional", "-out", cls.old_rsa], check=True,
                       stderr=subprocess.DEVNULL)

    def batch(self, command, lines):
        result = subprocess.run(command, input="".join(line + "\n" for line in lines), stdout=subprocess.PIPE, text=True, check=True)
        return result.stdout.splitlines()

    def theirs(self, mode):
        keys = [self.records, self.old_rsa, self.bare_ed]
        return {"dkimpy": ["/usr/bin/python3", self.path("dkimpy.py"), mode, *keys],
                "Mail::DKIM": ["perl", self.path("mail_dkim.pl"), mode, *keys]}

    def verify_theirs(self, files):
        """Verdicts of the three, each a list of pass and fail."""
        verdicts = {name: self.batch(command, files) for name, command in self.theirs("verify").items()}
        verdicts["libopendkim"] = ["pass" if line == "pass" else "fail" for line in self.batch([self.peer, "verify", self.records], files)]
        for name, lines in verdicts.items():
            self.assertEqual(len(lines), len(files), name)
        return verdicts

    def verify_ours(self, file):
        with open(file, "rb") as content:
            result = subprocess.run([program("mailauth"), "dkim", "--dns", self.zone], stdin=content, stdout=subprocess.PIPE, check=True, text=True)
        first = result.stdout.splitlines()[0]
        self.assertTrue(first.startswith("dkim="), first)
        return first[5:], result.stdout

    def canons(self, number):
        return [("simple", "simple"), ("simple", "relaxed"), ("relaxed", "simple"), ("relaxed", "relaxed")][number % 4]

    def test_theirs_verify_here(self):
        jobs = {"dkimpy": [], "Mail::DKIM": [], "libopendkim": []}
        names = list(jobs)
        for number in range(COUNT):
            source = self.write(f"{number}.eml", message(number))
            header, body = self.canons(number // 3)
            signer = names[number % 3]
            algorithm = "ed25519-sha256" if signer == "dkimpy" and number % 2 else "rsa-sha256"
            words = [header, body] + ([algorithm] if signer != "libopendkim" else []) + [source, self.path(f"{number}.signed")]
            jobs[signer].append(" ".join(words))
        for name, command in self.theirs("sign").items():
            self.batch(command, jobs[name])
        self.batch([self.peer, "sign", self.old_rsa, DOMAIN, "r"], jobs["libopendkim"])
        bad = []
        for number in range(COUNT):
            verdict, shown = self.verify_ours(self.path(f"{number}.signed"))
            if verdict != "pass":
                bad.append((number, names[number % 3], self.canons(number // 3), shown))
        self.assertEqual(bad, [], f"{len(bad)} of {COUNT}")
        # One letter changed: nobody lets it pass.
        dice = random.Random(8301)
        files = []
        for number in dice.sample(range(COUNT), min(COUNT, 200)):
            with open(self.path(f"{number}.signed"), "rb") as signed:
                files.append(self.write(f"{number}.changed", changed(signed.read(), dice)))
        verdicts = self.verify_theirs(files)
        for place, file in enumerate(files):
            ours = "pass" if self.verify_ours(file)[0] == "pass" else "fail"
            self.assertEqual(ours, "fail", file)
            for name, lines in verdicts.items():
                self.assertEqual(lines[place], "fail", f"{name}: {file}")

    def test_ours_verify_there(self):
        files, rsa = [], []
        for number in range(COUNT):
            content = message(number + 1_000_000)
            header, body = self.canons(number)
            kind = "ed25519" if number % 3 == 2 else "rsa"
            selector = "e" if kind == "ed25519" else "r"
            signed = subprocess.run([program("mailauth"), "sign", "--domain", DOMAIN, "--key", f"{selector}={self.key[kind]}",
                                     "--canonicalization", f"{header}/{body}", "--message"], input=content, stdout=subprocess.PIPE,
                                    check=True).stdout
            self.assertTrue(signed.endswith(content))
            files.append(self.write(f"{number}.ours", signed))
            rsa.append(kind == "rsa")
        for name, verdicts in self.verify_theirs(files).items():
            wrong = [i for i, verdict in enumerate(verdicts) if verdict != "pass" and (rsa[i] or name == "dkimpy")]
            self.assertEqual([(i, self.canons(i)) for i in wrong], [], f"{name}: {len(wrong)} of {COUNT}")


if __name__ == "__main__":
    unittest.main()
