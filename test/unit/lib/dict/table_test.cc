// test/unit/lib/dict/table_test.cc - every in-process table type.
#include "lib/dict/table.h"

#include "lib/dict/lmdb_file.h"
#include "lib/dict/source_file.h"
#include "lib/dict/table_list.h"
#include "lib/question/alone.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

using dict::Table;

namespace {

dict::Answer ask(const std::unique_ptr<Table>& table, std::string_view key) {
    question::Alone alone;
    return alone.wait(table->lookup(alone.asker(), key));
}

// "-" for not there, "!" for a failure.
std::string look_up(const std::string& spec, std::string_view key) {
    auto table = Table::open(spec);
    if (!table)
        return "open: " + table.error().text;
    dict::Answer answer = ask(*table, key);
    return !answer ? "!" : answer->value_or("-");
}

struct Row {
    const char* spec;
    const char* key;
    const char* want;
};

const Row kRows[] = {
    {"inline:{a=1, { b = two words }, C=3}", "b", "two words"},
    {"inline:{a=1, { b = two words }, C=3}", "c", "3"},
    {"inline:{a=1}", "x", "-"},
    {"static:value", "anything", "value"},
    {"static:{ two words }", "anything", "two words"},
    {"proxy:static:x", "k", "x"},
    {"fail:now", "k", "!"},
    {"unionmap:{inline:{a=1}, static:2, inline:{b=3}}", "a", "1,2"},
    {"unionmap:{inline:{a=1}, fail:x}", "a", "!"},
    {"pipemap:{inline:{a=b}, inline:{b=c}}", "a", "c"},
    {"pipemap:{inline:{a=b}, inline:{b=c}}", "b", "-"},
    {"randmap:{only}", "x", "only"},
    {"unix:passwd.byname", "root", "root:x:0:0:root:/root:/bin/bash"},
    {"unix:passwd.byname", "no-such-user-here", "-"},
    {"regexp:{ {/^(a+)@(b)$/ ${2}-$1} }", "AA@b", "b-AA"},
    {"regexp:{ {/^x/i lower} }", "X", "-"},
    {"regexp:{ {!/x/ none} }", "y", "none"},
    {"regexp:{ {/./ $$1} }", "y", "$1"},
    {"regexp:{ {if /a/}, {/b/ ab}, {endif}, {/b/ b} }", "b", "b"},
    {"regexp:{ {if /a/}, {/b/ ab}, {endif}, {/b/ b} }", "ab", "ab"},
    {"regexp:{ {if !/a/}, {if /c/}, {/b/ cb}, {endif}, {endif}, {/b/ b} }", "cb", "cb"},
    {"pcre:{ {/^(?<n>a+)(b)?$/ $1|$2|} }", "aa", "aa||"},
    {"pcre:{ {/^a\\/b$/ slash} }", "a/b", "slash"},
    {"pcre:{ {#^a/b$# hash} }", "a/b", "hash"},
    {"cidr:{ {192.0.2.0/24 net}, {2001:db8::/32 six}, {!10.0.0.0/8 other} }", "192.0.2.77", "net"},
    {"cidr:{ {192.0.2.0/24 net}, {2001:db8::/32 six}, {!10.0.0.0/8 other} }", "2001:db8::1", "six"},
    {"cidr:{ {192.0.2.0/24 net}, {2001:db8::/32 six}, {!10.0.0.0/8 other} }", "10.1.1.1", "-"},
    {"cidr:{ {192.0.2.0/24 net} }", "example.test", "-"},
};

}  // namespace

TEST_CASE("table types that need no file", "[dict]") {
    for (const Row& row : kRows) {
        CAPTURE(row.spec, row.key);
        CHECK(look_up(row.spec, row.key) == row.want);
    }
}

TEST_CASE("specs that make no sense are refused", "[dict]") {
    for (const char* spec : {"nosuch:x", "inline:a=b", "inline:{}", "inline:{a}", "lmdb:", "unix:shadow", "unionmap:x",
             "unionmap:{nosuch:x}", "pcre:{ {/a/ b}"}) {
        CAPTURE(spec);
        CHECK_FALSE(Table::open(spec).has_value());
    }
}

TEST_CASE("a pattern that would run for ever is given up", "[dict]") {
    std::string key(60, 'a');
    CHECK(look_up("pcre:{ {/^(a|a?)+$/ x} }", key + "b") == "!");
    CHECK(look_up("pcre:{ {/^(a+)+$/ x} }", key + "!") != "x");
}

TEST_CASE("keys with odd octets do no harm", "[dict]") {
    std::string nul("a\0b", 3);
    for (const char* spec : {"inline:{a=1}", "regexp:{ {/^a.b$/ nul} }", "pcre:{ {/^a.b$/ nul} }", "unix:passwd.byname",
             "cidr:{ {::/0 all} }"}) {
        CAPTURE(spec);
        CHECK(look_up(spec, nul) != "!");
        CHECK(look_up(spec, "") != "!");
        CHECK(look_up(spec, "\xff\xff\xff") != "!");
        CHECK(look_up(spec, std::string(5000, '\xc3')) != "!");
    }
}

TEST_CASE("an indexed file is found, followed and replaced whole", "[dict]") {
    test::TemporaryFolder folder;
    std::string path = folder.path("map.lmdb");
    auto table = Table::open("hash:" + folder.path("map"));
    REQUIRE(table);
    CHECK_FALSE(ask(*table, "a").has_value());  // not there yet: try later
    REQUIRE(dict::write_lmdb(path, {{"a", "1"}, {"b", "2"}}, {}).has_value());
    CHECK(ask(*table, "A").value() == "1");
    CHECK(ask(*table, "c").value() == std::nullopt);
    CHECK(ask(*table, std::string(2000, 'x')).value() == std::nullopt);
    REQUIRE(dict::write_lmdb(path, {{"a", "new"}, {std::string("c\0", 2), std::string("3\0", 2)}}, {}).has_value());
    CHECK(ask(*table, "a").value() == "new");
    CHECK(ask(*table, "b").value() == std::nullopt);
    CHECK(ask(*table, "c").value() == "3");
    std::filesystem::remove(path);
    CHECK((*table)->stale());
    CHECK(ask(*table, "a").value() == "new");  // the last state goes on answering
}

TEST_CASE("a file that is no table fails and does not crash", "[dict]") {
    test::TemporaryFolder folder;
    folder.write("junk.lmdb", std::string(10000, 'j'));
    folder.write("empty.lmdb", "");
    folder.write("short.lmdb", "x");
    CHECK(look_up("lmdb:" + folder.path("junk"), "a") == "!");
    CHECK(look_up("lmdb:" + folder.path("empty"), "a") == "!");
    CHECK(look_up("lmdb:" + folder.path("short"), "a") == "!");
}

TEST_CASE("texthash follows its file", "[dict]") {
    test::TemporaryFolder folder;
    std::string path = folder.write("map", "Key value one\n\"key two\" 2\n");
    auto table = Table::open("texthash:" + path);
    REQUIRE(table);
    CHECK(ask(*table, "key").value() == "value one");
    CHECK(ask(*table, "KEY TWO").value() == "2");
    folder.write("map", "key other value\n");
    CHECK(ask(*table, "key").value() == "other value");
}

TEST_CASE("a list of tables is searched in order and fails closed", "[dict]") {
    auto find = [](const config::List& specs, std::string_view key, dict::KeyKind kind = dict::KeyKind::whole) {
        question::Alone alone;
        dict::TableList list = dict::TableList::open("test_maps", specs);
        return alone.wait(list.lookup(alone.asker(), key, kind));
    };
    CHECK(find({"inline:{a=1}", "inline:{a=2,b=3}"}, "a").value() == "1");
    CHECK(find({"inline:{a=1}", "inline:{a=2,b=3}"}, "b").value() == "3");
    CHECK_FALSE(find({"inline:{a=1}", "fail:x", "inline:{b=3}"}, "b").has_value());
    CHECK(find({"inline:{a=1}", "fail:x"}, "a").value() == "1");
    CHECK_FALSE(find({"nosuch:x"}, "a").has_value());
    CHECK(find({"regexp:{ {/./ any} }"}, "a", dict::KeyKind::part).value() == std::nullopt);
    CHECK(find({}, "a").value() == std::nullopt);
}

TEST_CASE("alias and map sources", "[dict]") {
    auto aliases = dict::parse_alias_source(
        "root: alice, bob\n  , carol\n\"Joe Smith\": joe\nodd\nempty:\nUP: down\n", "aliases");
    REQUIRE(aliases.entries.size() == 3);
    CHECK(aliases.entries[0].value == "alice, bob  , carol");
    CHECK(aliases.entries[1].key == "joe smith");
    CHECK(aliases.entries[2].key == "up");
    CHECK(aliases.warnings ==
          std::vector<std::string>{"aliases, line 4: need name:value pair", "aliases, line 5: need name:value pair"});
}
