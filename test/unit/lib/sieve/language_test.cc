#include "test/support/catch.h"
#include "test/unit/lib/sieve/sieve_fixture.h"

using sieve::Outcome;

namespace {

struct Mistake {
    std::string_view name;
    std::string_view script;
    std::string_view place;  // line:column
    std::string_view says;
};

const std::vector<Mistake> kMistakes = {
    {"semicolon", "keep\ndiscard;", "2:1", "not ended by ';'"},
    {"block", "if true;", "1:1", "needs a block"},
    {"open block", "if true {\n keep;", "1:9", "not closed by '}'"},
    {"open string", "redirect \"a@b.example;\n", "1:10", "not closed"},
    {"open text", "require \"reject\";\nreject text:\nno\n", "2:8", "single dot"},
    {"open comment", "keep; /* x", "1:7", "not closed by */"},
    {"garbage", "keep; $$", "1:7", "mean nothing"},
    {"test as command", "header \"a\" \"b\";", "1:1", "is a test"},
    {"command as test", "if keep { stop; }", "1:4", "is a command"},
    {"unknown command", "frobnicate;", "1:1", "no command of this name"},
    {"capability", "fileinto \"x\";", "1:1", "needs require \"fileinto\""},
    {"tag capability", "keep :flags \"x\";", "1:6", "needs require \"imap4flags\""},
    {"unknown capability", "require \"nonsense\";", "1:9", "not known here"},
    {"late require", "keep; require \"copy\";", "1:7", "top of a script"},
    {"else", "else { keep; }", "1:1", "must follow"},
    {"number", "if size :over 99999999999G { stop; }", "1:15", "larger than"},
    {"comparator", "if header :comparator \"i;nonsense\" \"a\" \"b\" { stop; }", "1:23", "name of a comparator"},
    {"numeric contains",
        "require \"comparator-i;ascii-numeric\";\nif header :contains :comparator \"i;ascii-numeric\" \"a\" \"1\" { stop; }",
        "2:4", "only tells equal"},
    {"regex", "require \"regex\"; if header :regex \"a\" \"(\" { stop; }", "1:21", "no regular expression"},
    {"address header", "if address \"subject\" \"a\" { stop; }", "1:4", "hold addresses"},
    {"redirect address", "redirect \"nobody\";", "1:1", "no mail address"},
    {"variable namespace", "require \"variables\"; set \"a.b\" \"c\";", "1:26", "namespace"},
    {"NUL", std::string_view("keep; # x\nredirect \"a\0b@c.example\";", 35), "2:10", "NUL"},
    {"not UTF-8", "redirect \"\xff@c.example\";", "1:1", "no mail address"},
    {"mailbox not UTF-8", "require \"fileinto\"; fileinto \"\xff\";", "1:21", "not UTF-8"},
};

}  // namespace

TEST_CASE("mistakes have a place and a text", "[sieve][rfc5228:8]") {
    for (const Mistake& c : kMistakes) {
        DYNAMIC_SECTION(c.name) {
            SieveFixture sieve;
            REQUIRE_FALSE(sieve.compile(c.script));
            CHECK(sieve.first_problem().find("script:" + std::string(c.place) + ": ") == 0);
            INFO(sieve.first_problem());
            CHECK(sieve.first_problem().find(c.says) != std::string::npos);
        }
    }
}

TEST_CASE("all mistakes of a script are shown at once", "[sieve]") {
    SieveFixture sieve;
    REQUIRE_FALSE(sieve.compile("redirect \"x\";\nif true { keep \"y\"; }\nfrob;\nredirect \"z\";\n"));
    REQUIRE(sieve.compiled.problems.size() == 4);
    CHECK(sieve.compiled.problems[3].line == 4);
    CHECK(sieve.compiled.problems[3].token == "z");
}

TEST_CASE("strings", "[sieve][rfc5228:2.4.2]") {
    SieveFixture sieve;
    CHECK(sieve.run("require \"reject\"; reject text: # why\r\n..dot\n.foo\nline\n.\n;") == "reject \".dot .foo line \"\n");
    CHECK(sieve.run("require \"reject\"; reject \"a\\\"b\\\\c\\d\";") == "reject \"a\"b\\cd\"\n");
    CHECK(sieve.run("require [\"reject\", \"encoded-character\"]; reject \"${hex:40 41}${unicode:e4}${hex:4g}${Hex:42\";") ==
          "reject \"@A\xc3\xa4${hex:4g}${Hex:42\"\n");
}

TEST_CASE("octets that are no UTF-8 are strings too", "[sieve][rfc5228:2.4.2]") {
    SieveFixture sieve;
    sieve.message = "Subject: \xff\xfe\r\n\r\n";
    CHECK(sieve.holds("", "header :contains \"subject\" \"\xff\""));
    CHECK(sieve.holds("\"regex\"", "header :regex \"subject\" \".\"") ==
          sieve.holds("\"regex\"", "header :regex \"subject\" \".+\""));
    CHECK_FALSE(sieve.holds(
        "\"comparator-i;unicode-casemap\"", "header :is :comparator \"i;unicode-casemap\" \"subject\" \"\xfe\xff\""));
}

TEST_CASE("control flow", "[sieve][rfc5228:3]") {
    SieveFixture sieve;
    std::string chain =
        "require \"fileinto\"; if false { fileinto \"a\"; } elsif true { fileinto \"b\"; } elsif true { fileinto \"c\"; } "
        "else { fileinto \"d\"; } ";
    CHECK(sieve.run(chain) == "fileinto \"b\"\n");
    CHECK(sieve.run("if false { discard; } else { redirect \"a@b.example\"; }") == "redirect \"a@b.example\"\n");
    CHECK(sieve.run("if true { stop; } discard;") == "keep (implicit)\n");
    CHECK(sieve.run("if not anyof (false, allof (true, not false)) { discard; }") == "keep (implicit)\n");
    CHECK(sieve.run("") == "keep (implicit)\n");
    CHECK(sieve.run("discard; keep;") == "discard\nkeep\n");
}

TEST_CASE("tests of the header", "[sieve][rfc5228:5]") {
    SieveFixture sieve;
    CHECK(sieve.holds("", "header \"subject\" \"B\xc3\xbcro meeting\""));
    CHECK(sieve.holds("", "header :contains \"SUBJECT\" \"MEETING\""));
    CHECK_FALSE(sieve.holds("", "header :contains :comparator \"i;octet\" \"subject\" \"MEETING\""));
    CHECK(sieve.holds("\"comparator-i;unicode-casemap\"",
        "header :contains :comparator \"i;unicode-casemap\" \"subject\" \"B\xc3\x9cRO\""));
    CHECK_FALSE(sieve.holds("", "header :contains \"subject\" \"B\xc3\x9cRO\""));
    CHECK(sieve.holds("\"relational\",\"comparator-i;ascii-numeric\"",
        "header :value \"gt\" :comparator \"i;ascii-numeric\" \"x-level\" \"9\""));
    CHECK(sieve.holds("\"relational\",\"comparator-i;ascii-numeric\"",
        "header :count \"eq\" :comparator \"i;ascii-numeric\" \"x-level\" \"2\""));
    CHECK(sieve.holds("\"index\"", "header :index 1 :last \"x-level\" \"12\""));
    CHECK_FALSE(sieve.holds("\"index\"", "header :index 3 \"x-level\" \"12\""));
    CHECK(sieve.holds("\"subaddress\"", "address :detail \"to\" \"lists\""));
    CHECK(sieve.holds("", "address :domain \"to\" \"sub.example.test\""));
    CHECK(sieve.holds("\"envelope\",\"subaddress\"", "envelope :user \"to\" \"alice\""));
    CHECK(sieve.holds("\"extlists\"", "address :localpart :list \"to\" \":addrbook:default\"") == false);
    CHECK(sieve.holds("", "exists [\"from\", \"date\"]"));
    CHECK_FALSE(sieve.holds("", "exists [\"from\", \"x-none\"]"));
    CHECK(sieve.holds("", "size :under 1K"));
}

TEST_CASE("wildcards", "[sieve][rfc5228:2.7.1]") {
    SieveFixture sieve;
    struct Row {
        std::string_view value, pattern;
        bool matches;
    };
    for (const Row& row : std::vector<Row>{{"abc", "a*c", true}, {"abc", "a?c", true}, {"ac", "a?c", false}, {"", "*", true},
             {"", "?", false}, {"a*c", "a\\\\*c", true}, {"abc", "a\\\\*c", false}, {"\xc3\xa4", "?", false},
             {"\xc3\xa4", "??", true}, {"aXbXc", "*X*X?", true}, {"abab", "*ab", true}, {"ABC", "abc", true}}) {
        INFO(row.value << " " << row.pattern);
        CHECK(sieve.holds("\"variables\"",
                  "string :matches \"" + std::string(row.value) + "\" \"" + std::string(row.pattern) + "\"") == row.matches);
    }
    CHECK(sieve.holds("\"variables\",\"comparator-i;unicode-casemap\"",
        "string :matches :comparator \"i;unicode-casemap\" \"B\xc3\xbcro\" \"B?RO\""));
    CHECK(
        sieve.run("require [\"variables\", \"fileinto\", \"comparator-i;unicode-casemap\"]; if string :matches :comparator "
                  "\"i;unicode-casemap\" \"B\xc3\xbcro \xc3\xa4\" \"b?* ?\" { fileinto \"${1}|${2}|${3}\"; }") ==
        "fileinto \"\xc3\xbc|ro|\xc3\xa4\"\n");
    // Stars take the least they can (RFC 5229, 3.2).
    CHECK(sieve.run("require [\"variables\", \"fileinto\"]; if string :matches \"[a] [b] c\" \"*] *\" { fileinto "
                    "\"${1}|${2}\"; }") == "fileinto \"[a|[b] c\"\n");
}

TEST_CASE("dates", "[sieve][rfc5260:4]") {
    SieveFixture sieve;
    CHECK(sieve.holds("\"date\"", "date :zone \"+0000\" \"date\" \"hour\" \"19\""));
    CHECK(sieve.holds("\"date\"", "date :originalzone \"date\" \"iso8601\" \"2026-07-20T21:44:43+02:00\""));
    CHECK(sieve.holds("\"date\"", "date :zone \"-0330\" \"date\" \"time\" \"16:14:43\""));
    CHECK(sieve.holds("\"date\"", "currentdate \"std11\" \"Mon, 20 Jul 2026 21:44:43 +0200\""));
    CHECK(sieve.holds("\"date\"", "currentdate \"weekday\" \"1\""));
    sieve.message = "Date: Thu, 99 Foo 999999999999 99:99:99 +9999\r\n\r\n";  // bad input D18
    CHECK_FALSE(sieve.holds("\"date\"", "date :matches \"date\" \"year\" \"*\""));
}

TEST_CASE("questions to the host", "[sieve]") {
    SieveFixture sieve;
    sieve.host.mailboxes.insert("Lists");
    sieve.host.annotations["INBOX|/private/a"] = "yes";
    sieve.host.annotations["|/shared/b"] = "server";
    CHECK(sieve.holds("\"mailbox\"", "mailboxexists [\"INBOX\", \"Lists\"]"));
    CHECK_FALSE(sieve.holds("\"mailbox\"", "mailboxexists [\"INBOX\", \"None\"]"));
    CHECK(sieve.holds("\"mailboxid\"", "mailboxidexists \"F1\""));
    CHECK(sieve.holds("\"special-use\"", "specialuse_exists \"\\\\Junk\""));
    CHECK_FALSE(sieve.holds("\"special-use\"", "specialuse_exists \"INBOX\" \"\\\\Junk\""));
    CHECK(sieve.holds("\"mboxmetadata\"", "metadata \"INBOX\" \"/private/a\" \"yes\""));
    CHECK(sieve.holds("\"servermetadata\"", "servermetadataexists \"/shared/b\""));
    CHECK(sieve.holds("\"environment\"", "environment :contains \"name\" \"malle\""));
    CHECK_FALSE(sieve.holds("\"environment\"", "environment :matches \"nonsense\" \"*\""));
    CHECK(sieve.holds("\"extlists\"", "valid_ext_list \":addrbook:default\""));
    CHECK(sieve.holds("\"enotify\"", "valid_notify_method \"mailto:a@b.example\""));
    CHECK_FALSE(sieve.holds("\"enotify\"", "valid_notify_method [\"mailto:a@b.example\", \"xmpp:x\"]"));
    sieve.host.broken = true;
    CHECK(sieve.run("require \"mailbox\"; if mailboxexists \"x\" { discard; }") ==
          "failed: script:1: the store does not answer\n");
    CHECK(sieve.outcome.status == Outcome::Status::temporary_failure);
}

TEST_CASE("ihave", "[sieve][rfc5463:4]") {
    SieveFixture sieve;
    CHECK(sieve.run("require \"ihave\"; if ihave \"fileinto\" { fileinto \"x\"; }") == "fileinto \"x\"\n");
    CHECK(sieve.run("require \"ihave\"; if ihave \"frobnicate\" { frob \"x\" :y; } else { discard; }") == "discard\n");
    CHECK(sieve.run("require \"ihave\"; if not ihave \"frobnicate\" { error \"cannot\"; }") ==
          "failed: script:1: cannot\nkeep (implicit)\n");
    CHECK(sieve.run("require \"ihave\"; if true { frob; }").starts_with("compile:"));
}

TEST_CASE("duplicates are asked for and marked", "[sieve][rfc7352:3]") {
    SieveFixture sieve;
    CHECK(sieve.run("require \"duplicate\"; if duplicate :seconds 60 { discard; } if duplicate :seconds 60 { discard; }") ==
          "duplicate :seconds 60\nkeep (implicit)\n");
    sieve.host.duplicates.insert(sieve.outcome.actions[0].duplicate_id);
    CHECK(sieve.run("require \"duplicate\"; if duplicate { discard; }") == "discard\n");
    CHECK(sieve.run("require \"duplicate\"; if duplicate :last { discard; }") == "duplicate :seconds 50400\ndiscard\n");
    CHECK(sieve.run("require \"duplicate\"; if duplicate :handle \"other\" { discard; }") ==
          "duplicate :seconds 50400\nkeep (implicit)\n");
}
