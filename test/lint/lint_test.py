#!/usr/bin/env python3
"""The lint itself: on small made-up trees and programs it sees what it is for, and lets pass what is right."""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True  # the source tree stays as it is

import lint
import linked


def header(path, *includes):
    lines = [f"// {path} - a header of a test."] + ["#pragma once"] + [f'#include "{one}"' for one in includes]
    return "\n".join(lines) + "\n"


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, path, text):
        path = os.path.join(self.folder.name, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def lint(self):
        run = subprocess.run([sys.executable, os.path.join(HERE, "lint.py"), self.folder.name], stdout=subprocess.PIPE, text=True)
        return run.returncode, run.stdout

    def assert_refused(self, *words):
        status, said = self.lint()
        self.assertEqual(status, 1, said)
        for word in words:
            self.assertIn(word, said)

    def test_right_arrows_pass(self):
        for room in "account", "sessions", "imap":
            self.write(f"imapd/{room}/README.md", "")
        self.write("imapd/account/a.h", header("imapd/account/a.h", "lib/store/account.h"))
        self.write("imapd/sessions/b.h", header("imapd/sessions/b.h", "imapd/account/a.h"))
        self.write("imapd/imap/commands/c.cc", '#include "imapd/imap/session.h"\n#include "imapd/sessions/b.h"\n')
        status, said = self.lint()
        self.assertEqual((status, said.split("\n")[-2]), (0, "the house is in order"), said)

    def test_an_arrow_that_runs_the_wrong_way(self):
        self.write("imapd/sessions/spawner.cc", '#include "imapd/imap/session.h"\n')
        self.assert_refused("imapd/sessions/spawner.cc:1: room imapd/sessions includes imapd/imap/session.h")

    def test_an_arrow_to_a_neighbour_that_is_not_in_the_table(self):
        self.write("imapd/login/session.cc", '// A comment.\n#include "imapd/sieve/scripts/compiled.h"\n')
        self.assert_refused("imapd/login/session.cc:2: room imapd/login includes imapd/sieve/scripts/compiled.h")

    def test_sub_rooms_of_other_programs(self):
        self.write("qmgr/bounce/report.cc", '#include "qmgr/scheduler.h"\n')
        self.write("smtpd/authentication/gate.cc", '#include "smtpd/session.h"\n')
        self.assert_refused("room qmgr/bounce includes qmgr/scheduler.h", "room smtpd/authentication includes smtpd/session.h")

    def test_nothing_lies_loose_in_imapd(self):
        self.write("imapd/wire.cc", "")
        self.write("imapd/imap/session.cc", '#include "imapd/wire.h"\n')
        self.assert_refused("imapd/wire.cc:1: lies in no room", "imapd/imap/session.cc:1: imapd/wire.h lies in no room")

    def test_a_maildir_above_the_store(self):
        self.write("imapd/imap/README.md", "")
        self.write("imapd/imap/a.cc", '// A Maildir in a comment.\n#include "lib/store/maildir/name.h"\n')
        self.write("imapd/imap/b.cc", 'bool is_maildir = kind == "x";\nconst char* k = "maildir:";\n')
        self.write("lib/address/c.cc", "class Maildir;\n")
        self.write("lib/store/account.cc", '#include "lib/store/maildir/account.h"\n')
        self.assert_refused("imapd/imap/a.cc:2: a kind of storage is included", "imapd/imap/b.cc:1: code above lib/store",
                            "imapd/imap/b.cc:2: code above", "lib/address/c.cc:1: code above",
                            "lib/store/account.cc:1: a kind of storage is included")
        self.assertNotIn("a.cc:1:", self.lint()[1])

    def test_who_may_name_a_kind_of_storage(self):
        for path in "lib/store/README.md", "local/README.md", "master/README.md", "master/tools/malleposte/README.md":
            self.write(path, "")
        self.write("lib/store/storage.cc", '#include "lib/store/maildir/account.h"\n')
        self.write("lib/store/maildir/sync.cc", '#include "lib/store/maildir/name.h"\nint maildir;\n')
        self.write("local/params.h", "// local/params.h - parameters of a test.\n#pragma once\nconstexpr char kBox[] = \"Maildir/\";\n")
        self.write("master/tools/malleposte/templates.cc", 'constexpr char kText[] = "maildir:~/Maildir";\n')
        self.assertEqual(self.lint()[0], 0, self.lint()[1])

    def test_a_response_code_that_no_extension_brings(self):
        self.write("imapd/imap/README.md", "")
        self.write("lib/imap/README.md", "")
        self.write("lib/imap/extension.cc", 'Row r = {.name = "X", .code = "GOOD, "\n                              "READ-ONLY"};\n')
        self.write("imapd/imap/a.cc", 'auto a = "[GOOD] x";\nauto b = "* OK [READ-ONLY] x";\nauto c = "[BETTER 1] x";\n// "[COMMENT] x"\n')
        self.assert_refused("imapd/imap/a.cc:3: [BETTER] is a response code")
        self.assertEqual(self.lint()[1].count("is a response code"), 1)

    def test_a_room_without_a_readme(self):
        self.write("imapd/sieve/scripts/memory.cc", "")
        self.assert_refused("imapd/sieve/scripts/README.md:0: a room without a README.md")

    def test_programs_and_libraries(self):
        self.write("smtpd/session.cc", '#include "cleanup/session.h"\n')
        self.write("lib/text/text.cc", '#include "lib/store/account.h"\n')
        self.assert_refused("smtpd includes cleanup/session.h", "lib/text includes lib/store, which is above it")

    def test_a_connection_kept_by_hand(self):
        self.write("lib/userdb/lookup.cc", "// event::connect() is elsewhere.\nvoid f() { stream = event::connect(loop, a, t); }\n")
        self.write("smtpd/policy.cc", "void f() { channel = ipc::connect_service(loop, path, t); }\n")
        self.write("qmgr/tools/postqueue.cc", "void f() { channel = ipc::connect_service(loop, path, t); }\n")
        self.write("lib/ipc/service_link.cc", "void f() { stream = event::connect(loop, a, t); }\n")
        self.assert_refused("lib/userdb/lookup.cc:2: a connection kept by hand", "smtpd/policy.cc:1: a connection kept by hand")
        self.assertNotIn("postqueue", self.lint()[1])
        self.assertNotIn("service_link.cc", self.lint()[1])

    def test_a_second_spelling_of_an_envelope_value(self):
        self.write("lib/envelope/README.md", "")
        self.write("lib/ipc/README.md", "")
        self.write("lib/envelope/envelope.h", header("lib/envelope/envelope.h") + """
struct Recipient {
    std::string orcpt;
    static constexpr auto fields() { return fields::FieldList{fields::field("dsn_orig_rcpt", &Recipient::orcpt)}; }
};
""")
        self.write("lib/ipc/records/right.h", header("lib/ipc/records/right.h") + """
struct Right {
    envelope::Recipient recipient;  // not std::string orcpt;
    static constexpr auto fields() { return ipc::FieldList{ipc::field("recipient", &Right::recipient)}; }
};
""")
        self.assertNotIn("spells a value", self.lint()[1])
        self.write("lib/ipc/records/wrong.h", header("lib/ipc/records/wrong.h") + """
struct Wrong {
    std::string orcpt;
    static constexpr auto fields() { return ipc::FieldList{ipc::field("anything", &Wrong::orcpt)}; }
};
""")
        self.write("qmgr/README.md", "")
        self.write("qmgr/message.cc", 'auto list() { return ipc::FieldList{ipc::field("x", &Other::orcpt)}; }\n')
        self.assert_refused("lib/ipc/records/wrong.h:5: the member orcpt", "lib/ipc/records/wrong.h:6: Wrong::orcpt",
                            "qmgr/message.cc:1: Other::orcpt")

    def test_a_path_of_the_queue(self):
        self.write("qmgr/README.md", "")
        self.write("lib/queue/README.md", "")
        self.write("lib/queue/files.cc", 'const char* place() { return "incoming"; }\n')
        self.write("qmgr/finish.cc", 'const char* place() { return "incoming"; }\n')
        self.write("qmgr/scan.cc", '// Not "hold/x".\n#include "lib/queue/hold/x.h"\nauto path = fmt::format("deferred/{}", id);\n')
        self.write("qmgr/said.cc", 'auto text = fmt::format("{}: moved to corrupt/", id);\nauto fine = "deferred transport";\n')
        self.write("qmgr/moved.cc", '#include "lib/queue/files.h"\n')
        self.write("lib/delivery/README.md", "")
        self.write("lib/delivery/agent.cc", 'const char* status() { return "deferred"; }\nconst char* other() { return "hold"; }\n')
        self.assert_refused("qmgr/moved.cc:1: lib/queue/files.h is lib/queue's own", 'qmgr/finish.cc:1: "incoming" names a folder', 'qmgr/scan.cc:3: "deferred/{}" names a folder',
                            "qmgr/said.cc:1:", 'lib/delivery/agent.cc:2: "hold" names a folder')
        said = self.lint()[1]
        for right in ("lib/queue/files.cc", "qmgr/scan.cc:1", "qmgr/scan.cc:2", "qmgr/said.cc:2", "lib/delivery/agent.cc:1"):
            self.assertNotIn(right + ": \"", said)

    def test_a_cycle_in_the_table(self):
        self.assertEqual(lint.cycle_in({"a": ["b"], "b": ["c"], "c": ["b"]}), ["b", "c", "b"])
        self.assertEqual(lint.cycle_in({"a": ["b", "c"], "b": ["c"], "c": []}), [])
        self.assertEqual(lint.cycle_in(lint.ROOMS), [])

    def test_each_arrow_of_the_table_leads_to_a_room(self):
        for room, others in lint.ROOMS.items():
            for other in others:
                self.assertIn(other, lint.ROOMS, room)


class Linked(unittest.TestCase):
    def test_namespaces_are_told_apart(self):
        symbols = ["ipc::records::StoreOpen::fields()", "lib::store::x()", "restore::y()", "std::vector<store::Message>::size()"]
        self.assertEqual(linked.found_in(symbols, ["store", "sieve"]), {"store": symbols[3]})

    def test_a_program_that_contains_what_it_must_not(self):
        with tempfile.TemporaryDirectory() as build:
            for name in linked.FORBIDDEN:
                path = os.path.join(build, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                code = "namespace login { void greet() {} }"
                if name.endswith("/login"):
                    code += " namespace sieve { void run(); } void use() { sieve::run(); }"
                subprocess.run(["c++", "-x", "c++", "-c", "-o", path, "-"], input=code, text=True, check=True)
            script = [sys.executable, os.path.join(HERE, "linked.py"), build]
            run = subprocess.run(script, stdout=subprocess.PIPE, text=True)
            self.assertEqual(run.returncode, 1)
            self.assertEqual(run.stdout, "libexec/malleposte/login: contains sieve::, for example sieve::run()\n")
            os.remove(os.path.join(build, "libexec/malleposte/login"))
            run = subprocess.run(script, stdout=subprocess.PIPE, text=True)
            self.assertEqual(run.returncode, 1)
            self.assertIn("libexec/malleposte/login: it is not there", run.stdout)


if __name__ == "__main__":
    unittest.main()
