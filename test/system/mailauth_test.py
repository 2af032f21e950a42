#!/usr/bin/env python3
"""The command mailauth: what it prints, as text and as JSON, its exit status, and what check finds wrong with a domain."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from instance import program

ZONE = """
$ORIGIN good.test.
@ MX 10 mx
@ TXT "v=spf1 mx -all"
mx A 192.0.2.1
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:d@good.test"
_mta-sts TXT "v=STSv1; id=20260101"
mta-sts A 192.0.2.1
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:t@good.test"
_25._tcp.mx TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
1.2.0.192.in-addr.arpa. PTR mx.good.test.
$ORIGIN bad.test.
@ MX 10 alias
alias CNAME mx.good.test.
@ TXT "v=spf1 +all"
_dmarc TXT "v=DMARC1; p=none"
_mta-sts TXT "v=STSv1; id=not-a-word"
_25._tcp.alias TLSA 1 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
short._domainkey TXT "v=DKIM1; p="
$ORIGIN quiet.test.
@ MX 0 .
@ TXT "v=spf1 -all"
@ TXT "v=spf1 ~all"
"""
SLOW = "zonedata:\n  slow.test:\n    - TIMEOUT\n"
MESSAGE = b"From: Ann <ann@good.test>\nTo: bob@home.test\nSubject: x\n\nhello\n"


class Mailauth(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="malleposte-mailauth.")
        self.addCleanup(shutil.rmtree, self.folder)
        for name, text in (("zone", ZONE), ("slow.yml", SLOW), ("main.cf", "myhostname = mx.home.test\n")):
            with open(os.path.join(self.folder, name), "w") as f:
                f.write(text)
        self.zone, self.slow = (os.path.join(self.folder, name) for name in ("zone", "slow.yml"))

    def run_it(self, *words, given=b"", status=0):
        result = subprocess.run([program("mailauth"), "-c", self.folder, *words], input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, status, result.stderr.decode())
        self.errors = result.stderr.decode()
        return result.stdout.decode()

    def envelope(self, client="192.0.2.1", sender="ann@good.test", zone=None):
        return ["--client", client, "--helo", "mx.good.test", "--from", sender, "--dns", zone or self.zone]

    def test_spf(self):
        lines = self.run_it("spf", *self.envelope()).split("\n")
        self.assertEqual(lines[0], "spf=pass")
        self.assertIn("Received-SPF: pass (mx.home.test: good.test lets 192.0.2.1 send) client-ip=192.0.2.1; "
                      'envelope-from="ann@good.test"; helo=mx.good.test; identity=mailfrom; receiver=mx.home.test; mechanism=mx;', lines)
        self.assertEqual(self.run_it("spf", *self.envelope("198.51.100.1")).split("\n")[0], "spf=fail")
        found = json.loads(self.run_it("spf", *self.envelope("2001:db8::1"), "--json"))
        self.assertEqual((found["results"][0]["method"], found["results"][0]["result"]), ("spf", "fail"))

    def test_verify(self):
        lines = self.run_it("verify", *self.envelope(), given=MESSAGE).split("\n")
        self.assertEqual(lines[:4], ["spf=pass", "dkim=none", "arc=none", "dmarc=pass"])
        self.assertIn("Authentication-Results: mx.home.test;", lines)
        lines = self.run_it("verify", *self.envelope("198.51.100.1"), given=MESSAGE).split("\n")
        self.assertEqual(lines[:4], ["spf=fail", "dkim=none", "arc=none", "dmarc=fail"])
        self.assertIn("dmarc.disposition: reject", lines)
        found = json.loads(self.run_it("verify", *self.envelope(), "--json", "--time", "2026-11-22T00:00:00Z", given=MESSAGE))
        self.assertEqual([one["result"] for one in found["results"]], ["pass", "none", "none", "pass"])
        self.assertEqual(found["headers"][0]["name"], "Authentication-Results")

    def test_exit_status(self):
        self.assertEqual(self.run_it("spf", *self.envelope(sender="x@slow.test", zone=self.slow), status=75).split("\n")[0], "spf=temperror")
        self.run_it("spf", "--client", "192.0.2.1", status=64)
        self.assertTrue(self.errors.startswith("mailauth: --helo is missing\nusage: mailauth spf "), self.errors)
        for words in (["spf", *self.envelope("not-an-address")], ["spf", *self.envelope(), "--time", "yesterday"], [], ["weigh"],
                      ["spf", *self.envelope(), "--colour", "red"], ["check", "--dns", self.zone], ["check", "a..b", "--dns", self.zone]):
            self.run_it(*words, status=64)
        self.run_it("spf", *self.envelope(zone="/nonexistent"), status=66)
        self.assertIn("/nonexistent: No such file or directory", self.errors)
        broken = os.path.join(self.folder, "broken")
        with open(broken, "w") as f:
            f.write("a.test. A 192.0.2.300\n")
        self.run_it("spf", *self.envelope(zone=broken), status=66)
        self.assertIn(f'{broken}: line 1: "192.0.2.300" is not an IPv4 address', self.errors)

    def check(self, domain, *more):
        found = json.loads(self.run_it("check", domain, "--dns", self.zone, "--json", "--time", "1700000000", *more))
        remarks = {}
        for one in found["results"]:
            said = one.get("remark", [])
            remarks[one["method"]] = " ".join([said] if isinstance(said, str) else said)
        return {one["method"]: one["result"] for one in found["results"]}, remarks, found["text"]

    def test_check_of_a_good_domain(self):
        results, _, text = self.check("good.test")
        # Signed by nobody, as far as a file can tell; and without a key.
        self.assertEqual(results, {"mx": "ok", "ptr": "ok", "spf": "ok", "dkim": "missing", "dmarc": "ok", "mta-sts": "ok",
                                   "tls-rpt": "ok", "tlsa": "weak"})
        self.assertEqual(text, [])

    def test_check_of_a_bad_domain(self):
        results, remarks, text = self.check("bad.test", "--selector", "short")
        self.assertEqual(results, {"mx": "wrong", "ptr": "ok", "spf": "wrong", "dkim": "wrong", "dmarc": "weak", "mta-sts": "wrong",
                                   "tls-rpt": "missing", "tlsa": "wrong"})
        self.assertIn("alias.bad.test is an alias of mx.good.test", remarks["mx"])
        self.assertIn("it lets everybody send", remarks["spf"])
        self.assertIn('publish: bad.test. IN TXT "v=spf1 mx -all"', text)
        self.assertIn('publish: _dmarc.bad.test. IN TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@bad.test"', text)
        self.assertIn('publish: _mta-sts.bad.test. IN TXT "v=STSv1; id=1700000000"', text)

    def test_check_of_a_domain_without_mail(self):
        results, remarks, _ = self.check("quiet.test")
        self.assertEqual(results["mx"], "ok")
        self.assertEqual(results["spf"], "wrong")
        self.assertIn("quiet.test has 2 SPF records", remarks["spf"])
        self.assertNotIn("mta-sts", results)


if __name__ == "__main__":
    unittest.main()
