"""A day's results of DMARC become a report: counted, allowed by the other domain, sent through the queue, and readable."""

import email
import os
import re
import socket
import struct
import time
import unittest

from instance import Instance, wait_until

DAY = 86400


def text(value):
    value = value if isinstance(value, bytes) else str(value).encode()
    return struct.pack(">I", len(value)) + value


def fields(record):
    return b"".join(text(name) + encoded(value) for name, value in record.items())


def encoded(value):
    """A value as lib/ipc/record.h writes it."""
    if isinstance(value, list):
        return struct.pack(">I", len(value)) + b"".join(encoded(item) for item in value)
    return fields(value) if isinstance(value, dict) else text(value)


def observation(when, domain, client, report_to, result="pass"):
    content = text("dmarc_observation/1") + fields({
        "time": when,
        "policy": {"domain": domain, "p": "reject", "sp": "", "np": "", "adkim": "r", "aspf": "r", "percent": 100, "testing": "",
                   "discovery_method": "psl", "fo": "0",
                   "report_to": [{"address": address, "max_octets": 0} for address in report_to]},
        "row": {"source_ip": client, "disposition": "none" if result == "pass" else "reject", "dkim": result, "spf": "fail",
                "reasons": [], "envelope_from": domain, "header_from": domain,
                "dkim_results": [{"domain": domain, "selector": "s", "result": result}],
                "spf_domain": domain, "spf_scope": "mfrom", "spf_result": "fail"}})
    return struct.pack(">I", len(content)) + content


class Reports(unittest.TestCase):
    def test_a_day(self):
        with Instance(main_cf={"dmarc_report_send": "yes", "dns_resolver_forwarders": "127.0.0.1:1", "dns_timeout": "1s"},
                      start=False) as mail:
            # Every two seconds instead of every hour.
            with open(mail.path("etc/master.cf")) as rows:
                content = rows.read()
            changed = re.sub(r"(?m)^(dmarc-report .*?) 3600 ", r"\1 2    ", content)
            self.assertNotEqual(changed, content)
            with open(mail.path("etc/master.cf"), "w") as rows:
                rows.write(changed)
            mail.start()
            yesterday = int(time.time()) // DAY * DAY - DAY + 60
            today = int(time.time())
            path = mail.path("spool/private/dmarc-report")
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                for _ in range(7):
                    client.sendall(observation(yesterday, "example.test", "192.0.2.1", ["alice@example.test"]))
                client.sendall(observation(yesterday, "example.test", "192.0.2.2", ["alice@example.test"], "fail"))
                client.sendall(observation(today, "example.test", "192.0.2.3", ["alice@example.test"]))
                # Somebody else's mailbox, whose domain was never asked; the DNS is down, so it waits.
                client.sendall(observation(yesterday, "evil.test", "192.0.2.4", ["bob@victim.test"]))
                client.shutdown(socket.SHUT_WR)
                client.recv(1)
            message = wait_until(lambda: mail.messages("alice"), "the report has arrived")[0]
            with open(message, "rb") as opened:
                parsed = email.message_from_bytes(opened.read())
            self.assertRegex(" ".join(parsed["Subject"].split()), r"^Report Domain: example.test Submitter: example.test Report-ID: <\w+>$")
            self.assertEqual(parsed["From"], "dmarc-report@example.test")
            shown = mail.run("mailauth", "report", "show", message).stdout
            self.assertIn("report=aggregate\n", shown)
            self.assertIn("report.messages: 8\nreport.passed: 7\nreport.failed: 1\n", shown)
            self.assertIn("       7 192.0.2.1 none dkim=pass spf=fail from=example.test", shown)
            self.assertIn("       1 192.0.2.2 reject dkim=fail", shown)
            self.assertNotIn("192.0.2.3", shown)
            mail.wait_for_log(r"DMARC report for evil.test: not to bob@victim.test: evil.test._report._dmarc.victim.test: ")
            time.sleep(5)
            self.assertEqual(len(mail.messages("alice")), 1)
            self.assertTrue(os.path.exists(mail.path("data/dmarc/data.mdb")))


if __name__ == "__main__":
    unittest.main()
