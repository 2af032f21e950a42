#!/usr/bin/env python3
"""Malleposte beside Postfix on the same disk, in turns: messages per second and CPU per message.

  compare.py FOLDER [--runs 3] [--messages 3000] [--bytes 1024]

FOLDER should lie on a journaled file system (a loop-mounted ext4 will do): a queue on anything else measures something
else. Needs root, Debian's package postfix (smtp-source and smtp-sink come with it), and a release build. Both sides
answer 250 only after fsync; both run with settings of an administrator who wants throughput. Prints a line for each run
and a table of medians; nothing is left behind but the folders below FOLDER.

  accept    until the last 250: recipients that are put on hold, so nothing but the intake
  relay     to an smtp-sink on loopback, until it has taken every message
  maildir   to users in Maildirs, until all files are there: Postfix by virtual(8), Malleposte over LMTP
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("MALLEPOSTE_BUILD", os.path.join(HERE, "..", "..", "build", "release"))
SESSIONS = 10
USERS = 10
SINK = 30126


def cpu_seconds(master):
    """CPU of a process tree, ended children included."""
    times, parents = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(entry)] = int(fields[1])
        times[int(entry)] = sum(int(fields[i]) for i in (11, 12, 13, 14))
    total = 0
    for pid, ticks in times.items():
        walk = pid
        while walk and walk != master:
            walk = parents.get(walk, 0)
        total += ticks if walk == master else 0
    return total / os.sysconf("SC_CLK_TCK")


class Postfix:
    name = "postfix"
    port = 30025

    def __init__(self, folder):
        self.dir = os.path.join(folder, "postfix")

    def start(self):
        for part in ("", "/etc", "/queue", "/data", "/mail"):
            os.makedirs(self.dir + part, exist_ok=True)
        shutil.chown(self.dir + "/data", "postfix")
        os.chown(self.dir + "/mail", 65534, 65534)
        mailboxes = " ".join(f"{{u{i}@local.test=u{i}/}}" for i in range(USERS))
        with open(self.dir + "/etc/main.cf", "w") as f:
            f.write(f"""compatibility_level = 3.6
queue_directory = {self.dir}/queue
data_directory = {self.dir}/data
maillog_file = {self.dir}/mail.log
maillog_file_prefixes = {self.dir}
myhostname = postfix.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_host_lookup = native
alias_maps =
alias_database =
mydestination =
relay_domains = hold.test, sink.test
smtpd_recipient_restrictions = check_recipient_access inline:{{ hold.test=HOLD }}
transport_maps = inline:{{ {{sink.test=smtp:[127.0.0.1]:{SINK}}} }}
virtual_mailbox_domains = local.test
virtual_mailbox_base = {self.dir}/mail
virtual_mailbox_maps = inline:{{ {mailboxes} }}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
in_flow_delay = 0
initial_destination_concurrency = 20
default_destination_concurrency_limit = 50
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
max_use = 1000
smtp_connection_cache_destinations = [127.0.0.1]:{SINK}
""")
        with open(self.dir + "/etc/master.cf", "w") as f:
            f.write(f"127.0.0.1:{self.port} inet n - n - 200 smtpd\n")
            for row in ("pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
                        "tlsmgr unix - - n 1000? 1 tlsmgr", "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
                        "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "flush unix n - n 1000? 0 flush",
                        "proxymap unix - - n - - proxymap", "smtp unix - - n - - smtp", "showq unix n - n - - showq",
                        "error unix - - n - - error", "retry unix - - n - - error", "virtual unix - n n - - virtual",
                        "anvil unix - - n - 1 anvil", "scache unix - - n - 1 scache", "postlog unix-dgram n - n - 1 postlogd"):
                f.write(row + "\n")
        subprocess.run(["postfix", "-c", self.dir + "/etc", "start"], check=True, stderr=subprocess.DEVNULL)
        self.master = int(open(self.dir + "/queue/pid/master.pid").read())

    def stop(self):
        subprocess.run(["postfix", "-c", self.dir + "/etc", "stop"], stderr=subprocess.DEVNULL)

    def empty(self):
        subprocess.run(["postsuper", "-c", self.dir + "/etc", "-d", "ALL", "hold"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def new_mail(self, user):
        return f"{self.dir}/mail/{user}/new"


class Malleposte:
    name = "malleposte"
    port = 31025

    def __init__(self, folder):
        self.dir = os.path.join(folder, "malleposte")
        self.tool = lambda name: os.path.join(BUILD, "sbin", name)

    def start(self):
        if not os.path.exists(self.dir + "/etc/main.cf"):
            users = [word for i in range(USERS) for word in ("--user", f"u{i}:pw")]
            subprocess.run([self.tool("malleposte"), "init", self.dir, "--domain", "local.test", "--port-base", "31000", *users],
                           check=True, stdout=subprocess.DEVNULL)
            with open(self.dir + "/etc/main.cf", "a") as f:
                f.write(f"""relay_domains = hold.test, sink.test
smtpd_recipient_restrictions = check_recipient_access inline:{{ hold.test=HOLD }}
transport_maps = inline:{{ {{sink.test=smtp:[127.0.0.1]:{SINK}}} }}
initial_destination_concurrency = 20
default_destination_concurrency_limit = 50
smtpd_peername_lookup = no
""")
        subprocess.run([self.tool("malleposte"), "-c", self.dir + "/etc", "start"], check=True, stderr=subprocess.DEVNULL)
        self.master = int(open(self.dir + "/spool/pid/master.pid").read())

    def stop(self):
        subprocess.run([self.tool("malleposte"), "-c", self.dir + "/etc", "stop"], stderr=subprocess.DEVNULL)

    def empty(self):
        subprocess.run([self.tool("postsuper"), "-c", self.dir + "/etc", "-d", "ALL", "hold"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def new_mail(self, user):
        return f"{self.dir}/mail/{user}/Maildir/new"


def source(port, recipient, sessions, messages, reuse, options):
    command = ["smtp-source", "-s", str(sessions), "-m", str(messages), "-l", str(options.bytes), "-f", "load@client.test", "-t", recipient]
    return subprocess.Popen(command + (["-d"] if reuse else []) + [f"127.0.0.1:{port}"])


def count(folders):
    return sum(len(os.listdir(folder)) for folder in folders if os.path.isdir(folder))


def measure(side, work, sessions, reuse, options):
    """One run: (messages per second, CPU milliseconds per message)."""
    folders = [side.new_mail(f"u{i}") for i in range(USERS)]
    have = count(folders)
    sink = None
    if work == "relay":
        sink = subprocess.Popen(["smtp-sink", "-u", "nobody", "-c", "-m", "1000", "-M", str(options.messages), f"127.0.0.1:{SINK}", "1000"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    cpu, start = cpu_seconds(side.master), time.monotonic()
    if work == "maildir":
        clients = [source(side.port, f"u{i}@local.test", 1, options.messages // USERS, reuse, options) for i in range(USERS)]
    else:
        domain = {"accept": "hold.test", "relay": "sink.test"}[work]
        clients = [source(side.port, "u0@" + domain, sessions, options.messages, reuse, options)]
    if any(client.wait() for client in clients):
        sys.exit(f"{side.name}: a client failed")
    if sink and sink.wait() != 0:
        sys.exit("smtp-sink failed")
    while work == "maildir" and count(folders) - have < options.messages // USERS * USERS:
        time.sleep(0.02)
    took, cpu = time.monotonic() - start, cpu_seconds(side.master) - cpu
    if work == "accept":
        side.empty()
    return options.messages / took, cpu / options.messages * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--bytes", type=int, default=1024)
    parser.add_argument("--only", choices=["accept", "relay", "maildir"], help="this kind of work alone")
    options = parser.parse_args()
    sides = [Postfix(options.folder), Malleposte(options.folder)]
    os.makedirs(options.folder, exist_ok=True)
    os.chmod(options.folder, 0o755)
    rows = []
    try:
        for side in sides:
            side.start()
        for work, sessions, reuse in (("accept", 10, False), ("accept", 10, True), ("accept", 100, False), ("accept", 100, True),
                                      ("relay", 100, False), ("maildir", 10, False)):
            if options.only not in (None, work):
                continue
            results = {side.name: [] for side in sides}
            for _ in range(options.runs):
                for side in sides:
                    results[side.name].append(measure(side, work, sessions, reuse, options))
            median = {name: [statistics.median(values) for values in zip(*runs)] for name, runs in results.items()}
            rows.append((work, sessions, "many" if reuse else "1", median["postfix"], median["malleposte"]))
            row = rows[-1]
            print(f"| {row[0]} | {row[1]} | {row[2]} | {row[3][0]:.0f}/s, {row[3][1]:.2f} ms | {row[4][0]:.0f}/s, {row[4][1]:.2f} ms | "
                  f"{row[4][0] / row[3][0]:.1f}x, {row[4][1] / row[3][1]:.2f} |", flush=True)
    finally:
        for side in sides:
            side.stop()


if __name__ == "__main__":
    main()
