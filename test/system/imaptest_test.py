#!/usr/bin/env python3
"""Runs imaptest's scripts against an IMAP server.

  imaptest_test.py [--scripts DIR] [--host HOST --port PORT | --server PROGRAM] [--user U] [--password P] [NAME...]

A script names connections, commands and the replies that must (or, with "!", must not) come; its format is
described beside the scripts (FORMAT.md). Scripts whose capabilities the server has not are skipped. With --server
(or MALLEPOSTE_BUILD, whose test/imap_session_server is taken) the program is started as PROGRAM PORT DIRECTORY.
Exit status: 0 all passed, 1 some failed, 77 no scripts here.
"""
import argparse, os, re, shutil, socket, subprocess, sys, tempfile, time

MAILBOX = "imaptest"


class Lit(bytes):
    """A string that came as literal or quoted: no atom."""


class Connection:
    def __init__(self, host, port):
        self.sock = socket.create_connection((host, port), timeout=20)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""
        self.count = 0
        self.exists = 0
        self.shift = []
        self.read_response()

    def line(self):
        while b"\r\n" not in self.data:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError("connection closed")
            self.data += more
        line, self.data = self.data.split(b"\r\n", 1)
        return line

    def exactly(self, count):
        while len(self.data) < count:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError("connection closed")
            self.data += more
        octets, self.data = self.data[:count], self.data[count:]
        return octets

    def read_response(self):
        """A response as a list of parts: text, or Lit for literals."""
        parts = []
        while True:
            line = self.line()
            literal = re.search(rb"\{(\d+)\}$", line)
            if not literal:
                parts.append(line)
                return parts
            parts.append(line[: literal.start()])
            parts.append(Lit(self.exactly(int(literal.group(1)))))

    def send(self, tag, text):
        """Sends a command; {{{ literals }}} of the script go as LITERAL+."""
        self.sock.sendall(tag + b" " + text + b"\r\n")

    def until(self, tag):
        untagged = []
        while True:
            response = self.read_response()
            if response[0].startswith(tag + b" "):
                return untagged, response
            if response[0].startswith(b"* "):
                untagged.append(response)

    def command(self, text):
        self.count += 1
        tag = b"x%d" % self.count
        self.send(tag, text)
        return self.until(tag)


def tokens(parts):
    """A tree of atoms (bytes), strings (Lit), lists. BODY[...] stays one atom."""
    stack = [[]]
    for part in parts:
        if isinstance(part, Lit):
            stack[-1].append(part)
            continue
        i = 0
        while i < len(part):
            c = part[i : i + 1]
            if c == b" ":
                i += 1
            elif c == b"(":
                stack.append([])
                i += 1
            elif c == b")":
                done = stack.pop()
                if not stack:
                    raise ValueError("unbalanced )")
                stack[-1].append(done)
                i += 1
            elif c == b'"':
                value, i = b"", i + 1
                while part[i : i + 1] != b'"':
                    if part[i : i + 1] == b"\\":
                        i += 1
                    value += part[i : i + 1]
                    i += 1
                    if i > len(part):
                        raise ValueError("open quote")
                i += 1
                stack[-1].append(Lit(value))
            else:
                start, depth = i, 0
                while i < len(part):
                    c = part[i : i + 1]
                    depth += c == b"["
                    depth -= c == b"]"
                    if depth <= 0 and c in (b" ", b"(", b")"):
                        break
                    i += 1
                stack[-1].append(part[start:i])
    return stack[0]


def response_code(parts):
    """`OK [CODE x] text` as [OK, [CODE, x]]; other text is free."""
    text = parts[0]
    match = re.match(rb"(\S+) (\[[^\]]*\])", text)
    if not match:
        return [text.split(b" ")[0]]
    return [match.group(1)] + tokens([match.group(2)[1:-1].strip()])


class Script:
    def __init__(self, path):
        self.name = os.path.basename(path)
        self.header = {"state": "selected", "connections": "1", "messages": "all", "capabilities": "",
                       "ignore_extra_untagged": "yes"}
        with open(path, "rb") as f:
            head, _, body = f.read().partition(b"\n\n")
        lines = head.decode().split("\n")
        if lines and not re.match(r"^[a-z_]+:", lines[0]):
            body = b"\n".join([head, b"", body])
            lines = []
        for line in lines:
            key, _, value = line.partition(":")
            self.header[key.strip()] = value.strip()
        self.lines = self.join_literals(body.split(b"\n"))
        mbox = path + ".mbox"
        if not os.path.exists(mbox):
            mbox = os.path.join(os.path.dirname(path), "default.mbox")
        self.messages = self.read_mbox(mbox)

    @staticmethod
    def join_literals(lines):
        joined, skipping, raw = [], [], False
        open_literal = None
        for line in lines:
            if open_literal is not None:
                if line.startswith(b"}}}"):
                    # The line end before }}} belongs to the script; ~{{{ has its octets as they are.
                    joined[-1].append(Lit((b"\n" if raw else b"\r\n").join(open_literal)))
                    open_literal = None
                    rest = line[3:]
                    if rest.endswith(b"{{{"):
                        joined[-1].append(rest[:-3])
                        open_literal = []
                    else:
                        joined[-1].append(rest)
                else:
                    open_literal.append(line)
                continue
            if line.startswith((b"!ifenv", b"!ifnenv")):
                word, name = line.split()[:2]
                skipping.append((name.decode() in os.environ) != (word == b"!ifenv"))
                continue
            if line.startswith(b"!else"):
                skipping[-1] = not skipping[-1]
                continue
            if line.startswith(b"!endif"):
                skipping.pop()
                continue
            if any(skipping) or line.startswith(b"#"):
                continue
            if line.endswith(b"{{{"):
                raw = line.endswith(b"~{{{")
                joined.append([line[: -4 if raw else -3]])
                open_literal = []
            else:
                joined.append([line])
        return joined

    @staticmethod
    def read_mbox(path):
        messages = []
        with open(path, "rb") as f:
            text = f.read()
            for line in (text[:-1] if text.endswith(b"\n") else text).split(b"\n"):
                if line.startswith(b"From "):
                    messages.append([])
                elif messages:
                    messages[-1].append(line)
        result = []
        for lines in messages:
            result.append(b"\r\n".join(lines) + (b"\r\n" if lines else b""))
        return result


class Mismatch(Exception):
    pass


class Runner:
    def __init__(self, script, host, port, user, password):
        self.script, self.user, self.password = script, user, password
        self.variables = {b"mailbox": MAILBOX.encode(), b"user": user.encode(), b"password": password.encode(),
                          b"username": user.split("@")[0].encode()}
        self.connections = [Connection(host, port) for _ in range(int(script.header["connections"]))]
        self.next_message = 0

    def check(self, condition, text):
        if not condition:
            raise Mismatch(text)

    def ok(self, connection, text):
        untagged, tagged = connection.command(text)
        self.check(tagged[0].split(b" ")[1].upper() == b"OK", "%r gives %r" % (text, tagged))
        return untagged

    def append(self, connection, args):
        message = self.script.messages[self.next_message % len(self.script.messages)]
        self.next_message += 1
        return args + b" {%d+}\r\n" % len(message) + message

    def prepare(self):
        state = self.script.header["state"]
        if state == "nonauth":
            return True
        for c in self.connections:
            self.ok(c, b"LOGIN " + self.user.encode() + b" " + self.password.encode())
        first = self.connections[0]
        have = b" ".join(x[0] for x in self.ok(first, b"CAPABILITY")).upper().split()
        for wanted in self.script.header["capabilities"].upper().split():
            if wanted.encode() not in have:
                return False
        names = []
        for response in self.ok(first, b'LIST "" *'):
            tree = tokens(response)
            if tree[1].upper() == b"LIST" and bytes(tree[4]).startswith(MAILBOX.encode()):
                names.append(bytes(tree[4]))
        for name in sorted(names, reverse=True):
            first.command(b'DELETE "' + name + b'"')
            first.command(b'UNSUBSCRIBE "' + name + b'"')
        if state == "auth":
            return True
        self.ok(first, b"CREATE " + MAILBOX.encode())
        if state == "created":
            return True
        wanted = self.script.header["messages"]
        count = len(self.script.messages) if wanted == "all" else int(wanted)
        for _ in range(count):
            self.ok(first, self.append(first, b"APPEND " + MAILBOX.encode()))
        if state == "selected":
            for c in self.connections:
                for response in self.ok(c, b"SELECT " + MAILBOX.encode()):
                    self.count_exists(c, response)
        return True

    def count_exists(self, connection, response):
        match = re.match(rb"\* (\d+) EXISTS", response[0], re.I)
        if match:
            connection.exists = int(match.group(1))
        match = re.match(rb"\* (\d+) EXPUNGE", response[0], re.I)
        if match:
            connection.exists -= 1

    def expand(self, text):
        def value(match):
            name = match.group(1) or match.group(2)
            if name == b"$":
                return b"$"
            return self.variables.get(name, match.group(0))
        return re.sub(rb"\$\{(\w+)\}|\$(\$|\w+)", value, text)

    # Matching. A pattern atom may be "$" (anything), "$name" (bound or binding), or text.
    def match_atom(self, want, got, bound, fixed):
        if isinstance(want, Lit) and b"$" not in want:
            return not isinstance(got, list) and bytes(want).lower() == bytes(got).lower()
        if want == b"$":
            return True
        if isinstance(got, list):
            return False
        case = re.fullmatch(rb"\$\{case:(.*)\}", want)
        if case:
            return case.group(1) == got
        sequence = re.fullmatch(rb"\$(\d+)", want)
        if sequence:
            return got in (sequence.group(1), str(fixed.get(int(sequence.group(1)), -1)).encode())
        pattern, names = b"", []
        for piece in re.split(rb"(\$\{\w+\}|\$\w+|\$\$)", want):
            name = re.fullmatch(rb"\$\{?(\w+)\}?", piece)
            if piece == b"$$":
                pattern += rb"\$"
            elif not name:
                pattern += re.escape(piece)
            elif name.group(1) in bound:
                pattern += re.escape(bound[name.group(1)])
            else:
                pattern += b"(.*)"
                names.append(name.group(1))
        match = re.fullmatch(pattern, bytes(got), re.I | re.S)
        if not match:
            return False
        for name, found in zip(names, match.groups()):
            if name in bound and bound[name].lower() != found.lower():
                return False
            bound[name] = found
        return True

    def match(self, want, got, bound, fixed, mode=None):
        if not isinstance(want, list):
            if not isinstance(got, list) or want == b"$":
                return self.match_atom(want, got, bound, fixed)
            return False
        if not isinstance(got, list):
            return False
        explicit = [x for x in want if isinstance(x, bytes) and not isinstance(x, Lit) and x.startswith(b"$!")]
        want = [x for x in want if x not in explicit or not isinstance(x, bytes)]
        chain, unordered, extra, ignored, banned = 1, False, True, set(), set()
        if mode and not explicit:
            unordered, chain, extra, ignored = mode
        for directive in explicit:
            word = directive[2:].lower()
            if word.startswith(b"unordered"):
                unordered = True
                chain = int(word.partition(b"=")[2] or 1)
            elif word == b"ordered":
                unordered = False
            elif word == b"noextra":
                extra = False
            elif word == b"extra":
                extra, unordered = True, True
            elif word.startswith(b"ignore="):
                ignored.add(word.partition(b"=")[2])
            elif word.startswith(b"ban="):
                banned.add(word.partition(b"=")[2])
        if any(isinstance(x, bytes) and x.lower() in banned for x in got):
            return False
        if not unordered:
            if len(want) != len(got):
                return False
            return all(self.match(w, g, bound, fixed, self.child_mode(want, i)) for i, (w, g) in
                       enumerate(zip(want, got)))
        left = [got[i : i + chain] for i in range(0, len(got), chain)]
        for i in range(0, len(want), chain):
            group = want[i : i + chain]
            for candidate in left:
                trial = dict(bound)
                if len(candidate) == len(group) and all(
                        self.match(w, g, trial, fixed, self.child_mode(group, k)) for k, (w, g) in
                        enumerate(zip(group, candidate))):
                    bound.update(trial)
                    left.remove(candidate)
                    break
            else:
                return False
        return extra or all(isinstance(x[0], bytes) and x[0].lower() in ignored for x in left)

    @staticmethod
    def child_mode(siblings, index):
        before = siblings[index - 1] if index else b""
        if isinstance(before, bytes) and before.lower() == b"flags":
            return (True, 1, False, {b"\\recent"})
        return None

    def match_response(self, want_parts, got_parts, bound, fixed):
        want_parts = [p if isinstance(p, Lit) else p for p in want_parts]
        head = want_parts[0].split(b" ")[0].lower()
        if head in (b"ok", b"no", b"bad", b"bye", b"preauth"):
            got = response_code([got_parts[0][2:]] if got_parts[0].startswith(b"* ") else got_parts)
            want = response_code(want_parts)
            return len(want) <= len(got) and all(self.match(w, g, bound, fixed) for w, g in zip(want, got))
        got = tokens([got_parts[0][2:]] + got_parts[1:])
        want = tokens(want_parts)
        if head == b"search" or len(got) < len(want):
            return self.match(want, got, bound, fixed)
        if len(want) > len(got):
            return False
        for i, (w, g) in enumerate(zip(want, got)):
            word = want[i - 1].lower() if i and isinstance(want[i - 1], bytes) else b""
            mode = None
            if word == b"fetch":
                mode = (True, 2, True, set())
            elif word in (b"list", b"lsub"):
                mode = (True, 1, True, set())
            elif i == 2 and head == b"status":
                mode = (True, 2, True, set())
            elif word in (b"flags",):
                mode = (True, 1, False, {b"\\recent"})
            if not self.match(w, g, bound, fixed, mode):
                return False
        return len(want) == len(got) or head in (b"list", b"lsub")

    def groups(self):
        """Commands with what they expect: [(connection, tag or None, text parts)], replies, results."""
        lines = self.script.lines
        many = len(self.connections) > 1
        index = 0
        while index < len(lines):
            line = lines[index]
            if line[0].strip() == b"" and len(line) == 1:
                index += 1
                continue
            group, replies, results = [], [], []
            while index < len(lines) and not (lines[index][0].strip() == b"" and len(lines[index]) == 1):
                line = list(lines[index])
                first = line[0]
                if first.startswith((b"* ", b"! ")):
                    replies.append((first[:1], [first[2:]] + line[1:]))
                    index += 1
                    continue
                number = 1
                if many:
                    digits, _, first = first.partition(b" ")
                    number = int(digits)
                word, _, rest = first.partition(b" ")
                result = word.lower() in (b"ok", b"no", b"bad", b'""')
                tagged = re.fullmatch(rb"tag\d*|[a-z]\d+", word.lower())
                if tagged:
                    second, _, more = rest.partition(b" ")
                    if second.lower() in (b"ok", b"no", b"bad", b'""') and any(g[1] == word for g in group):
                        results.append((number, word, second.lower(), more))
                    else:
                        if results:
                            break
                        group.append((number, word, [rest] + line[1:], None))
                elif result and group and group[-1][3] is None and group[-1][1] is None and not results:
                    results.append((number, None, word.lower(), rest))  # method 2
                    index += 1
                    break
                else:
                    if group:
                        break
                    if result:
                        group.append((number, None, [rest] + line[1:], word.lower()))
                    else:
                        group.append((number, None, [first] + line[1:], None))
                index += 1
            yield group, replies, results

    def run_group(self, group, replies, results):
        connection = self.connections[group[0][0] - 1]
        before = connection.exists
        sent = []
        for number, tag, parts, _ in group:
            text = b""
            for part in parts:
                text += b"{%d+}\r\n" % len(part) + part if isinstance(part, Lit) else self.expand(part)
            if text.lower().split(b" ")[0] == b"append":
                words = text.split(b" ", 2)
                mailbox = words[1] if len(words) > 1 and not words[1].startswith(b"(") else MAILBOX.encode()
                if len(words) > 1 and words[1].startswith(b"("):
                    text = b"append " + mailbox + b" " + text.split(b" ", 1)[1]
                elif len(words) == 1:
                    text = b"append " + mailbox
                text = self.append(connection, text)
            connection.count += 1
            wire_tag = b"x%d" % connection.count
            connection.send(wire_tag, text)
            sent.append((wire_tag, tag, text))
        untagged, tagged = [], {}
        for wire_tag, tag, text in sent:
            more, reply = connection.until(wire_tag)
            untagged += more
            tagged[tag] = (text, reply)
        # Where each message of the beginning is now, or was at any moment.
        fixed = {i: i for i in range(1, before + 1)}
        for response in untagged:
            self.count_exists(connection, response)
        for number, tag, _, wanted in group:
            text, reply = tagged[tag]
            got = reply[0].split(b" ", 1)[1]
            want, rest = wanted, b""
            for result_number, result_tag, word, more in results:
                if result_tag == tag:
                    want, rest = word, more
            if want and want != b'""':
                self.check(got.lower().startswith(want), "%r: wanted %r, got %r" % (text, want, got))
                if rest:
                    bound = dict(self.variables)
                    self.check(self.match_response([want + b" " + rest], [got], bound, fixed),
                               "%r: wanted %r, got %r" % (text, rest, got))
                    self.variables.update(bound)
        shifts = self.positions(before, untagged)
        used = []
        for kind, parts in replies:
            found = False
            for response in untagged:
                bound = dict(self.variables)
                for fixed in shifts:
                    if self.match_response(parts, response, bound, fixed):
                        found = True
                        break
                if found:
                    if kind == b"*":
                        self.variables.update(bound)
                        used.append(id(response))
                    break
            self.check(found == (kind == b"*"), "%r: %s %r in %r" % (
                sent[0][2][:200], "missing" if kind == b"*" else "unwanted", parts, untagged[:20]))
        if self.script.header["ignore_extra_untagged"] == "no":
            self.check(len(used) == len(untagged), "extra untagged replies in %r" % (untagged,))

    @staticmethod
    def positions(before, untagged):
        """$n counts at the command's start; EXPUNGEs may come before or after the reply."""
        where = {i: i for i in range(1, before + 1)}
        all_positions = [dict(where)]
        for response in untagged:
            match = re.match(rb"\* (\d+) EXPUNGE", response[0], re.I)
            if match:
                gone = int(match.group(1))
                all_positions[-1] = dict(where)
                where = {k: (v - 1 if v > gone else v) for k, v in where.items() if v != gone}
                all_positions.append(dict(where))
        return all_positions

    def run(self):
        if not self.prepare():
            return "skipped"
        for group, replies, results in self.groups():
            if group:
                self.run_group(group, replies, results)
        return "passed"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scripts")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--server")
    parser.add_argument("--user", default="tester")
    parser.add_argument("--password", default="pw")
    parser.add_argument("-v", action="store_true", help="accepted for the test driver's sake")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    data = os.environ.get("MALLEPOSTE_CONFORMANCE", os.path.join(source, "..", "shared", "conformance"))
    scripts = args.scripts or os.path.join(data, "imaptest")
    if not args.server and not args.port:
        args.server = os.path.join(os.environ.get("MALLEPOSTE_BUILD", "build/debug"), "test", "imap_session_server")
    if not os.path.isdir(scripts):
        print("skipped: imaptest's scripts are not at %s (MALLEPOSTE_CONFORMANCE names another place)" % scripts)
        return 77
    server, directory = None, None
    if args.server:
        directory = tempfile.mkdtemp(prefix="imaptest.")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            args.port = probe.getsockname()[1]
        server = subprocess.Popen([args.server, str(args.port), directory], stdout=subprocess.PIPE)
        server.stdout.readline()
    failed = 0
    counts = {}
    try:
        for name in sorted(os.listdir(scripts)):
            path = os.path.join(scripts, name)
            if "." in name or name.isupper() or not os.path.isfile(path) or (args.names and name not in args.names):
                continue
            try:
                result = Runner(Script(path), args.host, args.port, args.user, args.password).run()
            except (Mismatch, EOFError, OSError, ValueError, IndexError) as error:
                result = "FAILED"
                failed += 1
                print("%-28s FAILED: %s: %s" % (name, type(error).__name__, error))
            counts[result] = counts.get(result, 0) + 1
            if result != "FAILED":
                print("%-28s %s" % (name, result))
    finally:
        if server:
            server.terminate()
            server.wait()
            shutil.rmtree(directory, ignore_errors=True)
    print(", ".join("%d %s" % (n, r) for r, n in sorted(counts.items())))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
