// test/unit/lib/dict/match_list_test.cc - lists of domains, words and addresses.
#include "lib/dict/match_list.h"

#include "lib/question/alone.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

using dict::ListKind;
using dict::MatchList;

namespace {

struct Row {
    const char* patterns;
    ListKind kind;
    const char* text;
    const char* want;  // "y", "n", "!" for a failure
};

const Row kRows[] = {
    {"example.test", ListKind::strings, "EXAMPLE.test", "y"},
    {"example.test", ListKind::strings, "a.example.test", "n"},
    {"example.test", ListKind::parent_domains, "a.b.example.test", "y"},
    {"example.test", ListKind::parent_domains, "notexample.test", "n"},
    {"example.test", ListKind::domains, "a.example.test", "n"},
    {".example.test", ListKind::domains, "a.b.example.test", "y"},
    {".example.test", ListKind::domains, "example.test", "n"},
    {".example.test", ListKind::parent_domains, "a.example.test", "n"},
    {".auf.test,!auf.test", ListKind::domains, "ca.auf.test", "y"},
    {".auf.test,!auf.test", ListKind::domains, "auf.test", "n"},
    {"!bad.example.test, .example.test", ListKind::domains, "bad.example.test", "n"},
    {"!bad.example.test, .example.test", ListKind::domains, "good.example.test", "y"},
    {"inline:{example.test=x}", ListKind::strings, "example.test", "y"},
    {"inline:{example.test=x}", ListKind::strings, "a.example.test", "n"},
    {"inline:{.example.test=x}", ListKind::domains, "a.b.example.test", "y"},
    {"inline:{example.test=x}", ListKind::parent_domains, "a.b.example.test", "y"},
    {"fail:x", ListKind::strings, "example.test", "!"},
    {"example.test, fail:x", ListKind::strings, "example.test", "y"},
    {"nosuch:x", ListKind::strings, "example.test", "!"},
    {"/no/such/file", ListKind::strings, "example.test", "!"},
    {"", ListKind::strings, "example.test", "n"},
    {"static:all", ListKind::strings, "anything", "y"},
};

struct ClientRow {
    const char* patterns;
    const char* name;
    const char* address;
    const char* want;
};

const ClientRow kClientRows[] = {
    {"127.0.0.0/8 [::1]/128", "localhost", "127.0.0.1", "y"},
    {"127.0.0.0/8 [::1]/128", "localhost", "::1", "y"},
    {"127.0.0.0/8 [::1]/128", "x", "::ffff:127.0.0.1", "y"},
    {"127.0.0.0/8", "unknown", "192.0.2.1", "n"},
    {"!192.0.2.1, 192.0.2.0/24", "x", "192.0.2.1", "n"},
    {"!192.0.2.1, 192.0.2.0/24", "x", "192.0.2.2", "y"},
    {"[2002:8ac3:8000::]/35", "x", "2002:8ac3:9000::1", "y"},
    {"[2002:8ac3:8000::]/35", "x", "2002:8ac3:c000::1", "n"},
    {"[2002:8ac3:8000::]/35", "x", "2002:8ac3:8000:2000::1", "y"},
    {"2001:db8::1", "x", "2001:db8::1", "y"},
    {"192.0.2.1/24", "x", "192.0.2.1", "!"},  // host bits: refuse to guess
    {"mx.example.test", "mx.example.test", "192.0.2.1", "y"},
    {"unknown", "unknown", "192.0.2.1", "n"},
    {"cidr:{ {192.0.2.0/24 ok} }", "x", "192.0.2.1", "y"},
    {"inline:{192.0.2.1=ok}", "x", "192.0.2.1", "y"},
    {"0.0.0.0/0", "x", "203.0.113.9", "y"},
    {"0.0.0.0/0", "x", "2001:db8::1", "n"},
    {"127.0.0.0/8", "", "", "n"},
    {"127.0.0.0/8", "x", "127.0.0.1.evil.example.test", "n"},
};

dict::Matched ask(const MatchList& list, std::string_view text) {
    question::Alone alone;
    return alone.wait(list.matches(alone.asker(), text));
}

std::string show(const dict::Matched& matched) { return !matched ? "!" : *matched ? "y" : "n"; }

}  // namespace

TEST_CASE("lists of domains and words", "[dict]") {
    for (const Row& row : kRows) {
        CAPTURE(row.patterns, row.text);
        MatchList list = MatchList::open("test_list", config::split_list(row.patterns), row.kind);
        CHECK(show(ask(list, row.text)) == row.want);
    }
}

TEST_CASE("lists of clients", "[dict]") {
    for (const ClientRow& row : kClientRows) {
        CAPTURE(row.patterns, row.address);
        question::Alone alone;
        MatchList list = MatchList::open("mynetworks", config::split_list(row.patterns), ListKind::addresses);
        CHECK(show(alone.wait(list.matches_client(alone.asker(), row.name, row.address))) == row.want);
    }
}

TEST_CASE("patterns from a file", "[dict]") {
    test::TemporaryFolder folder;
    std::string path = folder.write("list", "# ours\nexample.test other.test\n!no.test\n.sub.test\n");
    MatchList list = MatchList::open("test_list", {path}, ListKind::domains);
    CHECK(show(ask(list, "other.test")) == "y");
    CHECK(show(ask(list, "no.test")) == "n");
    CHECK(show(ask(list, "a.sub.test")) == "y");
    MatchList negated = MatchList::open("test_list", {"!" + path, "static:all"}, ListKind::domains);
    CHECK(show(ask(negated, "other.test")) == "n");
    CHECK(show(ask(negated, "no.test")) == "y");
}
