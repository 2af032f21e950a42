#!/usr/bin/env python3
"""1,000 SPF evaluations, made by a generator with a fixed seed, decided by mailauth, python3-spf and libspf2's spfquery on the same
zone. Where they disagree, DECIDED has the sentence of RFC 7208 that says who is right; a disagreement that is not there fails.

python3-spf gets its answers from the zone by a replaced look-up. spfquery asks the DNS of /etc/resolv.conf: it runs in a network
namespace of its own, with knot on 127.0.0.1:53.
"""

import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from instance import program

CASES = 1000
SEED = 7208

# What decides a disagreement, always for what mailauth says: who is wrong, how such a case is known, what RFC 7208 says.
DECIDED = [
    ("python3-spf", "%{d0}", lambda case, ours, theirs: "exists:%{d0}" in case.texts(),
     '7.3: "If a DIGIT is specified, the value MUST be nonzero."'),
    ("spfquery", "three questions without an answer", lambda case, ours, theirs: "led nowhere" in ours.get("reason", ""),
     '4.6.4: "SPF implementations SHOULD limit void lookups to two. [...] In this case, a default of two is RECOMMENDED. Exceeding '
     'the limit produces a permerror result."'),
    ("spfquery", "a dot or underscore in a modifier's name", lambda case, ours, theirs: "moo.cow-far_out=" in case.texts().lower(),
     '12: name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )'),
    ("spfquery", "a prefix of 0", lambda case, ours, theirs: re.search(r"/0(?!\d)", case.texts()),
     '12: ip4-cidr-length = "/" ("0" / %x31-39 0*1DIGIT)'),
    ("spfquery", "a macro that wants all parts there are", lambda case, ours, theirs: re.search(r"%\{(l1r-|o2)\}", case.texts()),
     '7.3: "The DIGIT transformer indicates the number of right-hand parts to use, after optional reversal."'),
    ("spfquery", "a domain of one label", lambda case, ours, theirs: "single label" in case.tags,
     '4.3: "If the <domain> is malformed [...] or is not a multi-label domain name, [...] check_host() immediately returns the '
     'result none."'),
    ("spfquery", "a record that breaks its form", lambda case, ours, theirs: case.tags & {"syntax", "prefix"} and ours["result"] == "permerror",
     '4.6: "If there are any syntax errors anywhere in the record, check_host() returns immediately with the result permerror, '
     'without further interpretation or evaluation."'),
]


class Case:
    def __init__(self, number):
        self.number = number
        self.domain = f"c{number}.test"
        self.client = self.sender = self.helo = ""
        self.tags = set()
        self.records = []  # (name, type, rdata)

    def texts(self):
        return " ".join(data for _, kind, data in self.records if kind == "TXT")


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def chance(self, part):
        return self.random.random() < part

    def host(self, case, name, near):
        """A host with addresses, of which one may be the client's, or near it."""
        if ":" in case.client:
            address = case.client if near else f"2001:db8:{self.random.randrange(1, 9999)}::{self.random.randrange(1, 9999):x}"
            case.records.append((name, "AAAA", address))
            if self.chance(0.5):
                case.records.append((name, "A", f"198.51.100.{self.random.randrange(1, 250)}"))
        else:
            address = case.client if near else f"198.51.100.{self.random.randrange(1, 250)}"
            case.records.append((name, "A", address))
            if self.chance(0.3):
                case.records.append((name, "A", f"203.0.113.{self.random.randrange(1, 250)}"))

    def prefix(self, case):
        text = ""
        if self.chance(0.3):
            text += f"/{self.pick(0, 8, 16, 23, 24, 25, 28, 31, 32)}"
        if self.chance(0.15):
            text += f"//{self.pick(0, 32, 48, 64, 127, 128)}"
        return text

    def network(self, case):
        near = self.chance(0.3)
        if self.chance(0.3) or (":" in case.client and self.chance(0.5)):
            address = case.client if near and ":" in case.client else "2001:db8:77::1"
            return "ip6:" + address + self.pick("", "", "/64", "/32", "/128")
        address = case.client if near and "." in case.client else f"192.0.2.{self.random.randrange(1, 250)}"
        return "ip4:" + address + self.pick("", "", "/24", "/28", "/32", "/16")

    def mechanism(self, case, depth, budget):
        n = len(case.records)
        name = f"h{n}.{case.domain}"
        kind = self.pick("ip", "ip", "ip", "a", "a:", "mx", "mx:", "ptr", "exists", "include", "include", "void", "macro")
        if kind == "ip":
            return self.network(case)
        if kind in ("ptr", "include", "exists", "void", "macro", "a:", "mx:", "a", "mx") and budget["lookups"] <= 0:
            return self.network(case)
        budget["lookups"] -= 1
        if kind == "a":
            return "a" + self.prefix(case)
        if kind == "a:":
            self.host(case, name, self.chance(0.25))
            return "a:" + name + self.prefix(case)
        if kind == "mx":
            return "mx" + self.prefix(case)
        if kind == "mx:":
            for i in range(self.pick(1, 2, 3)):
                case.records.append((name, "MX", f"{10 + i} m{i}.{name}."))
                self.host(case, f"m{i}.{name}", self.chance(0.15))
            return "mx:" + name + self.prefix(case)
        if kind == "ptr":
            case.tags.add("ptr")
            return self.pick("ptr", "ptr:" + case.domain, "ptr:other.test")
        if kind == "exists":
            if self.chance(0.4):
                case.records.append((name, "A", "127.0.0.2"))
                return "exists:" + name
            budget["voids"] -= 1
            return "exists:" + name if budget["voids"] >= 0 else self.network(case)
        if kind == "macro":
            return self.macro(case, n, budget)
        if kind == "void":
            budget["voids"] -= 1
            return f"a:nothing{n}.{case.domain}" if budget["voids"] >= 0 else self.network(case)
        if depth > 2:
            return self.network(case)
        inner = f"i{n}.{case.domain}"
        case.records.append((inner, "TXT", ""))  # keeps the place
        place = len(case.records) - 1
        case.records[place] = (inner, "TXT", self.record(case, depth + 1, budget))
        return "include:" + inner

    def macro(self, case, n, budget):
        """exists with a macro whose expansion is published half of the time."""
        local, domain = case.sender.split("@")
        reverse = ".".join(reversed(case.client.split("."))) if "." in case.client else None
        forms = [("%{l}", local), ("%{d}", case.domain), ("%{o2}", ".".join(domain.split(".")[-2:])),
                 ("%{l-}", local.replace("-", ".")), ("%{l1r-}", local.split("-")[0]), ("%{d1}", "test"), ("%{h}", case.helo),
                 ("%{hr}", ".".join(reversed(case.helo.split("."))))]
        if reverse:
            forms += [("%{ir}", reverse), ("%{i}", case.client), ("%{ir}.%{v}", reverse + ".in-addr"), ("%{i2}", ".".join(case.client.split(".")[-2:]))]
        # An include has a domain of its own.
        text, expanded = self.pick(*[form for form in forms if "d" not in form[0].strip("%{}")[:1]])
        if self.chance(0.5):
            case.records.append((f"{expanded}.m{n}.{case.domain}", "A", "127.0.0.2"))
        else:
            budget["voids"] -= 1
            if budget["voids"] < 0:
                case.records.append((f"{expanded}.m{n}.{case.domain}", "A", "127.0.0.2"))
        return f"exists:{text}.m{n}.{case.domain}"

    def record(self, case, depth, budget):
        terms = []
        for _ in range(self.pick(0, 1, 2, 2, 3, 4)):
            terms.append(self.pick("", "", "", "+", "-", "~", "?") + self.mechanism(case, depth, budget))
        end = self.pick("-all", "-all", "~all", "?all", "", "redirect" if depth < 2 and budget["lookups"] > 0 else "-all")
        if end == "redirect":
            budget["lookups"] -= 1
            target = f"r{len(case.records)}.{case.domain}"
            case.records.append((target, "TXT", ""))
            place = len(case.records) - 1
            case.records[place] = (target, "TXT", self.record(case, depth + 1, budget))
            end = "redirect=" + target
        if end:
            terms.append(end)
        if self.chance(0.1):
            terms.insert(self.random.randrange(len(terms) + 1), self.pick("op=spam", "x-note=%{d}", "moo.cow-far_out=man"))
        text = " ".join(["v=spf1"] + terms)
        if self.chance(0.1):
            text = text.upper() if "%" not in text and "include" not in text and "redirect" not in text else text.replace(" ", "  ")
        return text

    def trouble(self, case):
        """Something that the RFC has a rule for."""
        d = case.domain
        kind = self.pick("two records", "no record", "other version", "syntax", "syntax", "syntax", "lookups", "voids", "mx names",
                         "include none", "redirect none", "circle", "prefix", "null sender", "single label")
        case.tags.add(kind)
        if kind == "two records":
            return ["v=spf1 -all", "v=spf1 +all"]
        if kind == "no record":
            return []
        if kind == "other version":
            return ["v=spf10 -all", "spf2.0/pra -all"]
        if kind == "syntax":
            bad = self.pick("ip4:192.0.2", "ip4:192.0.2.300", "ip6:192.0.2.1", "ip6:::g", "a:", "include", "include:", "exists", "moo",
                            "all:x.test", "a:x", "mx:1.2.3.4", "exists:%{x}.test", "exists:%{d", "exists:%(d).test", "redirect=", "exp=",
                            "exists:%{d0}.test", "ptr:", "a:foo.test:8080", "-", "a/24/", "all/8")
            case.tags.add("syntax " + bad)
            return [" ".join(["v=spf1"] + self.random.sample([bad, "ip4:192.0.2.77", "-all"], 3))]
        if kind == "prefix":
            bad = self.pick("ip4:192.0.2.0/33", "ip4:192.0.2.0/024", "ip6:2001:db8::/129", "a/33", "a//129", "mx/00", "ip4:192.0.2.0/", "ip4:192.0.2.0/-1")
            case.tags.add("prefix " + bad)
            return [f"v=spf1 {bad} -all"]
        if kind == "lookups":
            count = self.pick(9, 10, 11, 12)
            case.tags.add(f"lookups {count}")
            for i in range(count):
                case.records.append((f"l{i}.{d}", "A", "203.0.113.1"))
            return ["v=spf1 " + " ".join(f"a:l{i}.{d}" for i in range(count)) + " -all"]
        if kind == "voids":
            count = self.pick(1, 2, 3, 4)
            case.tags.add(f"voids {count}")
            return ["v=spf1 " + " ".join(f"{self.pick('a', 'mx', 'exists')}:v{i}.{d}" for i in range(count)) + " ?all"]
        if kind == "mx names":
            count = self.pick(9, 10, 11, 12)
            case.tags.add(f"mx names {count}")
            for i in range(count):
                case.records.append((f"mxs.{d}", "MX", f"{i} x{i}.{d}."))
                case.records.append((f"x{i}.{d}", "A", "203.0.113.1"))
                case.records.append((f"x{i}.{d}", "AAAA", "2001:db8:1::1"))
            return [f"v=spf1 mx:mxs.{d} -all"]
        if kind == "include none":
            return [f"v=spf1 include:no.{d} -all"]
        if kind == "redirect none":
            return [f"v=spf1 redirect=no.{d}"]
        if kind == "circle":
            case.records.append((f"o.{d}", "TXT", f"v=spf1 include:{d} -all"))
            return [f"v=spf1 include:o.{d} -all"]
        if kind == "null sender":
            case.records.append((case.helo, "TXT", "v=spf1 a -all"))
            self.host(case, case.helo, True)
            case.sender = ""
            return []
        case.sender = "alice@localhost"
        return []

    def case(self, number):
        case = Case(number)
        # Each case has addresses of its own, so that its reverse names are its own.
        case.client = (f"10.{number // 250}.{number % 250 + 1}.{self.random.randrange(1, 250)}" if self.chance(0.75)
                       else f"2001:db8:{number + 16:x}::{self.random.randrange(1, 65000):x}")
        case.sender = self.pick("alice", "strong-bad", "bob") + "@" + case.domain
        case.helo = f"mail.{case.domain}"
        if self.chance(0.3):
            texts = self.trouble(case)
        else:
            budget = {"lookups": 9, "voids": 2}
            if self.chance(0.6):
                self.host(case, case.domain, self.chance(0.3))
            else:
                case.tags.add("no address")
                budget["voids"] = 0
            case.records.append((case.domain, "MX", f"10 mx.{case.domain}."))
            self.host(case, f"mx.{case.domain}", self.chance(0.2))
            if ":" in case.client or self.chance(0.4):
                self.reverse(case)
            texts = [self.record(case, 0, budget)]
        for text in texts:
            case.records.append((case.domain, "TXT", text))
        if not any(name == case.domain for name, _, _ in case.records):
            case.records.append((case.domain, "A", "203.0.113.9"))
        return case

    def reverse(self, case):
        names = self.random.sample([case.domain, f"ok.{case.domain}", "ok.other.test", f"liar.{case.domain}"], self.pick(1, 2))
        for name in names:
            case.records.append((reverse_name(case.client), "PTR", name + "."))
            if name.startswith("ok.") and not name.endswith("other.test"):
                self.host(case, name, True)


def reverse_name(address):
    if "." in address:
        return ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    packed = socket.inet_pton(socket.AF_INET6, address).hex()
    return ".".join(reversed(packed)) + ".ip6.arpa"


def quoted(text):
    strings = [text[i:i + 250] for i in range(0, len(text), 250)] or [""]
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in strings)


def zone_lines(cases, suffix):
    seen = set()
    for case in cases:
        for name, kind, data in case.records:
            line = f"{name}. {kind} {quoted(data) if kind == 'TXT' else data}"
            if name.endswith(suffix) and line not in seen:
                seen.add(line)
                yield line


def wait_for_dns():
    """Until something answers on 127.0.0.1:53."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            try:
                probe.connect(("127.0.0.1", 53))
                probe.send(b"\x12\x34\0\0\0\1\0\0\0\0\0\0\4test\0\0\6\0\1")
                if probe.recv(512):
                    return
            except OSError:
                time.sleep(0.05)


class Votes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        generator = Generator(SEED)
        cls.cases = [generator.case(i) for i in range(CASES)]
        cls.folder = tempfile.mkdtemp(prefix="malleposte-spf-votes.")
        cls.zone = os.path.join(cls.folder, "zone")
        with open(cls.zone, "w") as f:
            f.write("\n".join(line for suffix in ("test", "arpa") for line in zone_lines(cls.cases, suffix)) + "\n")
        cls.ours = [cls.ask_mailauth(case) for case in cls.cases]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def ask_mailauth(cls, case):
        result = subprocess.run([program("mailauth"), "spf", "--client", case.client, "--helo", case.helo, "--from", case.sender,
                                 "--dns", cls.zone, "--json"], stdout=subprocess.PIPE, check=True)
        return json.loads(result.stdout)["results"][0]

    def compare(self, who, theirs):
        disagreements = {}
        open_ones = []
        for case, ours, other in zip(self.cases, self.ours, theirs):
            if ours["result"] == other:
                continue
            sentence = next((rule for rule in DECIDED if rule[0] == who and rule[2](case, ours, other)), None)
            if sentence is None:
                record = [data for name, kind, data in case.records if name == case.domain and kind == "TXT"]
                open_ones.append(f"{case.domain}: here {ours['result']} ({ours.get('reason', '')}), {who} {other}: {case.client} {record} {sorted(case.tags)}")
            else:
                disagreements[sentence[1:4:2]] = disagreements.get(sentence[1:4:2], 0) + 1
        agreed = len(theirs) - sum(disagreements.values()) - len(open_ones)
        print(f"\n{who}: {agreed} of {len(theirs)} agree", file=sys.stderr)
        for (what, sentence), count in sorted(disagreements.items()):
            print(f"  {count} with {what}; RFC 7208, {sentence}", file=sys.stderr)
        self.assertEqual(open_ones, [], "\n".join(open_ones))

    def test_results_are_spread(self):
        counts = {}
        for one in self.ours:
            counts[one["result"]] = counts.get(one["result"], 0) + 1
        for result in ("pass", "fail", "softfail", "neutral", "none", "permerror"):
            self.assertGreater(counts.get(result, 0), 20, counts)

    def test_python_spf(self):
        sys.path.append("/usr/lib/python3/dist-packages")
        try:
            import spf
        except ImportError as error:
            self.skipTest(f"python3-spf is not installed: {error}")
        records = {}
        for case in self.cases:
            for name, kind, data in case.records:
                if kind == "MX":
                    preference, host = data.split()
                    data = (int(preference), host.rstrip("."))
                elif kind == "AAAA":
                    data = socket.inet_pton(socket.AF_INET6, data)
                elif kind == "TXT":
                    data = (data.encode(),)
                elif kind == "PTR":
                    data = data.rstrip(".")
                entry = ((name, kind), data)
                if entry not in records.setdefault((name.lower(), kind), []):
                    records[(name.lower(), kind)].append(entry)

        def look_up(name, kind, strict=True, timeout=20, **_):
            return list(records.get((name.lower().rstrip("."), kind), []))

        original = spf.DNSLookup
        spf.DNSLookup = look_up
        try:
            theirs = [spf.check2(i=case.client, s=case.sender, h=case.helo)[0] for case in self.cases]
        finally:
            spf.DNSLookup = original
        self.compare("python3-spf", theirs)

    def test_libspf2(self):
        for tool in ("spfquery", "knotd", "unshare", "ip"):
            if shutil.which(tool) is None and not os.path.exists("/usr/sbin/" + tool):
                self.skipTest(f"{tool} is not installed")
        if os.geteuid() != 0 or subprocess.run(["unshare", "--net", "--mount", "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("network namespaces are not allowed here")
        soa = "SOA ns.test. hostmaster.test. 1 3600 600 86400 60\n"
        for origin in ("test", "arpa"):
            with open(os.path.join(self.folder, origin + ".zone"), "w") as f:
                f.write(f"$TTL 60\n{origin}. {soa}{origin}. NS ns.test.\n" + "\n".join(zone_lines(self.cases, origin)) + "\n")
        with open(os.path.join(self.folder, "knot.conf"), "w") as f:
            f.write(f"server:\n  rundir: {self.folder}\n  listen: 127.0.0.1@53\nlog:\n  - target: stderr\n    any: critical\n"
                    f"database:\n  storage: {self.folder}/db\ntemplate:\n  - id: default\n    storage: {self.folder}\n"
                    "    zonefile-sync: -1\n    journal-content: none\n    semantic-checks: off\nzone:\n  - domain: test\n  - domain: arpa\n")
        os.makedirs(os.path.join(self.folder, "db"))
        with open(os.path.join(self.folder, "resolv.conf"), "w") as f:
            f.write("nameserver 127.0.0.1\n")
        with open(os.path.join(self.folder, "questions"), "w") as f:
            for case in self.cases:
                f.write(f"{case.client} {case.sender or 'postmaster@' + case.helo} {case.helo}\n")
        inside = (f"ip link set lo up && mount --bind {self.folder}/resolv.conf /etc/resolv.conf && "
                  f"{{ knotd -c {self.folder}/knot.conf & knot=$!; "
                  f"{sys.executable} {os.path.abspath(__file__)} --wait-for-dns; "
                  f"spfquery -file {self.folder}/questions; kill $knot; wait $knot 2>/dev/null; true; }}")
        environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        result = subprocess.run(["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", inside], env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        theirs, begin = [], 0
        for found in re.finditer(r"^(pass|fail|softfail|neutral|none|permerror|temperror|\(invalid\))$", result.stdout, re.M):
            word, said = found.group(1), result.stdout[begin:found.start()]
            begin = found.end()
            if word == "(invalid)":  # its words for both kinds of error
                word = "temperror" if "Temporary DNS failure" in said else "permerror"
            theirs.append(word)
        self.assertEqual(len(theirs), CASES, result.stdout[-2000:])
        self.compare("spfquery", theirs)


if __name__ == "__main__":
    if sys.argv[1:] == ["--wait-for-dns"]:
        sys.exit(wait_for_dns())
    unittest.main()
