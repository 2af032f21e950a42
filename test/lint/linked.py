#!/usr/bin/env python3
"""What a program must not contain, whatever its sources include: looked up in the symbols of what was linked.

  linked.py BUILD_FOLDER     prints FILE: what it contains and must not; exit status 1 if there is anything

Who talks to strangers before they have logged in has neither mailboxes nor scripts in reach; what is root has no session, which
reads what users send, and what forks sessions is told by its main() which.
"""

import os
import re
import subprocess
import sys

SESSIONS = ["imapd", "managesieved"]
SIEVE = ["sieve", "scripts", "sieve_delivery", "imapsieve"]
MAILBOXES = ["store", "account", "lmtp_store"]

# File of the build folder: namespaces of which it may contain no symbol.
FORBIDDEN = {
    "libexec/malleposte/login": MAILBOXES + SIEVE + SESSIONS + ["sessions", "queue"],
    "libexec/malleposte/auth": MAILBOXES + SIEVE + SESSIONS + ["sessions", "queue"],
    "libexec/malleposte/lmtpd": MAILBOXES + SIEVE + SESSIONS + ["sessions"],
    "libexec/malleposte/lmtp-store": SESSIONS + SIEVE + ["sessions"],
    "libexec/malleposte/sieve-delivery": SESSIONS + ["imapsieve"],
    "libexec/malleposte/managesieved": ["imapd", "imapsieve", "sieve_delivery"],
    # The root half of imapd and managesieved; undefined symbols count here too.
    "imapd/sessions/libsessions_parts.a": SESSIONS + SIEVE + ["imap", "managesieve"],
    # A session can be had without the half that is root, and without Sieve.
    "imapd/imap/libimapd_parts.a": SIEVE + ["managesieved"],
}


def symbols_of(path):
    result = subprocess.run(["nm", "--demangle", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return [line.split(None, 2)[-1] if line[:1] != " " else line.split(None, 1)[-1] for line in result.stdout.split("\n") if line]


def found_in(symbols, namespaces):
    """One symbol for each namespace of which there is any."""
    found = {}
    for symbol in symbols:
        for namespace in namespaces:
            if namespace not in found and re.search(rf"(?<![\w:]){namespace}::", symbol):
                found[namespace] = symbol
    return found


def main(build):
    problems = []
    for name, namespaces in FORBIDDEN.items():
        path = os.path.join(build, name)
        symbols = symbols_of(path) if os.path.exists(path) else []
        if not symbols:
            problems.append(f"{name}: it is not there, or has no symbols to look at")
        for namespace, symbol in found_in(symbols, namespaces).items():
            problems.append(f"{name}: contains {namespace}::, for example {symbol[:150]}")
    print("\n".join(problems) if problems else "nothing is linked where it must not be")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
