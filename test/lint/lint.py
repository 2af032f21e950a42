#!/usr/bin/env python3
"""The house's rules, as far as a program can see them.

  lint.py SOURCE_FOLDER      prints file:line: what is wrong; exit status 1 if anything is

  co_await   stands alone: `co_await x;`, `T v = co_await x;`, `v = co_await x;`, `co_return co_await x;`, without
             braces or a lambda inside (g++ 12 miscompiles other spellings; see lib/event/task.h)
  layers     programs include lib/ and their own folder; a library includes only those below it
  rooms      an arrow between two rooms of a folder goes one way, and only where ROOMS has it
  services   who talks to a service does it by lib/ipc: nobody else connects and keeps the connection by hand
  storage    nothing but lib/store/maildir knows a Maildir; the two tables that choose a kind of storage include it
  codes      every response code that IMAP's rooms say is brought by a row of lib/imap/extension.cc
  headers    begin with their own path and a sentence, and say #pragma once
  readmes    every room and every library has a README.md
  unfinished words that mark work left undone
  envelope   what lib/envelope names is named nowhere else: records and files hold its types (ENVELOPE_ELSEWHERE: what may)
  queue      nobody but lib/queue names the folders of the queue; a word that only looks like one stands in QUEUE_WORDS
  hand       one comment mark (//), and what .clang-format says: braces, access labels, blanks
  pages      every manual page passes mandoc -T lint
"""

import os
import re
import shutil
import subprocess
import sys

ROOT = "."  # set by main()
PROGRAMS = ["master", "smtpd", "cleanup", "qmgr", "local", "lmtp", "imapd"]
# Lowest first; a library may include those before it.
LAYERS = ["text", "time", "file", "fields", "envelope", "log", "event", "question", "config", "command", "ipc", "queue", "worker", "delivery",
          "dict", "dns", "message", "dsn", "smtp", "imap", "managesieve", "sasl", "userdb", "address", "authres", "spf", "dkim", "dmarc",
          "sieve", "store"]

# Each room, and the rooms of the same folder whose headers it may include. A file belongs to the deepest room that it lies in.
# The table itself may have no cycle. imapd/ is no room: nothing lies loose there.
ROOMS = {
    "master": [],
    "master/tools/all_params": [],
    "master/tools/malleposte": ["master", "master/tools/all_params"],
    "master/tools/postconf": ["master/tools/all_params"],
    "master/tools/postmap": [],
    "smtpd": ["smtpd/authentication"],  # commands/ and restrictions/ are parts of it
    "smtpd/authentication": [],
    "smtpd/dmarc_report": [],
    "smtpd/tools/mailauth": ["smtpd/authentication"],
    "cleanup": [],
    "cleanup/pickup": [],
    "cleanup/signer": [],
    "cleanup/tools": [],
    "qmgr": [],
    "qmgr/bounce": [],
    "qmgr/showq": [],
    "qmgr/tools": ["qmgr/showq"],
    "lmtp": [],
    "local": [],
    "imapd/account": [],
    "imapd/auth": [],
    "imapd/login": [],
    "imapd/sessions": ["imapd/account"],
    "imapd/lmtp/lmtpd": [],
    "imapd/lmtp/store": ["imapd/account"],
    "imapd/sieve/scripts": ["imapd/account"],
    "imapd/sieve/delivery": ["imapd/account", "imapd/sessions", "imapd/sieve/scripts"],
    "imapd/sieve/events": ["imapd/account", "imapd/sieve/scripts"],
    "imapd/imap": ["imapd/account", "imapd/sessions", "imapd/sieve/scripts", "imapd/sieve/events"],
    "imapd/managesieve": ["imapd/account", "imapd/sessions", "imapd/sieve/scripts"],
    "imapd/tools": ["imapd/account", "imapd/auth", "imapd/sieve/scripts", "imapd/sieve/delivery"],
}

# Who may connect by himself: the kernel, the log, the one client of services, and the client of other hosts.
CONNECTS = ("lib/event/", "lib/ipc/", "lib/log/", "lmtp/")

# Names of the envelope that mean something else where they stand, or are shown to people there; each with the reason.
ENVELOPE_ELSEWHERE = {
    "lib/ipc/records/showq.h": "the listing for users: no client, no DSN values",
    "lib/ipc/records/sieve.h": "what a script sees of its one message, from LMTP",
    "lib/ipc/records/store.h": "the LMTP envelope of the mailbox half",
    "lib/queue/queue_file.h": "the preamble has the time of arrival once more, for who does not read the envelope",
}
# The folders of the queue, which only lib/queue knows as such; and where such a word means something else.
QUEUE_FOLDERS = {"incoming", "active", "deferred", "hold", "corrupt", "maildrop"}
QUEUE_WORDS = {
    ("lib/delivery/agent.cc", "deferred"): "status=deferred in the log",
    ("qmgr/tools/postcat.cc", "deferred"): "what became of a recipient",
    ("lib/sasl/auth_client.cc", "active"): "a flag of Dovecot's auth protocol",
    ("smtpd/session.cc", "hold"): "the action of an access table, in the log",
    ("smtpd/restrictions/list.cc", "hold"): "the same, in the record of a decision",
    ("smtpd/authentication/params.h", "hold"): "a value of mail_auth_quarantine",
    ("smtpd/authentication/policy.cc", "hold"): "a value of mail_auth_quarantine",
}
# Names too general to be anybody's own.
GENERAL_NAMES = {"name", "address", "port", "flags", "client", "recipient"}

problems = []


def problem(path, line, text):
    problems.append(f"{os.path.relpath(path, ROOT)}:{line}: {text}")


def sources(*endings):
    for folder in PROGRAMS + ["lib", "man", "test"]:
        for place, folders, names in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.join(place, name)


def without_comments_and_strings(text):
    """The code with comments and literals blanked, line numbers kept."""
    def blank(match):
        found = match.group(0)
        if found.startswith(("/", )):
            return re.sub(r"[^\n]", " ", found)
        return '""' if found.startswith('"') else "' '"
    pattern = r'R"\((?:.|\n)*?\)"|//[^\n]*|/\*(?:.|\n)*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group(0)) if m.group(0).startswith("R") else blank(m), text)


ALLOWED = re.compile(r"^(?:co_return\s+|(?:[\w:<>,&*\s\[\].()>-]*?=\s*))?co_await\s+[^?]*$", re.S)


def check_co_await(path, code):
    # Statements: what lies between ; { and }. A statement with braces inside its awaited expression is cut at the
    # brace, and then does not end in ";": that is how braces and lambdas show.
    start = 0
    for match in re.finditer(r"[;{}]", code):
        statement = code[start:match.start()].strip()
        line = code.count("\n", 0, match.start()) + 1
        start = match.end()
        if "co_await" not in statement:
            continue
        # The head of a loop or condition, or a label, in front of the statement proper.
        statement = re.sub(r"^(?:case\s+[^:]+:|default:|else\b|try\b)\s*", "", statement)
        head = re.match(r"^(?:if|while|for|switch)\s*", statement)
        if head:
            depth, end = 0, None
            for i, c in enumerate(statement[head.end():], head.end()):
                depth += c == "("
                depth -= c == ")"
                if depth == 0 and c == ")":
                    end = i
                    break
            if end is None or "co_await" in statement[:end]:
                problem(path, line, "co_await in a condition or loop head: name its result before")
                continue
            statement = statement[end + 1:].strip()
        if match.group(0) != ";":
            problem(path, line, "braces or a lambda inside an awaited expression: name them before")
        elif statement.count("co_await") > 1 or not ALLOWED.match(statement) or re.search(r"&&|\|\|", statement):
            problem(path, line, "co_await does not stand alone")
        elif re.match(r"^(?:const\s+)?auto\s*&{0,2}\s*\[", statement):
            problem(path, line, "structured binding of an awaited value")


def room_of(path, rooms):
    """The deepest room that this path, relative to the root, lies in; None if there is none."""
    folder = os.path.dirname(path)
    while folder:
        if folder in rooms:
            return folder
        folder = os.path.dirname(folder)
    return None


def cycle_in(rooms):
    """The rooms of a cycle of permitted arrows, in order; an empty list if there is none."""
    done = set()

    def walk(room, way):
        if room in way:
            return way[way.index(room):] + [room]
        if room in done:
            return []
        for other in rooms.get(room, []):
            found = walk(other, way + [room])
            if found:
                return found
        done.add(room)
        return []

    for room in rooms:
        found = walk(room, [])
        if found:
            return found
    return []


def check_arrow(path, number, relative, included):
    room, other = room_of(relative, ROOMS), room_of(included, ROOMS)
    if other is None:
        problem(path, number, f"{included} lies in no room of test/lint/lint.py")
    elif room is not None and other != room and other not in ROOMS[room]:
        problem(path, number, f"room {room} includes {included}, and may include only: {', '.join(ROOMS[room]) or 'itself'}")


def check_includes(path, text):
    relative = os.path.relpath(path, ROOT)
    parts = relative.split("/")
    own = relative.startswith(("lib/queue/", "test/unit/lib/queue/"))
    if parts[0] in PROGRAMS and room_of(relative, ROOMS) is None:
        problem(path, 1, "lies in no room of test/lint/lint.py")
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'#include "([^"]+)"', line)
        if not match:
            continue
        target = match.group(1).split("/")
        if parts[0] in PROGRAMS and target[0] in PROGRAMS and target[0] != parts[0]:
            problem(path, number, f"{parts[0]} includes {match.group(1)}: programs meet in lib/ipc/records")
        if parts[0] in PROGRAMS and target[0] == parts[0]:
            check_arrow(path, number, relative, match.group(1))
        if parts[0] == "lib" and target[0] in PROGRAMS:
            problem(path, number, f"a library includes a program's {match.group(1)}")
        if parts[0] == "lib" and target[0] == "lib" and target[1] != parts[1]:
            if parts[1] not in LAYERS or target[1] not in LAYERS:
                problem(path, number, "a library that has no place in the layers of test/lint/lint.py")
            elif LAYERS.index(target[1]) > LAYERS.index(parts[1]):
                problem(path, number, f"lib/{parts[1]} includes lib/{target[1]}, which is above it")
        if match.group(1) == "lib/queue/files.h" and not own:
            problem(path, number, "lib/queue/files.h is lib/queue's own: claims are for everybody else")
        if re.search(r"event2/", line) and not relative.startswith("lib/event/"):
            problem(path, number, "libevent is included outside lib/event")


def check_connections(path, code):
    relative = os.path.relpath(path, ROOT)
    if relative.startswith(("test/", *CONNECTS)):
        return
    for match in re.finditer(r"\bevent::connect\s*\(|(?<![\w:])::connect\s*\(|\bconnect_service\s*\(", code):
        # A command has one talk with a service and ends.
        if "connect_service" in match.group(0) and "/tools/" in relative:
            continue
        line = code.count("\n", 0, match.start()) + 1
        problem(path, line, "a connection kept by hand: lib/ipc/service_link.h names the three ways to talk to a service")


# Who may include lib/store/maildir/: the tables of the kinds of storage. A name of a kind is said where an administrator reads it.
KINDS_OF_STORAGE = ["lib/store/storage.cc", "lib/store/drop.cc"]
NAMES_A_KIND = re.compile(r"(^|/)params\.h$|_params\.h$|^master/tools/malleposte/templates\.cc$")


def without_comments(text):
    pattern = r'R"\((?:.|\n)*?\)"|//[^\n]*|/\*(?:.|\n)*?\*/|"(?:\\.|[^"\\\n])*"'
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group(0)) if m.group(0).startswith("/") else m.group(0), text)


def check_storage(path, text):
    relative = os.path.relpath(path, ROOT)
    if relative.startswith(("test/", "man/", "lib/store/maildir/")) or NAMES_A_KIND.search(relative):
        return
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        if re.match(r'#include "lib/store/maildir/', line):
            if relative not in KINDS_OF_STORAGE:
                problem(path, number, "a kind of storage is included outside of its folder: only lib/store/storage.cc and drop.cc choose one")
        elif not relative.startswith("lib/store/") and re.search("maildir", line, re.I):
            problem(path, number, "code above lib/store knows that mail lies in a Maildir")


RESPONSE_CODE = re.compile(r'"(?:[^"\\]|\\.)*?\[([A-Z][A-Z0-9-]+)[ \]](?:[^"\\]|\\.)*"')


def known_codes():
    """The words that the table of IMAP extensions brings as response codes; None where there is no such table."""
    path = os.path.join(ROOT, "lib/imap/extension.cc")
    if not os.path.exists(path):
        return None
    with open(path) as f:
        lists = re.findall(r'\.code\s*=\s*((?:"[^"]*"\s*)+)', f.read())
    return {word for text in lists for word in re.findall(r"[A-Z][A-Z0-9-]+", text)}


def check_codes(path, text, known):
    relative = os.path.relpath(path, ROOT)
    if known is None or not relative.startswith(("imapd/imap/", "imapd/login/session", "imapd/login/pre_login")):
        return
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        for code in RESPONSE_CODE.findall(line):
            # BODY[HEADER] and its like are no codes.
            if code not in known and not re.search(r"BODY(\.PEEK)?\[" + code, line):
                problem(path, number, f"[{code}] is a response code that no row of lib/imap/extension.cc brings")


def check_header(path, text):
    relative = os.path.relpath(path, ROOT)
    first = text.split("\n", 1)[0]
    if not relative.startswith("test/") and not first.startswith(f"// {relative} - "):
        problem(path, 1, f"a header begins with \"// {relative} - what it is for\"")
    if "#pragma once" not in text:
        problem(path, 1, "no #pragma once")


def check_readmes():
    for folder in [*ROOMS, *(f"lib/{name}" for name in LAYERS)]:
        folder = os.path.join(ROOT, folder)
        if os.path.isdir(folder) and not os.path.exists(os.path.join(folder, "README.md")):
            problem(os.path.join(folder, "README.md"), 0, "a room without a README.md: purpose, peers, rights, where to begin")


def envelope_names():
    """Members and list names of the types in lib/envelope: all of them, and those that no other type can mean."""
    place = os.path.join(ROOT, "lib/envelope/envelope.h")
    if not os.path.exists(place):
        return set()
    with open(place) as f:
        text = f.read()
    found = re.findall(r'field\(\s*"(\w+)",\s*&\w+::(\w+)', text)
    return {name for pair in found for name in pair} - GENERAL_NAMES


def check_envelope(path, code, names):
    """A list outside of lib/envelope that names one of its values is a second spelling of it, and so is a member in a header."""
    relative = os.path.relpath(path, ROOT)
    if relative.startswith(("lib/envelope/", "test/")) or relative in ENVELOPE_ELSEWHERE:
        return
    for match in re.finditer(r'\bfield\(\s*"[^"]*",\s*&(\w+)::(\w+)', code):
        name = match.group(2)
        if name in names:
            problem(path, code.count("\n", 0, match.start()) + 1,
                    f"{match.group(1)}::{name} spells a value of the envelope again: nest the type of lib/envelope")
    if path.endswith(".h") and relative.startswith(("lib/ipc/", "lib/queue/")):
        for match in re.finditer(r"^\s+(?:std::[\w:<>]+|u?int\w*|bool)\s+(\w+)(?:\s*=[^;]*)?;", code, re.M):
            if match.group(1) in names:
                problem(path, code.count("\n", 0, match.start(1)) + 1,
                        f"the member {match.group(1)} spells a value of the envelope again: nest the type of lib/envelope")


def check_queue_folders(path, text):
    """A path of the queue, or a folder's name, in a literal of anybody but lib/queue."""
    relative = os.path.relpath(path, ROOT)
    if relative.startswith(("lib/queue/", "test/")):
        return
    words = "|".join(sorted(QUEUE_FOLDERS))
    for match in re.finditer(r'"((?:\\.|[^"\\\n])*)"', re.sub(r"//[^\n]*|#include[^\n]*", "", text)):
        literal = match.group(1)
        name = literal if literal in QUEUE_FOLDERS else (re.search(rf"(?<![\w-])({words})/", literal) or [None, None])[1]
        if name is None or (literal == name and (relative, name) in QUEUE_WORDS):
            continue
        line = 1 + text.count("\n", 0, max(0, text.find(f'"{literal}"')))
        problem(path, line, f"\"{literal}\" names a folder of the queue: where messages lie is known in lib/queue only")


# Between "<" and ">" an address has its quoted form; text pasted behind one of these is another address.
PASTED = re.compile(r'"[^"\\n]*(?:FROM|TO|Return-Path|Delivered-To|X-Original-To): ?<?(?:\{\}[^"\\n]*)?"')


def check_paths(path, text):
    relative = os.path.relpath(path, ROOT)
    if relative.startswith(("lib/address/path_text", "test/", "man/")):
        return
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        if re.search(PASTED, line) and re.search(r'"\s*\+|\{\}', line):
            problem(path, number, "an address pasted into a path: lib/address/path_text.h writes it")


def check_words(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b|not implemented yet", line) and "lint" not in path:
            problem(path, number, "unfinished work")


def check_hand(paths):
    """What clang-format of the reference system (Debian 12: 14) would write differently."""
    for path in paths:
        with open(path) as f:
            for number, line in enumerate(f, 1):
                if re.match(r"\s*(/\*|///)", line):
                    problem(path, number, "comments begin with //")
    formatter = shutil.which("clang-format-14")
    if formatter is None:
        print("clang-format-14 is not installed: the hand is not checked")
        return
    # .clang-format is looked for above each file.
    result = subprocess.run([formatter, "--dry-run", "-Werror", "--style=file", *paths], stderr=subprocess.PIPE, text=True)
    for path, line in dict.fromkeys(re.findall(r"^(/[^:\n]+):(\d+):\d+: error:", result.stderr, re.M)):
        problem(path, int(line), "clang-format would write this differently: clang-format -i FILE")


def check_pages():
    mandoc = shutil.which("mandoc")
    pages = [os.path.join(place, name) for place, _, names in os.walk(os.path.join(ROOT, "man"))
             for name in names if re.search(r"\.[1-8]$", name)]
    if mandoc is None:
        print("mandoc is not installed: manual pages are not checked")
        return
    for page in sorted(pages):
        result = subprocess.run([mandoc, "-T", "lint", "-W", "warning", page], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode != 0:
            for line in result.stdout.strip().split("\n"):
                problem(page, 0, line)


def main(root):
    global ROOT
    ROOT = os.path.abspath(root)
    cycle = cycle_in(ROOMS)
    if cycle:
        problem(os.path.abspath(__file__), 0, "ROOMS has a cycle: " + " -> ".join(cycle))
    names = envelope_names()
    codes = known_codes()
    for source in sources(".h", ".cc"):
        with open(source) as f:
            content = f.read()
        check_queue_folders(source, content)
        check_paths(source, content)
        check_envelope(source, re.sub(r"//[^\n]*", "", content), names)
        if "compiler_traps" not in source:
            check_co_await(source, without_comments_and_strings(content))
        check_connections(source, without_comments_and_strings(content))
        check_includes(source, content)
        check_storage(source, content)
        check_codes(source, content, codes)
        check_words(source, content)
        if source.endswith(".h"):
            check_header(source, content)
    check_readmes()
    check_hand(list(sources(".h", ".cc")))
    check_pages()
    print("\n".join(problems) if problems else "the house is in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
