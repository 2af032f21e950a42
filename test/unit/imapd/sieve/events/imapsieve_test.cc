#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "imapd/sieve/events/mailbox_scripts.h"
#include "imapd/sieve/events/rules.h"
#include "imapd/sieve/scripts/flag_names.h"
#include "test/support/catch.h"

using namespace imapsieve;
namespace fs = std::filesystem;
using Cause = MailboxEvent::Cause;

namespace {

Rules rules_of(std::string_view text) {
    auto rules = parse_rules(config::split_list(text));
    REQUIRE(rules);
    return *rules;
}

std::string trouble_with(std::string_view text) {
    auto rules = parse_rules(config::split_list(text));
    REQUIRE_FALSE(rules);
    return rules.error();
}

struct Bench {
    Bench() {
        char name[] = "/tmp/imapsieve.XXXXXX";
        root = mkdtemp(name);
        auto opened = store::open_account({root + "/Maildir", '.'});
        REQUIRE(opened);
        account = *opened;
        REQUIRE(account->create("Junk"));
    }
    ~Bench() { fs::remove_all(root); }

    void script(const std::string& text) { std::ofstream(root + "/test.sieve") << text; }

    // A message put into Junk, and what the script made of it.
    void run(Cause cause = Cause::append, store::Flags flags = 0, store::Flags changed = 0) {
        Rules rules = rules_of("{ * APPEND,COPY,FLAG " + root + "/test.sieve }");
        auto mailbox = account->open("Junk");
        REQUIRE(mailbox);
        auto delivery = (*mailbox)->deliver();
        REQUIRE(delivery);
        REQUIRE((*delivery)->write("Subject: x\n\nbody\n"));
        auto delivered = (*delivery)->commit({flags, {}, 1000000, false});
        REQUIRE(delivered);
        delivery->reset();
        MailboxScripts scripts(rules, params, {"alice@example.test", root}, root, account);
        scripts.happened({cause, **mailbox, "", {{delivered->uid, changed}}});
    }

    // Flags of each message.
    std::vector<std::string> in(const std::string& name) {
        auto mailbox = account->open(name);
        std::vector<std::string> found;
        if (!mailbox || !(*mailbox)->refresh())
            return found;
        auto messages = (*mailbox)->messages();
        REQUIRE(messages);
        for (const store::Message& message : *messages)
            found.push_back(store::format_flags(message.flags, (*mailbox)->keywords()));
        return found;
    }

    std::string root;
    scripts::Params params;
    std::shared_ptr<store::Account> account;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("entries say mailbox, causes and script") {
    Rules rules = rules_of("{ Junk COPY /a.sieve } { * append,Flag /b.sieve }, { {Sent Items} APPEND /c.sieve }");
    REQUIRE(rules.size() == 3);
    CHECK(applies(rules[0], Cause::copy, "Junk", "INBOX"));
    CHECK_FALSE(applies(rules[0], Cause::append, "Junk", ""));
    CHECK_FALSE(applies(rules[0], Cause::copy, "INBOX", "Junk"));
    CHECK(applies(rules[1], Cause::append, "INBOX", ""));
    CHECK(applies(rules[1], Cause::flag, "INBOX", ""));
    CHECK_FALSE(applies(rules[1], Cause::copy, "INBOX", ""));
    CHECK(rules[2].mailbox == "Sent Items");
    CHECK(rules_of("{ inbox APPEND /a }")[0].mailbox == "INBOX");
    CHECK(rules_of("{ Entw\xc3\xbcrfe APPEND /a }")[0].mailbox == "Entw&APw-rfe");
    CHECK(rules_of("").empty());
}

TEST_CASE("from= limits a copy to one origin") {
    Rule rule = rules_of("{ * COPY from=Junk /a.sieve }")[0];
    CHECK(applies(rule, Cause::copy, "INBOX", "Junk"));
    CHECK_FALSE(applies(rule, Cause::copy, "INBOX", "Work"));
    CHECK_FALSE(applies(rule, Cause::copy, "Junk", "Junk"));  // it is there still
    CHECK(rules_of("{ * COPY from={Old Junk} /a.sieve }")[0].from == "Old Junk");
}

TEST_CASE("a wrong entry is told") {
    CHECK(trouble_with("{ Junk COPY }") == "{ Junk COPY }: a mailbox, causes, and the path of a script are expected");
    CHECK(trouble_with("{ Junk MOVE /a }") == "{ Junk MOVE /a }: \"MOVE\" is not one of APPEND, COPY and FLAG");
    CHECK(trouble_with("{ Junk , /a }") == "{ Junk , /a }: a cause is expected: APPEND, COPY or FLAG");
    CHECK(trouble_with("{ Junk COPY a }") == "{ Junk COPY a }: a is not an absolute path");
    CHECK(trouble_with("{ Junk COPY,APPEND from=X /a }") == "{ Junk COPY,APPEND from=X /a }: from= goes with COPY alone");
}

TEST_CASE("flags are compared whatever the case of their letters") {
    CHECK(scripts::flags_without({"\\Seen", "Work", "x"}, {"\\seen", "WORK"}) == Lines{"x"});
    CHECK(scripts::flag_names(store::kSeen | store::keyword_bit(1), {"a", "b"}) == Lines{"\\Seen", "b"});
    CHECK(scripts::flag_set({"\\Flagged", "b", "\\None"}).keywords == Lines{"b"});
}

TEST_CASE("a script that does nothing changes nothing") {
    Bench bench;
    bench.script("keep;\n");
    bench.run(Cause::append, store::kSeen);
    CHECK(bench.in("Junk") == Lines{"\\Seen"});
}

TEST_CASE("flag actions change the message's own flags") {
    Bench bench;
    bench.script("require \"imap4flags\"; addflag \"work\"; removeflag \"\\\\Seen\";\n");
    bench.run(Cause::append, store::kSeen | store::kFlagged);
    CHECK(bench.in("Junk") == Lines{"\\Flagged work"});
}

TEST_CASE("keep :flags and setflag say all flags") {
    Bench bench;
    bench.script("require \"imap4flags\"; keep :flags \"\\\\Answered\";\n");
    bench.run(Cause::append, store::kSeen);
    CHECK(bench.in("Junk") == Lines{"\\Answered"});
    bench.script("require \"imap4flags\"; setflag \"\";\n");
    bench.run(Cause::append, store::kSeen);
    CHECK(bench.in("Junk") == Lines{"\\Answered", ""});
}

TEST_CASE("fileinto copies, and only without a keep the original is deleted") {
    Bench bench;
    bench.script("require [\"fileinto\", \"mailbox\"]; fileinto :create \"Else\";\n");
    bench.run(Cause::append, store::kSeen);
    CHECK(bench.in("Junk") == Lines{"\\Deleted \\Seen"});
    CHECK(bench.in("Else") == Lines{"\\Seen"});
    bench.script("require [\"fileinto\", \"copy\", \"imap4flags\"]; fileinto :copy :flags \"learn\" \"Else\";\n");
    bench.run();
    CHECK(bench.in("Junk") == Lines{"\\Deleted \\Seen", ""});
    CHECK(bench.in("Else") == Lines{"\\Seen", "learn"});
    bench.script("require \"fileinto\"; fileinto \"Else\"; keep;\n");
    bench.run();
    CHECK(bench.in("Junk") == Lines{"\\Deleted \\Seen", "", ""});
    CHECK(bench.in("Else").size() == 3);
}

TEST_CASE("fileinto where the message is already is a keep") {
    Bench bench;
    bench.script("require \"fileinto\"; fileinto \"Junk\";\n");
    bench.run();
    CHECK(bench.in("Junk") == Lines{""});
}

TEST_CASE("a mailbox that is not there leaves the message") {
    Bench bench;
    bench.script("require \"fileinto\"; fileinto \"Nowhere\";\n");
    bench.run();
    CHECK(bench.in("Junk") == Lines{""});
}

TEST_CASE("discard marks the message as deleted") {
    Bench bench;
    bench.script("discard;\n");
    bench.run();
    CHECK(bench.in("Junk") == Lines{"\\Deleted"});
}

TEST_CASE("what sends mail or refuses is an error, and nothing else of the script is done") {
    for (const char* command : {"redirect \"bob@example.test\";", "require \"reject\"; reject \"no\";",
             "require \"vacation\"; vacation \"away\";", "require \"enotify\"; notify \"mailto:bob@example.test\";"}) {
        Bench bench;
        bench.script(std::string(command) + "\n");
        bench.run();
        CHECK(bench.in("Junk") == Lines{""});
    }
}

TEST_CASE("broken and missing scripts leave the message") {
    Bench bench;
    bench.script("fileinto \"x\"\n");
    bench.run();
    fs::remove(bench.root + "/test.sieve");
    bench.run();
    CHECK(bench.in("Junk") == Lines{"", ""});
}

TEST_CASE("an edited header makes a new message of the kept one") {
    Bench bench;
    bench.script("require \"editheader\"; addheader \"X-Seen-By\" \"us\";\n");
    bench.run(Cause::append, store::kFlagged);
    CHECK(bench.in("Junk") == Lines{"\\Flagged \\Deleted", "\\Flagged"});
    auto mailbox = bench.account->open("Junk");
    REQUIRE(mailbox);
    REQUIRE((*mailbox)->refresh());
    auto edited = (*mailbox)->content(2);
    REQUIRE(edited);
    CHECK(edited->text().starts_with("X-Seen-By: us"));
    CHECK(*(*mailbox)->internal_date(2) == 1000000);
}

TEST_CASE("the environment tells what happened") {
    Bench bench;
    bench.script(R"(require ["environment", "imapsieve", "imap4flags", "variables"];
if allof (environment :is "imap.user" "alice@example.test", environment :is "imap.email" "alice@example.test",
          environment :is "imap.cause" "FLAG", environment :is "imap.mailbox" "Junk", environment :is "location" "MS",
          environment :is "imap.changedflags" "\\Seen", hasflag "\\Seen") { addflag "right"; })");
    bench.run(Cause::flag, store::kSeen, store::kSeen);
    CHECK(bench.in("Junk") == Lines{"\\Seen right"});
}

TEST_CASE("duplicates are remembered from one event to the next") {
    Bench bench;
    bench.script("require [\"duplicate\", \"imap4flags\"]; if duplicate :uniqueid \"x\" { addflag \"again\"; }\n");
    bench.run();
    bench.run();
    CHECK(bench.in("Junk") == Lines{"", "again"});
}
