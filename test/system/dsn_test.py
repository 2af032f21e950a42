"""Delivery status notifications (RFC 3461, RFC 3464): what senders may ask for, by SMTP and by sendmail, and what they get."""

import email
import os
import re
import shutil
import smtplib
import socketserver
import subprocess
import threading
import unittest

from instance import Instance, Ports, wait_until

POSTFIX = "/usr/sbin/postfix"


class Peer:
    """A server that takes everything, by SMTP or LMTP, with DSN or without, and remembers what it was told."""

    def __init__(self, keywords=()):
        peer = self
        self.commands = []
        self.messages = []

        class Dialogue(socketserver.StreamRequestHandler):
            def say(self, *lines):
                for number, line in enumerate(lines):
                    mark = " " if number == len(lines) - 1 else "-"
                    self.wfile.write(f"250{mark}{line}\r\n".encode())

            def handle(self):
                self.wfile.write(b"220 peer.test\r\n")
                lmtp, recipients = False, 0
                for raw in self.rfile:
                    line = raw.decode().rstrip("\r\n")
                    verb = line.split(" ")[0].upper()
                    peer.commands.append(line)
                    if verb in ("EHLO", "LHLO"):
                        lmtp = verb == "LHLO"
                        self.say("peer.test", *keywords)
                    elif verb == "RCPT" and "refused" in line:
                        self.wfile.write(b"550 5.1.1 no such user\r\n")
                    elif verb == "RCPT":
                        recipients += 1
                        self.say("2.1.5 ok")
                    elif verb == "DATA":
                        self.wfile.write(b"354 go on\r\n")
                        text = b""
                        while (line := self.rfile.readline()) not in (b".\r\n", b""):
                            text += line
                        peer.messages.append(email.message_from_bytes(text))
                        for _ in range(recipients if lmtp else 1):
                            self.say("2.0.0 taken")
                        recipients = 0
                    elif verb == "QUIT":
                        self.wfile.write(b"221 2.0.0 bye\r\n")
                        return
                    else:
                        self.say("2.0.0 ok")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Dialogue)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def said(self, beginning):
        return [line for line in self.commands if line.startswith(beginning)]


class Report:
    """A report as its reader sees it: the groups of fields, and what is returned."""

    def __init__(self, message):
        self.message = message
        human, status, self.returned = message.get_payload()
        self.text = human.get_payload()
        groups = status.get_payload()
        self.about, self.recipients = groups[0], groups[1:]

    def actions(self):
        return {each["Final-Recipient"].split("; ")[1]: each["Action"] for each in self.recipients}

    def originals(self):
        return {each["Final-Recipient"].split("; ")[1]: each["Original-Recipient"].replace("; ", ";") for each in self.recipients}


class Dsn(unittest.TestCase):
    def setUp(self):
        self.plain, self.dsn, self.lmtp = Peer(["PIPELINING"]), Peer(["PIPELINING", "DSN"]), Peer(["PIPELINING"])
        routes = (f"relay.test = smtp:[127.0.0.1]:{self.plain.port}", f"dsn.test = smtp:[127.0.0.1]:{self.dsn.port}",
                  f"lmtp.test = lmtp:inet:127.0.0.1:{self.lmtp.port}", "gone.test = error:5.1.1 no such place",
                  "later.test = retry:4.2.0 come back later", "box.test = virtual:", "away.test = discard:")
        uid = 65534 if os.getuid() == 0 else os.getuid()
        self.mail = Instance(main_cf={
            "transport_maps": "inline:{ " + " ".join("{" + route + "}" for route in routes) + " }",
            "virtual_alias_maps": "inline:{ {list@example.test = bob@away.test, alice@example.test}"
                                  " {one@example.test = bob@away.test} }",
            "virtual_mailbox_maps": "lmdb:$config_directory/mailboxes, inline:{ {bob@box.test = bob/} }",
            "virtual_mailbox_base": "$data_directory/boxes", "virtual_uid_maps": f"static:{uid}", "virtual_gid_maps": f"static:{uid}",
            "virtual_minimum_uid": "1", "smtpd_hard_error_limit": "1000", "smtpd_soft_error_limit": "1000"})
        self.mail.__enter__()
        boxes = self.mail.path("data/boxes")
        os.makedirs(boxes + "/bob")
        if os.getuid() == 0:
            shutil.chown(boxes + "/bob", uid, uid)
            for folder in (self.mail.path("data"), boxes):
                os.chmod(folder, 0o755)
        self.failed_before = self.failures()

    def tearDown(self):
        failed = self.failures() > self.failed_before
        self.mail.__exit__(AssertionError if failed else None, None, None)
        for peer in (self.plain, self.dsn, self.lmtp):
            peer.close()

    def failures(self):
        result = self._outcome.result
        return len(result.failures) + len(result.errors)

    def send(self, recipients, mail=(), sender="alice@example.test", text="Subject: hi\r\n\r\nbody\r\n"):
        """`recipients`: address to RCPT parameters."""
        with self.mail.smtp() as client:
            client.ehlo("client.test")
            self.assertEqual(client.mail(sender, list(mail))[0], 250)
            for address, parameters in recipients.items():
                code, reply = client.rcpt(address, parameters)
                self.assertEqual(code, 250, reply)
            self.assertEqual(client.data(text)[0], 250)

    def read(self, path):
        with open(path, "rb") as f:
            return email.message_from_bytes(f.read())

    def reports(self, count=1, user="alice"):
        paths = wait_until(lambda: len(self.mail.messages(user)) >= count and self.mail.messages(user), f"{count} messages for {user}")
        self.assertEqual(len(paths), count)
        return [Report(one) for one in map(self.read, paths) if one.get_content_type() == "multipart/report"]

    # --- what is announced and accepted

    def test_announced_unless_discarded(self):
        with self.mail.smtp() as client:
            client.ehlo("client.test")
            self.assertTrue(client.has_extn("dsn"))
            client.helo("client.test")
            self.assertEqual(client.docmd("MAIL", "FROM:<a@b.test> RET=HDRS")[0], 555)
        self.mail.set("smtpd_discard_ehlo_keywords", "dsn")
        self.mail.reload()
        with self.mail.smtp() as client:
            client.ehlo("client.test")
            self.assertFalse(client.has_extn("dsn"))
            for parameter in ("RET=HDRS", "ENVID=x"):
                self.assertEqual(client.docmd("MAIL", f"FROM:<a@b.test> {parameter}"), (501, b"5.7.1 DSN support is disabled"))
            client.mail("a@b.test")
            for parameter in ("NOTIFY=NEVER", "ORCPT=rfc822;a@b"):
                self.assertEqual(client.docmd("RCPT", f"TO:<alice@example.test> {parameter}"), (501, b"5.7.1 DSN support is disabled"))

    MAIL_PARAMETERS = {
        "RET=FULL": 250, "ret=hdrs": 250, "RET": 555, "RET=": 501, "RET=BOTH": 501, "RET=HDRS RET=HDRS": 501, "RET=HDRS,FULL": 501,
        "ENVID=QQ+2B1": 250, "ENVID=": 501, "ENVID": 555, "ENVID=a+2": 501, "ENVID=a+0D+0AX:": 501,
        "ENVID=a+E9": 501, "ENVID=a ENVID=b": 501, "ENVID=" + "x" * 100: 250, "RET=FULL ENVID=x SIZE=100 BODY=8BITMIME": 250,
    }
    RCPT_PARAMETERS = {
        "NOTIFY=NEVER": 250, "notify=success,FAILURE,Delay": 250, "NOTIFY=": 501, "NOTIFY": 555, "NOTIFY=NEVER,SUCCESS": 501,
        "NOTIFY=SOMETIMES": 501, "NOTIFY=SUCCESS NOTIFY=DELAY": 501, "ORCPT=rfc822;a+2Bb@c.test": 250, "ORCPT=": 501, "ORCPT": 555,
        "ORCPT=a@b.test": 501, "ORCPT=;a@b.test": 501, 
        "ORCPT=rfc822;a ORCPT=rfc822;b": 501, "NOTIFY=DELAY ORCPT=rfc822;x@y.test": 250, "SIZE=1": 555,
    }
    STRICTER_THAN_POSTFIX = {  # RFC 3461: the lengths of 4.2 and 4.4, the grammar of xtext, an address; RFC 6533
        "ENVID=a=b": 501, "ORCPT=rfc822;": 501, "ORCPT=rfc822;a+0Ab": 501, "ORCPT=rfc822;a=b": 501,
        "ENVID=" + "x" * 101: 501, "ENVID=a+2b": 501, "ORCPT=rfc822;a+2b": 501, "ORCPT=rfc822;" + "x" * 494: 501,
        "ORCPT=a(b;c@d": 501, "ORCPT=utf-8;\\xEB@b": 501,
    }

    def test_parameters(self):
        with self.mail.smtp() as client:
            client.ehlo("client.test")
            stricter = {name: code for name, code in self.STRICTER_THAN_POSTFIX.items() if name.startswith("ENVID")}
            for parameters, wanted in {**self.MAIL_PARAMETERS, **stricter}.items():
                with self.subTest(parameters):
                    code, reply = client.docmd("MAIL", f"FROM:<a@b.test> {parameters}")
                    client.rset()
                    self.assertEqual(code, wanted, reply)
            client.mail("a@b.test")
            stricter = {name: code for name, code in self.STRICTER_THAN_POSTFIX.items() if name.startswith("ORCPT")}
            for parameters, wanted in {**self.RCPT_PARAMETERS, **stricter}.items():
                with self.subTest(parameters):
                    code, reply = client.docmd("RCPT", f"TO:<alice@example.test> {parameters}")
                    client.rset()
                    client.mail("a@b.test")
                    self.assertEqual(code, wanted, reply)

    # --- reports of success

    def test_delivered_and_relayed(self):
        self.send({"bob@box.test": ["NOTIFY=SUCCESS", "ORCPT=rfc822;Bob+2BBox@box.test"], "x@relay.test": ["NOTIFY=SUCCESS,FAILURE"],
                   "x@lmtp.test": ["NOTIFY=SUCCESS"], "y@away.test": [], "z@away.test": ["NOTIFY=FAILURE"]}, ["ENVID=QQ+2B31", "RET=FULL"])
        self.mail.wait_for_empty_queue()
        report, = self.reports()
        self.assertEqual(report.actions(), {"bob@box.test": "delivered", "x@relay.test": "relayed", "x@lmtp.test": "relayed"})
        self.assertEqual(report.about["Original-Envelope-Id"], "QQ+31")
        self.assertEqual(report.message["Subject"], "Successful Mail Delivery Report")
        self.assertEqual(report.message["Return-Path"], "<>")
        first = [each for each in report.recipients if "bob@" in each["Final-Recipient"]][0]
        self.assertEqual(first["Original-Recipient"], "rfc822; Bob+Box@box.test")
        self.assertEqual(first["Status"], "2.0.0")
        relayed = [each for each in report.recipients if "@relay.test" in each["Final-Recipient"]][0]
        self.assertEqual(relayed["Diagnostic-Code"], "smtp; 250 2.0.0 taken")
        self.assertEqual(report.returned.get_content_type(), "text/rfc822-headers")  # RET is about failures
        self.assertEqual(len(os.listdir(self.mail.path("data/boxes/bob/new"))), 1)
        for line in self.plain.said("MAIL") + self.plain.said("RCPT"):
            self.assertNotRegex(line, "NOTIFY|ORCPT|RET|ENVID")

    def test_lmtp_that_is_final(self):
        self.mail.set("lmtp_assume_final", "yes")
        self.mail.reload()
        self.send({"x@lmtp.test": ["NOTIFY=SUCCESS"]})
        report, = self.reports()
        self.assertEqual(report.actions(), {"x@lmtp.test": "delivered"})

    def test_passed_on(self):
        self.send({"x@dsn.test": ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;First+2B@dsn.test"], "y@dsn.test": [], "z@dsn.test": ["NOTIFY=NEVER"],
                   "refused@dsn.test": ["NOTIFY=FAILURE"]}, ["RET=HDRS", "ENVID=a+20b"])
        report, = self.reports()
        self.assertEqual(report.actions(), {"refused@dsn.test": "failed"})  # who announces DSN reports success itself
        self.mail.wait_for_empty_queue()
        self.assertEqual(self.dsn.said("MAIL"), ["MAIL FROM:<alice@example.test> RET=HDRS ENVID=a+20b"])
        self.assertEqual(sorted(self.dsn.said("RCPT")), [
            "RCPT TO:<refused@dsn.test> NOTIFY=FAILURE ORCPT=rfc822;refused@dsn.test",
            "RCPT TO:<x@dsn.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;First+2B@dsn.test",
            "RCPT TO:<y@dsn.test> ORCPT=rfc822;y@dsn.test",
            "RCPT TO:<z@dsn.test> NOTIFY=NEVER ORCPT=rfc822;z@dsn.test"])

    def test_expanded(self):
        self.send({"list@example.test": ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;The.List@example.test"], "one@example.test": ["NOTIFY=SUCCESS"]},
                  sender="carol@dsn.test")
        told = wait_until(lambda: self.dsn.said("RCPT"), "carol hears of it")
        self.assertEqual(told, ["RCPT TO:<carol@dsn.test> ORCPT=rfc822;carol@dsn.test"])
        self.mail.wait_for_log(r"sender delivery status notification")
        self.mail.wait_for_empty_queue()
        self.assertEqual(len(self.dsn.said("DATA")), 1)  # nothing more about the members

        self.send({"list@example.test": ["NOTIFY=SUCCESS"]})
        report, = self.reports(3)  # to alice twice as a member of the list
        self.assertEqual(report.actions(), {"list@example.test": "expanded"})

    def test_nobody_is_told_unasked(self):
        self.send({"a@away.test": [], "b@away.test": ["NOTIFY=NEVER"], "c@away.test": ["NOTIFY=FAILURE,DELAY"], "d@gone.test": ["NOTIFY=NEVER"],
                   "e@gone.test": ["NOTIFY=SUCCESS,DELAY"]})
        self.send({"f@away.test": ["NOTIFY=SUCCESS"], "g@gone.test": ["NOTIFY=SUCCESS,FAILURE"]}, sender="")
        self.mail.wait_for_log("removed", count=2)
        self.mail.wait_for_empty_queue()
        self.assertNotIn("notification:", self.mail.log())
        self.assertEqual(self.mail.messages("alice"), [])

    # --- reports of failure and delay

    def test_what_is_returned(self):
        text = "Subject: hi\r\n\r\n" + "body\r\n" * 20
        for ret, kind in (("FULL", "message/rfc822"), ("HDRS", "text/rfc822-headers")):
            self.send({"x@gone.test": []}, [f"RET={ret}", f"ENVID={ret}"], text=text)
        found = {report.about["Original-Envelope-Id"]: report.returned.get_content_type() for report in self.reports(2)}
        self.assertEqual(found, {"FULL": "message/rfc822", "HDRS": "text/rfc822-headers"})

    def test_delay(self):
        self.mail.set("delay_warning_time", "1s")
        self.mail.set("minimal_backoff_time", "1s")
        self.mail.set("queue_run_delay", "1s")
        self.mail.reload()
        self.send({"a@later.test": [], "b@later.test": ["NOTIFY=DELAY"], "c@later.test": ["NOTIFY=NEVER"], "d@later.test": ["NOTIFY=FAILURE"]})
        report, = self.reports()
        self.assertEqual(report.actions(), {"a@later.test": "delayed", "b@later.test": "delayed"})

    def test_a_report_survives_a_restart(self):
        """Delivered, but bounce was not there to report it: it is made up for, once, and nothing is delivered twice."""
        bounce = wait_until(lambda: os.path.exists(self.mail.path("spool/private/bounce")) and self.mail.path("spool/private/bounce"), "bounce")
        os.rename(bounce, bounce + ".away")
        self.send({"bob@box.test": ["NOTIFY=SUCCESS"], "list@example.test": ["NOTIFY=SUCCESS"]})
        self.mail.wait_for_log("the sender cannot be told of the delivery yet")
        self.mail.stop()
        self.mail.start()
        if not os.path.exists(bounce):
            os.rename(bounce + ".away", bounce)
        def told():
            self.mail.run("postqueue", "-f", check=False)
            return "sender delivery status notification" in self.mail.log()
        wait_until(told, "the sender is told")
        self.mail.wait_for_empty_queue()
        report, = self.reports(2)
        self.assertEqual(report.actions(), {"bob@box.test": "delivered", "list@example.test": "expanded"})
        self.assertEqual(len(os.listdir(self.mail.path("data/boxes/bob/new"))), 1)
        self.assertEqual(self.mail.log().count("sender delivery status notification"), 1)

    # --- from this host

    def sendmail(self, *arguments, check=True, text="Subject: hi\n\nbody\n"):
        return self.mail.run("sendmail", *arguments, input=text, check=check)

    def test_sendmail(self):
        self.sendmail("-f", "alice@example.test", "-N", "success, delay", "-R", "hdrs", "-V", "an id+", "x@dsn.test", "bob@box.test")
        report, = self.reports()
        self.assertEqual(report.actions(), {"bob@box.test": "delivered"})
        self.assertEqual(report.about["Original-Envelope-Id"], "an id+")
        self.assertEqual(self.dsn.said("MAIL"), ["MAIL FROM:<alice@example.test> RET=HDRS ENVID=an+20id+2B"])
        self.assertEqual(self.dsn.said("RCPT"), ["RCPT TO:<x@dsn.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@dsn.test"])
        self.sendmail("-t", "-f", "alice@example.test", "-N", "never", text="To: y@dsn.test\n\n")
        wait_until(lambda: "RCPT TO:<y@dsn.test> NOTIFY=NEVER ORCPT=rfc822;y@dsn.test" in self.dsn.said("RCPT"), "y has it")

    def test_sendmail_refuses(self):
        for arguments in (("-N", "never,success"), ("-N", "always"), ("-N", ""), ("-R", "some"), ("-V", "x" * 101), ("-V", "a\nb"), ("-V", "")):
            with self.subTest(arguments):
                self.assertEqual(self.sendmail("-f", "alice@example.test", *arguments, "bob@box.test", check=False).returncode, 64)

    def test_sendmail_as_a_server(self):
        dialogue = ("EHLO here.test\r\nMAIL FROM:<alice@example.test> RET=HDRS ENVID=bs1\r\n"
                    "RCPT TO:<x@dsn.test> NOTIFY=NEVER ORCPT=rfc822;X.X@dsn.test\r\nRCPT TO:<bob@box.test> NOTIFY=SUCCESS\r\n"
                    "DATA\r\nSubject: by -bs\r\n\r\n..x\r\n.\r\nQUIT\r\n")
        said = self.mail.run("sendmail", "-bs", input=dialogue).stdout
        self.assertIn("250 2.0.0 Ok: queued as", said)
        report, = self.reports()
        self.assertEqual(report.actions(), {"bob@box.test": "delivered"})
        self.assertEqual(report.about["Original-Envelope-Id"], "bs1")
        wait_until(lambda: self.dsn.said("RCPT") == ["RCPT TO:<x@dsn.test> NOTIFY=NEVER ORCPT=rfc822;X.X@dsn.test"], "x has it")

    def test_requeued(self):
        """postsuper -r: what was asked for stays, and who has it does not get it again."""
        self.send({"list@example.test": ["NOTIFY=SUCCESS"], "x@later.test": ["NOTIFY=NEVER", "ORCPT=rfc822;First@later.test"]}, ["ENVID=again"])
        queue_id = self.mail.wait_for_log(r"(\w+): to=<x@later.test>.*status=deferred")[1]
        self.mail.wait_for_log("sender delivery status notification")
        shown = self.mail.run("postcat", "-qe", queue_id).stdout
        for line in ("named_attribute: envelope_id=again", "named_attribute: notify_flags=1", "named_attribute: expanded_recipient=list@example.test",
                     "named_attribute: dsn_orig_rcpt=rfc822;First@later.test", "recipient: x@later.test", "sender: alice@example.test"):
            self.assertIn(line, shown)
        self.mail.run("postsuper", "-r", queue_id)
        self.sendmail("-f", "alice@example.test", "y@away.test")  # wakes pickup
        again = self.mail.wait_for_log(rf"((?!{queue_id})\b\w+): to=<x@later.test>.*status=deferred", seconds=90)[1]
        shown = self.mail.run("postcat", "-qe", again).stdout
        self.assertIn("named_attribute: dsn_orig_rcpt=rfc822;First@later.test", shown)
        self.assertNotIn("list@example.test", shown)


class BesidePostfix(unittest.TestCase):
    """The same to Debian's Postfix: what it answers, passes on and reports, so do we."""

    def setUp(self):
        if not os.path.exists(POSTFIX) or os.getuid() != 0:
            self.skipTest("postfix is not installed, or this is not root")
        self.ports = Ports()
        self.port = self.ports.one()
        self.peers = {"relay.test": Peer(["PIPELINING"]), "dsn.test": Peer(["PIPELINING", "DSN"]), "lmtp.test": Peer(["PIPELINING"])}
        routes = [f"{domain} = {'lmtp:inet:' if domain == 'lmtp.test' else 'smtp:['}127.0.0.1{'' if domain == 'lmtp.test' else ']'}:{peer.port}"
                  for domain, peer in self.peers.items()] + ["away.test = discard:", "gone.test = error:5.1.1 no such place"]
        self.tables = {
            "transport_maps": "inline:{ " + " ".join("{" + route + "}" for route in routes) + " }",
            "virtual_alias_maps": "inline:{ {list@example.test = a@away.test, b@away.test} {one@example.test = c@away.test} }"}
        self.mail = Instance(main_cf=self.tables)
        self.mail.__enter__()
        base = self.mail.path("postfix")
        for folder in ("", "/etc", "/queue", "/data"):
            os.makedirs(base + folder, exist_ok=True)
        shutil.chown(base + "/data", "postfix")
        with open(base + "/etc/main.cf", "w") as out:
            out.write(f"""compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
maillog_file = {self.mail.path('log')}/postfix.log
maillog_file_prefixes = {self.mail.dir}
myhostname = postfix.example.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination = example.test
local_recipient_maps =
alias_maps =
smtpd_peername_lookup = no
smtpd_hard_error_limit = 1000
smtpd_soft_error_limit = 1000
mynetworks = 127.0.0.0/8
smtpd_reject_unlisted_recipient = no
""" + "".join(f"{name} = {value}\n" for name, value in self.tables.items()))
        with open(base + "/etc/master.cf", "w") as out:
            out.write(f"""127.0.0.1:{self.port} inet n - n - 10 smtpd
cleanup   unix  n  -  n  -  0  cleanup
rewrite   unix  -  -  n  -  -  trivial-rewrite
proxymap  unix  -  -  n  -  -  proxymap
qmgr      unix  n  -  n  300 1  qmgr
bounce    unix  -  -  n  -  0  bounce
defer     unix  -  -  n  -  0  bounce
trace     unix  -  -  n  -  0  bounce
error     unix  -  -  n  -  -  error
retry     unix  -  -  n  -  -  error
discard   unix  -  -  n  -  -  discard
smtp      unix  -  -  n  -  -  smtp
lmtp      unix  -  -  n  -  -  lmtp
anvil     unix  -  -  n  -  1  anvil
postlog   unix-dgram n - n - 1  postlogd
""")
        self.config = base + "/etc"
        subprocess.run([POSTFIX, "-c", self.config, "start"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def tearDown(self):
        subprocess.run([POSTFIX, "-c", self.config, "abort"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.mail.__exit__(None, None, None)
        self.ports.release()
        for peer in self.peers.values():
            peer.close()

    def client(self):
        def connect():
            try:
                return smtplib.SMTP("127.0.0.1", self.port, timeout=30)
            except OSError:
                return None
        return wait_until(connect, "postfix answers")

    def test_parameters(self):
        with self.client() as client:
            client.ehlo("client.test")
            self.assertTrue(client.has_extn("dsn"))
            for parameters, wanted in Dsn.MAIL_PARAMETERS.items():
                with self.subTest(parameters):
                    code, reply = client.docmd("MAIL", f"FROM:<a@b.test> {parameters}")
                    client.rset()
                    self.assertEqual(code, wanted, reply)
        with self.client() as client:
            client.ehlo("client.test")
            client.mail("a@b.test")
            for parameters, wanted in Dsn.RCPT_PARAMETERS.items():
                with self.subTest(parameters):
                    code, reply = client.docmd("RCPT", f"TO:<alice@example.test> {parameters}")
                    client.rset()
                    client.mail("a@b.test")
                    self.assertEqual(code, wanted, reply)

    ASKED = {
        "list@example.test": ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;The+2BList@example.test"], "one@example.test": ["NOTIFY=SUCCESS"],
        "x@relay.test": ["NOTIFY=SUCCESS"], "y@relay.test": [], "x@dsn.test": ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;First@dsn.test"],
        "y@dsn.test": [], "z@dsn.test": ["NOTIFY=NEVER"], "refused@dsn.test": ["NOTIFY=SUCCESS,FAILURE"], "x@lmtp.test": ["NOTIFY=SUCCESS"],
        "x@away.test": ["NOTIFY=SUCCESS"], "x@gone.test": ["NOTIFY=SUCCESS"], "y@gone.test": ["NOTIFY=FAILURE,DELAY"], "z@gone.test": ["NOTIFY=NEVER"],
    }

    def what_comes_of_it(self, client):
        """The reports to the sender, who is at dsn.test, and what the peers were told."""
        for peer in self.peers.values():
            peer.commands, peer.messages = [], []
        with client:
            client.ehlo("client.test")
            client.mail("sender@dsn.test", ["RET=FULL", "ENVID=QQ+2B31"])
            for address, parameters in self.ASKED.items():
                self.assertEqual(client.rcpt(address, parameters)[0], 250)
            self.assertEqual(client.data("Subject: hi\r\n\r\nbody\r\n")[0], 250)
        sink = self.peers["dsn.test"]
        def reports():
            return [Report(one) for one in sink.messages if one.get_content_type() == "multipart/report"]
        wait_until(lambda: len(reports()) == 2 and all(peer.messages for peer in self.peers.values()), "two reports, and the mail")
        found = sorted((sorted(one.actions().items()), sorted(one.originals().items()), one.about["Original-Envelope-Id"],
                        one.returned.get_content_type()) for one in reports())
        told = {domain: sorted(" ".join(sorted(line.split(" "))) for line in peer.said("MAIL") + peer.said("RCPT"))
                for domain, peer in self.peers.items()}
        return found, told

    def test_reports(self):
        ours, we_told = self.what_comes_of_it(self.mail.smtp())
        theirs, they_told = self.what_comes_of_it(self.client())
        self.maxDiff = None
        self.assertEqual(ours, theirs)
        size = re.compile(r" ?SIZE=\d+")
        self.assertEqual({domain: [size.sub("", line) for line in lines] for domain, lines in we_told.items()},
                         {domain: [size.sub("", line) for line in lines] for domain, lines in they_told.items()})


if __name__ == "__main__":
    unittest.main()
