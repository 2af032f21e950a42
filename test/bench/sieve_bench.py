#!/usr/bin/env python3
"""A 500-rule script over 10 KB messages: ours in process, and Debian's sieve-filter over a Maildir of many.

  sieve_bench.py [--rules 500] [--messages 2000]

Needs `ninja sieve_bench` in $MALLEPOSTE_BUILD (a release build), and for the comparison Debian's package dovecot-sieve.
sieve-filter, unlike sieve-test, takes many messages in one process: its time per message is the difference between a mailbox
of all and a mailbox of one, so that start and compilation do not count. Two scripts: `headers` tests header fields only,
`mixed` every tenth rule the decoded text of the body. No rule of either matches, so every test is evaluated.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("MALLEPOSTE_BUILD", os.path.join(HERE, "..", "..", "build", "release"))


def script(rules, body):
    lines = ['require ["fileinto", "body", "envelope", "imap4flags"];']
    for i in range(rules):
        tests = [f'header :contains "subject" ["ticket-{i}-a", "ticket-{i}-b"]', f'address :is "from" "user{i}@lists{i % 50}.example.test"',
                 f'header :is "list-id" "<list{i}.lists.example.test>"', f'header :matches "subject" "*[project-{i}]*"',
                 f'address :domain :is ["to", "cc"] "dept{i}.example.test"']
        test = f'body :text :contains "reference number {i}-x"' if body and i % 10 == 0 else tests[i % len(tests)]
        lines.append(f'if {test} {{\n    fileinto "Folder{i}";\n    stop;\n}}')
    return "\n".join(lines) + "\n"


def message():
    head = "".join(f"Received: from relay{i}.example.test by mx{i}.example.test with ESMTP; Mon, 20 Jul 2026 21:44:{i:02} +0200\n"
                   for i in range(8))
    head += ("From: Alice Example <alice@example.test>\nTo: bob@example.test, carol@sub.example.test\nCc: dev@lists.example.test\n"
             "Subject: Minutes of the [project-x] meeting and what comes next\nDate: Mon, 20 Jul 2026 21:44:43 +0200\n"
             "Message-ID: <1234@example.test>\nList-Id: <dev.lists.example.test>\nMIME-Version: 1.0\n"
             "Content-Type: text/plain; charset=utf-8\n\n")
    line = "The quick brown fox jumps over the lazy dog while nobody looks.\n"
    return head + line * ((10240 - len(head)) // len(line))


def sieve_filter(folder, script_file, content, count):
    """Seconds for one process over `count` messages."""
    mail = os.path.join(folder, f"mail{count}")
    if not os.path.isdir(mail):
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(mail, sub))
        for i in range(count):
            with open(os.path.join(mail, "cur", f"{1000000 + i}.M1P1.host:2,"), "w") as out:
                out.write(content)
    config = os.path.join(folder, f"dovecot{count}.conf")
    with open(config, "w") as out:
        out.write(f"protocols =\nmail_location = maildir:{mail}\nmail_home = {folder}\nmail_uid = mail\nmail_gid = mail\n"
                  "first_valid_uid = 0\nfirst_valid_gid = 0\nlog_path = /dev/stderr\nplugin {\n}\n")
    prefix = []
    if os.getuid() == 0:
        prefix = ["setpriv", "--reuid=mail", "--regid=mail", "--clear-groups"]
        subprocess.run(["chown", "-R", "mail:mail", folder], check=True)
    times = []
    for _ in range(4):          # the first builds the mailbox's index
        begin = time.monotonic()
        result = subprocess.run([*prefix, "sieve-filter", "-c", config, script_file, "INBOX"], capture_output=True, text=True)
        times.append(time.monotonic() - begin)
        if result.returncode != 0:
            raise RuntimeError(result.stderr)
    return min(times[1:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rules", type=int, default=500)
    parser.add_argument("--messages", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        message_file = os.path.join(folder, "message.eml")
        with open(message_file, "w") as out:
            out.write(message())
        for name, body in (("headers", False), ("mixed", True)):
            script_file = os.path.join(folder, f"{name}.sieve")
            with open(script_file, "w") as out:
                out.write(script(options.rules, body))
            print(f"{name}: {options.rules} rules")
            subprocess.run([os.path.join(BUILD, "test", "sieve_bench"), script_file, message_file, "2000"], check=True)
            if shutil.which("sieve-filter") is None:
                print("sieve-filter is not installed: no comparison")
                continue
            many = sieve_filter(folder, script_file, message(), options.messages)
            one = sieve_filter(folder, script_file, message(), 1)
            print(f"sieve-filter: {options.messages} messages in {many:.3f} s, one in {one:.3f} s: "
                  f"{(many - one) * 1000 / (options.messages - 1):.4f} ms a message")


if __name__ == "__main__":
    main()
