#!/usr/bin/env python3
"""Genuine and forged mail at port 25, with a real authoritative DNS: knot on 192.0.2.53 in a network namespace of this test's own,
where every host of the story has its address. Verdicts, replies, headers and the log line are looked at.
"""

import email
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from instance import Instance, program, skip, wait_until

HONEST, FORGER, FORWARDER, MAILING_LIST, SPAMMER, OURSELVES = "192.0.2.10", "198.51.100.66", "203.0.113.5", "203.0.113.6", "198.51.100.77", "127.0.0.1"
ELSEWHERE = "203.0.113.7"
INSIDE = "MALLEPOSTE_IN_NAMESPACE"


def enter_namespace():
    """Runs this program again in a network of its own, and ends with its exit status."""
    for tool in ("knotd", "unshare", "ip"):
        if not any(os.access(os.path.join(folder, tool), os.X_OK) for folder in os.environ["PATH"].split(":") + ["/usr/sbin", "/sbin"]):
            skip(f"{tool} is not installed")
    if os.geteuid() != 0 or subprocess.run(["unshare", "--net", "--mount", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        skip("network namespaces are not allowed here")
    words = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, os.path.abspath(__file__), *sys.argv[1:]]
    environment = dict(os.environ, **{INSIDE: "1"}, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    sys.exit(subprocess.run(words, env=environment).returncode)


class Knot:
    """The DNS of this little world. Pausing it is what a dead server looks like."""

    def __init__(self, folder, records):
        self.folder = folder
        os.makedirs(os.path.join(folder, "db"))
        for zone in ("test", "arpa"):
            with open(os.path.join(folder, zone + ".zone"), "w") as f:
                f.write(f"$TTL 2\n{zone}. SOA ns.test. hostmaster.test. 1 3600 600 86400 2\n{zone}. NS ns.test.\n")
                f.writelines(line + "\n" for line in records if line.split()[0].endswith(zone + "."))
        with open(os.path.join(folder, "knot.conf"), "w") as f:
            f.write(f"server:\n  rundir: {folder}\n  listen: 192.0.2.53@53\nlog:\n  - target: stderr\n    any: critical\n"
                    f"database:\n  storage: {folder}/db\ntemplate:\n  - id: default\n    storage: {folder}\n    zonefile-sync: -1\n"
                    "    journal-content: none\n    semantic-checks: off\nzone:\n  - domain: test\n  - domain: arpa\n")
        self.process = subprocess.Popen(["knotd", "-c", os.path.join(folder, "knot.conf")])
        wait_until(self.answers, "knot answers")

    @staticmethod
    def answers():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            try:
                probe.connect(("192.0.2.53", 53))
                probe.send(b"\x12\x34\0\0\0\1\0\0\0\0\0\0\4test\0\0\6\0\1")
                return bool(probe.recv(512))
            except OSError:
                return False

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)  # until all of its threads stand still

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.resume()
        self.process.terminate()
        self.process.wait()


class Elsewhere:
    """A host that takes mail (LMTP) for everybody, and keeps what arrives."""

    def __init__(self, address):
        self.arrived = []       # (recipient, octets)
        self.listener = socket.create_server((address, 2400))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client):
        lines, recipients = client.makefile("rb"), []
        client.sendall(b"220 elsewhere.test\r\n")
        for line in lines:
            verb = line[:4].upper()
            if verb == b"RCPT":
                recipients.append(line[line.index(b"<") + 1:line.index(b">")].decode())
            if verb != b"DATA":
                client.sendall(b"250 elsewhere.test\r\n" if verb != b"QUIT" else b"221 bye\r\n")
                continue
            client.sendall(b"354 go on\r\n")
            content = b""
            for row in lines:
                if row == b".\r\n":
                    break
                content += row[1:] if row.startswith(b".") else row
            for recipient in recipients:
                self.arrived.append((recipient, content))
                client.sendall(b"250 taken\r\n")
            recipients = []
        client.close()

    def wait_for(self, recipient, before=0):
        """The newest message to him, once there are more than `before`."""
        found = wait_until(lambda: len(found := self.all_for(recipient)) > before and found, f"mail for {recipient}")
        return found[-1]

    def all_for(self, recipient):
        return [content for to, content in self.arrived if to == recipient]


def make_key(folder, domain, selector, kind="ed25519"):
    """A key file, and the record to publish."""
    result = subprocess.run([program("mailauth"), "keygen", "--domain", domain, "--selector", selector, "--type", kind, "--directory",
                             folder], stdout=subprocess.PIPE, check=True, text=True)
    return os.path.join(folder, f"{selector}.{domain}.key"), result.stdout.strip().split("\n")[-1]


class World:
    """The DNS, the keys, our host: made once for all tests."""

    def __init__(self):
        for address in (HONEST, FORGER, FORWARDER, MAILING_LIST, SPAMMER, ELSEWHERE, "192.0.2.53"):
            subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.folder = tempfile.mkdtemp(prefix="malleposte-mail-auth.")
        with open(os.path.join(self.folder, "resolv.conf"), "w") as f:
            f.write("nameserver 192.0.2.53\n")
        subprocess.run(["mount", "--bind", os.path.join(self.folder, "resolv.conf"), "/etc/resolv.conf"], check=True)
        self.key, key_record = make_key(self.folder, "honest.test", "now", "rsa")
        self.revoked, _ = make_key(self.folder, "honest.test", "revoked")
        self.seal, seal_record = make_key(self.folder, "list.test", "seal")
        self.forward_seal, forward_record = make_key(self.folder, "forwarder.test", "seal")
        self.own_key, own_record = make_key(self.folder, "home.test", "own", "rsa")
        self.own_seal, own_seal_record = make_key(self.folder, "home.test", "seal", "rsa")
        self.elsewhere = Elsewhere(ELSEWHERE)
        self.knot = Knot(self.folder, [
            own_record, own_seal_record, 'home.test. TXT "v=spf1 -all"',
            "ns.test. A 192.0.2.53",
            f'honest.test. TXT "v=spf1 ip4:{HONEST} -all"', '_dmarc.honest.test. TXT "v=DMARC1; p=reject; rua=mailto:reports@honest.test"', key_record,
            "honest.test. MX 10 mail.honest.test.", f"mail.honest.test. A {HONEST}",
            'revoked._domainkey.honest.test. TXT "v=DKIM1; k=ed25519; p="',
            'cautious.test. TXT "v=spf1 -all"', '_dmarc.cautious.test. TXT "v=DMARC1; p=quarantine"',
            f'forwarder.test. TXT "v=spf1 ip4:{FORWARDER} -all"', forward_record,
            f'list.test. TXT "v=spf1 ip4:{MAILING_LIST} -all"', seal_record,
            f"{'.'.join(reversed(SPAMMER.split('.')))}.list.test. A 127.0.0.2",
            f"{'.'.join(reversed(SPAMMER.split('.')))}.list.test. TXT \"seen in traps\"",
            f"{'.'.join(reversed(HONEST.split('.')))}.in-addr.arpa. PTR mail.honest.test.",
            *(f"{name}. TXT \"v=spf1 ?all\"" for name in ("helo.test", "down.test")),
        ])
        self.mail = Instance(domain="home.test", main_cf={
            "mynetworks": "127.0.0.0/8", "spf_policy": "tag", "dkim_policy": "tag", "dmarc_policy": "enforce",
            "arc_trusted_sealers": "list.test forwarder.test", "dns_timeout": "1s", "smtpd_peername_lookup": "no",
            "authserv_id": "mx.home.test", "virtual_alias_maps": "inline:{ {away@home.test = dave@elsewhere.test} }",
            "transport_maps": f"inline:{{ {{elsewhere.test = lmtp:inet:{ELSEWHERE}:2400}} {{honest.test = lmtp:inet:{ELSEWHERE}:2400}} }}",
            "dkim_sign_table": f"inline:{{ {{home.test = own:{self.own_key}}} }}", "arc_seal_key": f"home.test:seal:{self.own_seal}"})

        self.mail.__enter__()

    def end(self):
        self.mail.__exit__(None, None, None)
        self.knot.stop()
        shutil.rmtree(self.folder)


world = None


def setUpModule():
    global world
    world = World()


def tearDownModule():
    world.end()


class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name in ("mail", "knot", "key", "revoked", "seal", "forward_seal", "own_seal", "elsewhere"):
            setattr(cls, name, getattr(world, name))

    # --- what the hosts of the story do

    def message(self, author="ann@honest.test", subject=None):
        subject = subject or f"{self.id().rsplit('.', 1)[1]} {time.monotonic_ns()}"
        return f"From: Ann <{author}>\r\nTo: alice@home.test\r\nSubject: {subject}\r\nDate: Sun, 22 Nov 2026 01:02:03 +0000\r\n\r\nHello.\r\n"

    def tool(self, *words, given):
        result = subprocess.run([program("mailauth"), *words], input=given.encode(), stdout=subprocess.PIPE, check=True)
        return result.stdout.decode()

    def sign(self, message, selector="now", key=None, *more):
        return self.tool("sign", "--domain", "honest.test", "--key", f"{selector}={key or self.key}", *more, "--message", given=message)

    def pass_on(self, message, domain, key, address, change=lambda text: text):
        """What a host that seals does: it writes its own verdict down, changes the message, and seals it."""
        verdict = self.tool("verify", "--client", HONEST, "--helo", "mail.honest.test", "--from", "ann@honest.test", "--authserv-id",
                            domain, given=message)
        header = verdict[verdict.index("Authentication-Results:"):verdict.index("Received-SPF:")].replace("\n", "\r\n")
        return self.tool("seal", "--domain", domain, "--key", f"seal={key}", "--authserv-id", domain, "--message",
                         given=change(header + message))

    def send(self, source, message, sender="ann@honest.test", helo="helo.test"):
        """The reply to the message (or to the command that was refused), and the message in the mailbox if it came through."""
        before = set(self.mail.messages("alice"))
        with smtplib.SMTP("127.0.0.1", self.mail.port["smtp"], timeout=60, source_address=(source, 0)) as client:
            client.ehlo(helo)
            for step in (lambda: client.mail(sender), lambda: client.rcpt("alice@home.test"), lambda: client.data(message)):
                code, reply = step()
                if code >= 400:
                    return f"{code} {reply.decode()}", None
        wait_until(lambda: set(self.mail.messages("alice")) - before or "status=deferred" in self.mail.log(), "the message arrives")
        (path,) = set(self.mail.messages("alice")) - before
        with open(path, "rb") as f:
            return f"{code} {reply.decode()}", email.message_from_binary_file(f)

    def results(self, message):
        """method -> result of our own field, which stands above the others."""
        self.assertIsNotNone(message)
        field = message.get_all("Authentication-Results")[0]
        self.assertTrue(field.startswith("mx.home.test;"), field)
        return {method: result for method, result in reversed(re.findall(r"\b(spf|dkim|arc|dmarc)=(\w+)", field))}


class Genuine(Hosts):
    def test_an_honest_sender(self):
        reply, message = self.send(HONEST, self.sign(self.message()), helo="mail.honest.test")
        self.assertTrue(reply.startswith("250 2.0.0 Ok: queued as "), reply)
        self.assertEqual(self.results(message), {"spf": "pass", "dkim": "pass", "arc": "none", "dmarc": "pass"})
        self.assertTrue(message["Received-SPF"].startswith("pass "), message["Received-SPF"])
        names = [name for name in message.keys() if name in ("Authentication-Results", "Received-SPF", "DKIM-Signature", "From")]
        self.assertEqual(names, ["Authentication-Results", "Received-SPF", "DKIM-Signature", "From"])
        self.mail.wait_for_log(r"authentication: spf=pass \(honest\.test\) dkim=pass \(honest\.test\) arc=none dmarc=pass "
                               r"\(honest\.test p=reject\) action=accept from=<ann@honest\.test>")

    def test_a_forged_sender(self):
        reply, _ = self.send(FORGER, self.message())
        self.assertTrue(reply.startswith("550 5.7.26 DMARC: the policy of honest.test (p=reject) refuses this message"), reply)
        self.mail.wait_for_log(r"reject: END-OF-MESSAGE from unknown\[198\.51\.100\.66\]: 550 5\.7\.26 DMARC: the policy of honest\.test")
        self.mail.wait_for_log(r"authentication: spf=fail \(honest\.test\) dkim=none .* action=reject: DMARC")
        # Another envelope does not help, nor does a second From.
        reply, _ = self.send(FORGER, self.message(), sender="x@helo.test")
        self.assertIn("550 5.7.26", reply)
        reply, _ = self.send(FORGER, "From: x@helo.test\r\n" + self.message(), sender="x@helo.test")
        self.assertIn("550 5.7.26", reply)

    def test_a_changed_message(self):
        reply, _ = self.send(FORGER, self.sign(self.message()).replace("Hello.", "Pay now."), sender="x@helo.test")
        self.assertIn("550 5.7.26", reply)

    def test_what_the_owner_wants_quarantined_is_held(self):
        with smtplib.SMTP("127.0.0.1", self.mail.port["smtp"], timeout=60, source_address=(FORGER, 0)) as client:
            client.ehlo("helo.test")
            client.sendmail("x@helo.test", "alice@home.test", self.message(author="ann@cautious.test", subject="held"))
        found = self.mail.wait_for_log(r"(\w+): authentication: .* dmarc=fail \(cautious\.test p=quarantine\) action=quarantine: DMARC")
        queue_id = found.group(1)
        wait_until(lambda: f"{queue_id}!" in self.mail.queue(), "the message is in the hold queue")
        shown = self.mail.run("postcat", "-q", queue_id).stdout
        self.assertIn("X-Quarantine: DMARC: the policy of cautious.test", shown)
        self.mail.run("postsuper", "-d", queue_id)

    def test_a_forwarder_that_changes_nothing(self):
        reply, message = self.send(FORWARDER, self.sign(self.message()), sender="alice=home@forwarder.test")
        self.assertTrue(reply.startswith("250"), reply)
        self.assertEqual(self.results(message)["dmarc"], "pass")

    def test_a_mailing_list_without_arc(self):
        changed = self.sign(self.message()).replace("Subject: ", "Subject: [list] ") + "-- \r\nthe list\r\n"
        reply, _ = self.send(MAILING_LIST, changed, sender="owner@list.test")
        self.assertIn("550 5.7.26", reply)

    def test_a_mailing_list_with_arc(self):
        change = lambda text: text.replace("Subject: ", "Subject: [list] ") + "-- \r\nthe list\r\n"
        reply, message = self.send(MAILING_LIST, self.pass_on(self.sign(self.message()), "list.test", self.seal, MAILING_LIST, change),
                                   sender="owner@list.test")
        self.assertTrue(reply.startswith("250"), reply)
        results = self.results(message)
        self.assertEqual((results["arc"], results["dmarc"]), ("pass", "fail"))
        self.assertIn("trusted_forwarder", message["Authentication-Results"])

    def test_a_forwarder_with_arc_and_a_footer(self):
        change = lambda text: text + "scanned\r\n"
        reply, message = self.send(FORWARDER, self.pass_on(self.sign(self.message()), "forwarder.test", self.forward_seal, FORWARDER, change),
                                   sender="alice=home@forwarder.test")
        self.assertTrue(reply.startswith("250"), reply)
        self.assertEqual(self.results(message)["arc"], "pass")

    def test_a_seal_of_somebody_else(self):
        # Sealed by the list's key in its name, and changed after that.
        sealed = self.pass_on(self.sign(self.message()), "list.test", self.seal, MAILING_LIST).replace("Hello.", "Pay now.")
        reply, _ = self.send(FORGER, sealed, sender="x@helo.test")
        self.assertIn("550 5.7.26", reply)

    def test_expired_and_revoked_keys(self):
        old = self.sign(self.message(), "now", self.key, "--time", str(int(time.time()) - 864000), "--lifetime", "3600")
        reply, _ = self.send(FORWARDER, old, sender="x@forwarder.test")
        self.assertIn("550 5.7.26", reply)
        reply, _ = self.send(FORWARDER, self.sign(self.message(), "revoked", self.revoked), sender="x@forwarder.test")
        self.assertIn("550 5.7.26", reply)

    def test_forged_results_are_taken_out(self):
        forged = "Authentication-Results: MX.home.test (x) 1;\r\n dmarc=pass\r\nAuthentication-Results: elsewhere.test; spf=pass\r\n"
        _, message = self.send(HONEST, forged + self.message(), helo="mail.honest.test")
        fields = message.get_all("Authentication-Results")
        self.assertEqual(len(fields), 2, fields)
        self.assertTrue(fields[1].startswith("elsewhere.test"), fields)

    def test_own_clients_are_not_asked_about(self):
        reply, message = self.send(OURSELVES, self.message())
        self.assertTrue(reply.startswith("250"), reply)
        self.assertIsNone(message["Authentication-Results"])

    def test_the_dns_is_down(self):
        time.sleep(2.5)  # the answers of the other tests grow old
        self.knot.pause()
        try:
            reply, message = self.send(FORGER, self.message(author="x@down.test"), sender="x@down.test")
            self.assertTrue(reply.startswith("250"), reply)
            self.assertEqual(self.results(message)["dmarc"], "temperror")
            self.assertEqual(self.results(message)["spf"], "temperror")
            # Others are served meanwhile: a client of our own is not kept waiting by a stranger's questions.
            stranger = smtplib.SMTP("127.0.0.1", self.mail.port["smtp"], timeout=60, source_address=(FORGER, 0))
            stranger.ehlo("helo.test")
            stranger.putcmd("mail", "FROM:<y@down.test>")
            began = time.monotonic()
            self.mail.send(to="alice@home.test", sender="bob@home.test")
            self.assertLess(time.monotonic() - began, 0.9)
            self.assertEqual(stranger.getreply()[0], 250)
            stranger.quit()
        finally:
            self.knot.resume()


class SentOn(Hosts):
    """What goes on to another host carries our seal, and the author's signature still holds."""

    def tearDown(self):
        self.rules(None)

    def rules(self, script):
        """Alice's Sieve script."""
        home = self.mail.path("mail/alice")
        path, link = os.path.join(home, "rules.sieve"), os.path.join(home, ".dovecot.sieve")
        if os.path.lexists(link):
            os.remove(link)
        if script is None:
            return
        with open(path, "w") as out:
            out.write(script)
        os.symlink("rules.sieve", link)
        owner = os.stat(home)
        for name in (path, link):
            os.lchown(name, owner.st_uid, owner.st_gid)

    def hand_in(self, source, message, to="alice@home.test", sender="ann@honest.test", helo="mail.honest.test"):
        with smtplib.SMTP("127.0.0.1", self.mail.port["smtp"], timeout=60, source_address=(source, 0)) as client:
            client.ehlo(helo)
            client.sendmail(sender, to, message)

    def sent_on(self, source, message, to="alice@home.test", **envelope):
        """What arrives elsewhere of a message that is handed in here."""
        before = len(self.elsewhere.all_for("dave@elsewhere.test"))
        self.hand_in(source, message, to, **envelope)
        return self.elsewhere.wait_for("dave@elsewhere.test", before)

    def asked(self, content, *words):
        return self.tool(*words, given=content.decode())

    def check_sealed(self, content, instance, chain):
        arc = self.asked(content, "arc")
        self.assertEqual(arc.splitlines()[0], "arc=pass", arc)
        message = email.message_from_bytes(content)
        self.assertEqual(len(message.get_all("ARC-Seal")), instance)
        self.assertIn(f"cv={chain};", message["ARC-Seal"])
        self.assertIn("d=home.test;", message["ARC-Seal"])
        self.assertTrue(message["ARC-Authentication-Results"].startswith(f"i={instance}; mx.home.test;"), message["ARC-Authentication-Results"])
        return message

    def check_author(self, content):
        """DMARC passes through the author's signature, though SPF now fails."""
        self.assertEqual(self.asked(content, "dkim").splitlines()[0], "dkim=pass")
        verdict = self.asked(content, "verify", "--client", OURSELVES, "--helo", "mx.home.test", "--from", "ann@honest.test")
        results = dict(line.split("=", 1) for line in verdict.splitlines()[:4])
        self.assertEqual(results, {"spf": "fail", "dkim": "pass", "arc": "pass", "dmarc": "pass"}, verdict)

    def test_by_a_user_s_rules(self):
        self.rules('redirect "dave@elsewhere.test";\n')
        content = self.sent_on(HONEST, self.sign(self.message()))
        message = self.check_sealed(content, 1, "none")
        self.check_author(content)
        self.assertEqual(len(message.get_all("DKIM-Signature")), 1)     # it is not our mail
        results = message["ARC-Authentication-Results"]
        self.assertTrue(all(word in results for word in ("spf=pass", "dkim=pass", "arc=none", "dmarc=pass")), results)
        self.mail.wait_for_log(r"cleanup\[\d+\]: \w+: ARC set added \(cv=none, s=seal, d=home\.test\)")

    def test_another_verifier(self):
        script = ("import sys, dkim\nmessage = sys.stdin.buffer.read()\n"
                  "print(dkim.arc_verify(message)[0].decode(), dkim.verify(message))")
        if subprocess.run(["/usr/bin/python3", "-c", "import dkim, dns.resolver"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("dkimpy or dnspython is not installed")
        content = self.sent_on(HONEST, self.sign(self.message()), to="away@home.test")
        result = subprocess.run(["/usr/bin/python3", "-c", script], input=content, stdout=subprocess.PIPE, check=True)
        self.assertEqual(result.stdout.decode().strip(), "pass True")

    def test_by_an_alias(self):
        content = self.sent_on(HONEST, self.sign(self.message()), to="away@home.test")
        message = self.check_sealed(content, 1, "none")
        self.check_author(content)
        self.assertEqual(message.keys()[:4], ["ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results", "Authentication-Results"])

    def test_a_large_one(self):
        text = self.sign(self.message() + "a line that goes on and on\r\n" * 40000)
        content = self.sent_on(HONEST, text, to="away@home.test")
        self.check_sealed(content, 1, "none")
        self.check_author(content)

    def test_a_chain_goes_on(self):
        self.rules('redirect "dave@elsewhere.test";\n')
        change = lambda text: text.replace("Subject: ", "Subject: [list] ")
        sealed = self.pass_on(self.sign(self.message()), "list.test", self.seal, MAILING_LIST, change)
        content = self.sent_on(MAILING_LIST, sealed, sender="owner@list.test", helo="helo.test")
        self.check_sealed(content, 2, "pass")

    def test_a_broken_chain_is_left_alone(self):
        broken = self.pass_on(self.sign(self.message()), "list.test", self.seal, MAILING_LIST).replace("cv=none", "cv=pass")
        content = self.sent_on(HONEST, broken, to="away@home.test")
        self.assertEqual(len(email.message_from_bytes(content).get_all("ARC-Seal")), 1)
        self.mail.wait_for_log(r"not sealed: its ARC chain was broken when it arrived")

    def test_results_that_came_with_the_message_do_not_count(self):
        # A client of our own is not asked about, and its header is its own: none of it may come under our seal.
        self.rules('redirect "dave@elsewhere.test";\n')
        forged = "Authentication-Results: mx.home.test; dmarc=pass header.from=honest.test; arc=pass\r\n"
        trace = "Received: from x ([192.0.2.1])\r\n\tby mail.home.test (Malleposte) with LMTP id 1;\r\n\tSun, 22 Nov 2026 01:02:03 +0000\r\n"
        content = self.sent_on(OURSELVES, trace + forged + self.message())
        results = self.check_sealed(content, 1, "none")["ARC-Authentication-Results"]
        self.assertEqual(results.split(";")[1:], [" mx.home.test", " none"])
        sealed = self.pass_on(self.sign(self.message()), "list.test", self.seal, MAILING_LIST)
        content = self.sent_on(OURSELVES, forged + sealed)
        self.assertEqual(len(email.message_from_bytes(content).get_all("ARC-Seal")), 1)
        self.mail.wait_for_log(r"not sealed: it has ARC fields, and no Authentication-Results of this host say arc=pass")
        # Nor what a user's rules add on top of the true ones.
        self.rules('require "editheader"; deleteheader "Authentication-Results"; '
                   'addheader "Authentication-Results" "mx.home.test; dmarc=pass"; redirect "dave@elsewhere.test";\n')
        content = self.sent_on(HONEST, self.message())
        self.assertNotIn("dmarc=pass", email.message_from_bytes(content)["ARC-Authentication-Results"])

    def test_what_stays_here_is_not_sealed(self):
        _, message = self.send(HONEST, self.sign(self.message()), helo="mail.honest.test")
        self.assertIsNone(message["ARC-Seal"])

    def test_a_key_that_is_gone_defers(self):
        self.mail.set("arc_seal_key", "home.test:seal:/nowhere/seal.key")
        self.mail.reload()
        try:
            with self.assertRaises(smtplib.SMTPDataError) as refused:
                self.hand_in(HONEST, self.sign(self.message()), to="away@home.test")
            self.assertEqual((refused.exception.smtp_code, refused.exception.smtp_error[:6]), (451, b"4.7.0 "))
            self.mail.wait_for_log(r"not sealed: /nowhere/seal\.key: No such file or directory")
        finally:
            self.mail.set("arc_seal_key", f"home.test:seal:{self.own_seal}")
            self.mail.reload()

    def test_an_answer_is_our_own_mail(self):
        self.rules('require "vacation"; vacation :subject "Away" "Back on Monday.";\n')
        before = len(self.elsewhere.all_for("ann@honest.test"))
        self.hand_in(HONEST, self.sign(self.message()))
        answer = self.elsewhere.wait_for("ann@honest.test", before)
        self.assertIn(b"Auto-Submitted: auto-replied", answer)
        self.assertEqual(self.asked(answer, "dkim").splitlines()[0], "dkim=pass")
        message = email.message_from_bytes(answer)
        self.assertIn("d=home.test;", message["DKIM-Signature"])
        self.assertIsNone(message["ARC-Seal"])


class Reported(Hosts):
    """What smtpd found out about a message is in the report that the author's domain gets the day after."""

    def every(self, seconds):
        path = self.mail.path("etc/master.cf")
        with open(path) as rows:
            content = rows.read()
        with open(path, "w") as rows:
            rows.write(re.sub(r"(?m)^(dmarc-report +\S+ +\S+ +\S+ +\S+ +)\d+", rf"\g<1>{seconds}", content))

    def let_a_day_pass(self):
        """What is in the store is of one day before, which is over."""
        folder = self.mail.path("data/dmarc")
        lines = subprocess.run(["mdb_dump", folder], stdout=subprocess.PIPE, check=True, text=True).stdout.split("\n")
        begin = lines.index("HEADER=END") + 1
        for place in range(begin, lines.index("DATA=END"), 2):      # keys and values in turn; a key: its kind, the day, more
            key = lines[place].strip()
            lines[place] = f" {key[:2]}{int(key[2:10], 16) - 1:08x}{key[10:]}"
        owner = os.stat(folder)
        os.remove(os.path.join(folder, "data.mdb"))
        subprocess.run(["mdb_load", folder], input="\n".join(lines), check=True, text=True)
        for name in os.listdir(folder):
            os.chown(os.path.join(folder, name), owner.st_uid, owner.st_gid)

    def test_a_message_and_its_report(self):
        self.mail.set("dmarc_report_send", "yes")
        self.mail.reload()
        reply, _ = self.send(HONEST, self.sign(self.message()), helo="mail.honest.test")
        self.assertTrue(reply.startswith("250"), reply)
        reply, _ = self.send(FORGER, self.message())
        self.assertIn("550 5.7.26", reply)
        stored = self.mail.path("data/dmarc/data.mdb")
        dump = lambda: os.path.exists(stored) and subprocess.run(["mdb_dump", "-p", os.path.dirname(stored)], stdout=subprocess.PIPE,
                                                                 text=True).stdout
        wait_until(lambda: (text := dump()) and HONEST in text and FORGER in text, "both results are stored")
        self.mail.stop()
        try:
            self.let_a_day_pass()
            self.every(1)
        finally:
            self.mail.start()
        report = self.elsewhere.wait_for("reports@honest.test")
        path = os.path.join(world.folder, "report")
        with open(path, "wb") as out:
            out.write(report)
        shown = self.mail.run("mailauth", "report", "show", path).stdout
        self.assertIn("report=aggregate\n", shown)
        self.assertIn("report.messages: 2\nreport.passed: 1\nreport.failed: 1\n", shown)
        self.assertRegex(shown, rf" 1 {re.escape(HONEST)} none dkim=pass spf=pass from=honest\.test")
        self.assertRegex(shown, rf" 1 {re.escape(FORGER)} reject dkim=fail spf=fail from=honest\.test")
        self.assertEqual(self.asked_dkim(report), "dkim=pass")

    def asked_dkim(self, content):
        return self.tool("dkim", given=content.decode()).splitlines()[0]


class Configured(Hosts):
    """With other parameters, CHANGES: name -> (while this class runs, before and after)."""

    CHANGES = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.configure(0)

    @classmethod
    def tearDownClass(cls):
        cls.configure(1)

    @classmethod
    def configure(cls, which):
        for name, values in cls.CHANGES.items():
            cls.mail.set(name, values[which])
        cls.mail.reload()


class Strict(Configured):
    """SPF and DKIM enforced, and mail deferred while the DNS is down."""

    CHANGES = {"spf_policy": ("enforce", "tag"), "dkim_policy": ("enforce", "tag"), "mail_auth_temperror_action": ("defer", "accept")}

    def test_spf(self):
        reply, _ = self.send(FORGER, self.message())
        self.assertTrue(reply.startswith(f"550 5.7.23 SPF: {FORGER} may not send mail of honest.test (MAIL FROM)"), reply)
        self.mail.wait_for_log(r"NOQUEUE: reject: RCPT from unknown\[198\.51\.100\.66\]: 550 5\.7\.23 SPF: .* "
                               r"from=<ann@honest\.test> to=<alice@home\.test>")

    def test_dkim(self):
        reply, _ = self.send(FORGER, self.message(author="x@list.test"), sender="x@helo.test")
        self.assertIn("550 5.7.20 DKIM: no passing signature found", reply)

    def test_an_honest_sender(self):
        reply, _ = self.send(HONEST, self.sign(self.message()), helo="mail.honest.test")
        self.assertTrue(reply.startswith("250"), reply)

    def test_the_dns_is_down(self):
        time.sleep(2.5)  # the answers of the other tests grow old
        self.knot.pause()
        try:
            reply, _ = self.send(FORGER, self.message(), sender="x@down.test")
            self.assertTrue(reply.startswith("451 4.7.24 SPF cannot be checked now"), reply)
        finally:
            self.knot.resume()


class Restrictions(Configured):
    CHANGES = {"smtpd_sender_restrictions": ("reject_unknown_sender_domain, reject_rbl_client list.test", "")}

    def test_restrictions_that_ask_the_dns(self):
        reply, _ = self.send(FORGER, self.message(), sender="x@nowhere.test")
        self.assertEqual(reply, "450 4.1.8 <x@nowhere.test>: Sender address rejected: Domain not found")
        reply, _ = self.send(SPAMMER, self.message(), sender="x@mail.honest.test")
        self.assertEqual(reply, f"554 5.7.1 Service unavailable; Client host [{SPAMMER}] blocked using list.test; seen in traps")
        self.mail.wait_for_log(r"reject: RCPT from unknown\[198\.51\.100\.77\]: 554 5\.7\.1 Service unavailable; Client host")


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespace()
    unittest.main()
