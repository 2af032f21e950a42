#!/usr/bin/env python3
"""What smtpd accepts each second with SPF, DKIM, ARC and DMARC asked about, and without.

  mail_auth_bench.py [--messages 2000] [--runs 3]

Messages of 10 KB with one RSA-2048 signature, by Postfix's smtp-source over 20 sessions; the DNS is knot on loopback, behind the cache
of lib/dns. Delivery is discard, so that little but the intake is measured; the queue is wherever the temporary folder is. Runs with
and without take turns. Needs a release build, and Debian's packages postfix and knot.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
os.environ.setdefault("MALLEPOSTE_BUILD", os.path.join(HERE, "..", "..", "build", "release"))
from instance import Instance, Ports, program

ON = {"spf_policy": "enforce", "dkim_policy": "tag", "dmarc_policy": "enforce"}


def start_knot(folder, port, key_record):
    os.makedirs(os.path.join(folder, "db"))
    with open(os.path.join(folder, "test.zone"), "w") as f:
        f.write("$TTL 3600\ntest. SOA ns.test. hostmaster.test. 1 3600 600 86400 60\ntest. NS ns.test.\nns.test. A 127.0.0.1\n"
                'author.test. TXT "v=spf1 ip4:127.0.0.1 -all"\n_dmarc.author.test. TXT "v=DMARC1; p=reject"\n'
                f'helo.test. TXT "v=spf1 ip4:127.0.0.1 -all"\n{key_record}\n')
    configuration = os.path.join(folder, "knot.conf")
    with open(configuration, "w") as f:
        f.write(f"server:\n  rundir: {folder}\n  listen: 127.0.0.1@{port}\nlog:\n  - target: stderr\n    any: critical\n"
                f"database:\n  storage: {folder}/db\nzone:\n  - domain: test\n    file: {folder}/test.zone\n    zonefile-sync: -1\n"
                "    journal-content: none\n")
    return subprocess.Popen(["/usr/sbin/knotd", "-c", configuration])


def accepted(folder, port, messages, settings):
    """Messages a second, after a warming-up that does not count."""
    with Instance(main_cf={"mynetworks": "192.0.2.0/24", "dns_resolver_forwarders": f"127.0.0.1:{port}", "smtpd_peername_lookup": "no",
                           "transport_maps": "inline:{{example.test=discard:}}", **settings}) as mail:
        for count in (messages // 10, messages):
            began = time.monotonic()
            subprocess.run(["/usr/sbin/smtp-source", "-s", "20", "-m", str(count), "-F", os.path.join(folder, "message"), "-f",
                            "ann@author.test", "-t", "alice@example.test", "-M", "helo.test", f"127.0.0.1:{mail.port['smtp']}"], check=True)
            rate = count / (time.monotonic() - began)
        verdicts = mail.log().count("dkim=pass (author.test) arc=none dmarc=pass")
        if verdicts != (messages + messages // 10 if settings else 0):
            raise SystemExit(f"only {verdicts} messages got their verdict: nothing was measured")
        return rate


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="malleposte-bench.")
    made = subprocess.run([program("mailauth"), "keygen", "--domain", "author.test", "--selector", "s", "--directory", folder],
                          stdout=subprocess.PIPE, text=True, check=True)
    text = "From: Ann <ann@author.test>\r\nTo: alice@example.test\r\nSubject: speed\r\nDate: Sun, 22 Nov 2026 01:02:03 +0000\r\n" \
           "Message-ID: <1@author.test>\r\n\r\n" + ("x" * 76 + "\r\n") * 128
    signed = subprocess.run([program("mailauth"), "sign", "--domain", "author.test", "--key", f"s={folder}/s.author.test.key", "--message"],
                            input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    with open(os.path.join(folder, "message"), "wb") as f:
        f.write(signed.replace(b"\r\n", b"\n"))
    ports = Ports()
    port = ports.one()
    knot = start_knot(folder, port, made.stdout.strip().split("\n")[-1])
    rates = {"without": [], "with": []}
    try:
        for _ in range(options.runs):
            for name, settings in (("without", {}), ("with", ON)):
                rates[name].append(accepted(folder, port, options.messages, settings))
                print(f"{name}: {rates[name][-1]:.0f} messages/s", flush=True)
    finally:
        knot.terminate()
        knot.wait()
        ports.release()
        shutil.rmtree(folder)
    without, with_all = statistics.median(rates["without"]), statistics.median(rates["with"])
    print(f"medians: {without:.0f} without, {with_all:.0f} with: {100 * with_all / without:.0f} %")


if __name__ == "__main__":
    main()
