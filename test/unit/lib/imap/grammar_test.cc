#include "lib/imap/command.h"
#include "lib/imap/fetch.h"
#include "lib/imap/format.h"
#include "lib/imap/literal.h"
#include "lib/imap/mailbox_name.h"
#include "lib/imap/search.h"
#include "lib/imap/sequence_set.h"
#include "test/support/catch.h"

using namespace imap;

namespace {
std::vector<FetchItem> fetch(std::string_view text) {
    Cursor cursor(text);
    auto items = parse_fetch_items(cursor, Extensions());
    cursor.end();
    return items;
}
Search search(std::string_view text) {
    Cursor cursor(text);
    return parse_search(cursor, Extensions());
}
}  // namespace

TEST_CASE("commands are split into tag, name and arguments", "[imap]") {
    auto select = split_command("a1 select INBOX");
    REQUIRE(select);
    CHECK(select->tag == "a1");
    CHECK(select->name == "SELECT");
    CHECK(select->args == "INBOX");
    auto uid = split_command("x UID fetch 1 FLAGS");
    REQUIRE(uid);
    CHECK(uid->name == "UID FETCH");
    CHECK(uid->args == "1 FLAGS");
    CHECK(split_command("a noop")->has_args == false);
}

TEST_CASE("E7: odd tags are not echoed", "[imap]") {
    for (std::string bad : {std::string("* NOOP"), std::string("+ NOOP"), std::string(" NOOP"), std::string(""),
             std::string(10000, 't') + " NOOP"}) {
        auto command = split_command(bad);
        REQUIRE_FALSE(command);
        CHECK(command.error().tag == "*");
    }
    CHECK(split_command("a)b NOOP").has_value() == false);
    CHECK(split_command("a  NOOP").error().tag == "a");
}

TEST_CASE("E1: no NUL in any string", "[imap]") {
    CHECK_THROWS_AS(parse_astrings(std::string_view("\"a\0b\" \"c\"", 9), 2), SyntaxError);
    CHECK_THROWS_AS(parse_astrings(std::string_view("{3}\r\na\0b c", 10), 2), SyntaxError);
    CHECK(parse_astrings("\"a\\\"b\" {3+}\r\nx y", 2) == std::vector<std::string>{"a\"b", "x y"});
}

TEST_CASE("E2, E3: literal announcements", "[imap]") {
    CHECK(announced_literal("a LOGIN {5}")->size == 5);
    CHECK(announced_literal("a LOGIN {5}")->synchronizing);
    CHECK_FALSE(announced_literal("a LOGIN {5+}")->synchronizing);
    CHECK(announced_literal("{0}")->size == 0);
    CHECK(announced_literal("{4294967295}")->size == 4294967295u);
    CHECK(announced_literal("{4294967296}")->size == 4294967296u);  // RFC 9051: 63 bits
    CHECK(announced_literal("{9223372036854775807}")->size == 9223372036854775807u);
    CHECK(announced_literal("{00000000001}")->size == 1);
    CHECK(announced_literal("{9223372036854775808}")->overflow);
    CHECK(announced_literal("{18446744073709551616}")->overflow);
    CHECK(announced_literal("{99999999999999999999999999+}")->overflow);
    for (const char* none : {"{-1}", "{1 }", "{1", "{}", "{+}", "1}", "", "}", "{1+", "{1++}"})
        CHECK_FALSE(announced_literal(none));
}

TEST_CASE("E12: sequence sets", "[imap][rfc3501:9]") {
    CHECK(parse_sequence_set("1:4294967295").resolve(10) == std::vector<Range>{{1, 10}});
    CHECK(parse_sequence_set("*:1").resolve(3) == std::vector<Range>{{1, 3}});
    CHECK(parse_sequence_set("5,1,3:2,4").resolve(9) == std::vector<Range>{{1, 5}});
    CHECK(parse_sequence_set("*").resolve(0).empty());
    CHECK(parse_sequence_set("12:*").resolve(9) == std::vector<Range>{{9, 9}});
    CHECK(parse_sequence_set("7:*").resolve(5) == std::vector<Range>{{5, 5}});
    CHECK(parse_sequence_set("7").exceeds(5));
    for (const char* bad : {"0", "4294967296", "1:", ":1", "1,,2", "", "a", "1:2:3", "-1"})
        CHECK_THROWS_AS(parse_sequence_set(bad), SyntaxError);
    std::string ones = "1";
    while (ones.size() < 1000000)
        ones += ",1";
    CHECK(parse_sequence_set(ones).resolve(5) == std::vector<Range>{{1, 1}});
    CHECK(format_sequence_set({1, 2, 3, 7, 9, 10}) == "1:3,7,9:10");
}

TEST_CASE("FETCH items", "[imap][rfc3501:6.4.5]") {
    CHECK(fetch("(UID FLAGS RFC822.SIZE)").size() == 3);
    CHECK(fetch("ALL").size() == 4);
    auto header = fetch("BODY.PEEK[HEADER.FIELDS (from \"to\")]<0.10>");
    REQUIRE(header.size() == 1);
    CHECK(header[0].peek);
    CHECK(format_item_name(header[0]) == "BODY[HEADER.FIELDS (FROM TO)]<0>");
    CHECK(format_item_name(fetch("body[1.2.mime]")[0]) == "BODY[1.2.MIME]");
    CHECK(fetch("BODY")[0].kind == FetchItem::Kind::body);
    CHECK(fetch("BODY[]")[0].marks_seen());
}

TEST_CASE("E16, E17: FETCH extremes", "[imap]") {
    CHECK(fetch("BODY[]<4294967295.1>")[0].partial->first == 4294967295u);
    CHECK(fetch("BODY[]<5000000000.9223372036854775807>")[0].partial == Partial{5000000000, 9223372036854775807});
    CHECK_THROWS_AS(fetch("BODY[]<9223372036854775808.1>"), SyntaxError);
    CHECK(fetch("(BODY[] BODY[] BODY[])").size() == 1);
    std::string deep = "BODY[1";
    for (int i = 0; i < 10000; ++i)
        deep += ".1";
    for (std::string bad : {std::string("BODY[]<0.0>"), std::string("BODY[]<-1.5>"), std::string("BODY[0]"),
             std::string("BODY[999999999999]"), deep + "]", std::string("BODY[MIME]"), std::string("BODY[1.]"),
             std::string("BODY["), std::string("()"), std::string("FOO"), std::string("(FLAGS"), std::string("BODY[]<1.>"),
             std::string("BODY[HEADER.FIELDS ()]"), std::string("BODY.PEEK"), std::string("FLAGSX")})
        CHECK_THROWS_AS(fetch(bad), SyntaxError);
}

TEST_CASE("E13: SEARCH keys", "[imap][rfc3501:6.4.4]") {
    Search s = search("CHARSET UTF-8 OR (SEEN 1:3) NOT HEADER X-A \"b\" SINCE 1-Feb-1994 LARGER 10");
    CHECK(s.charset == "UTF-8");
    REQUIRE(s.key.children.size() == 3);
    CHECK(s.key.children[0].kind == SearchKey::Kind::or_key);
    CHECK(s.key.children[1].day == 8797);
    CHECK(search("LARGER 5000000000").key.children[0].size == 5000000000);
    CHECK_THROWS_AS(search("SMALLER 9223372036854775808"), SyntaxError);
    std::string nots;
    for (int i = 0; i < 100000; ++i)
        nots += "NOT ";
    CHECK_THROWS_AS(search(nots + "ALL"), SyntaxError);
    CHECK_THROWS_AS(search(std::string(100000, '(')), SyntaxError);
    for (const char* bad : {"OR OR OR", "", "NOT", "SINCE 1-Foo-1994", "(ALL", "ALL)", "UID 0", "HEADER X", "NONE"})
        CHECK_THROWS_AS(search(bad), SyntaxError);
}

TEST_CASE("STORE, COPY, APPEND, STATUS, ID", "[imap]") {
    StoreArgs store = parse_store("1:2 +FLAGS.SILENT (\\Seen $Label)", Extensions());
    CHECK(store.mode == StoreMode::add);
    CHECK(store.silent);
    CHECK(store.flags == std::vector<std::string>{"\\Seen", "$Label"});
    CHECK(parse_store("1 flags \\seen x", Extensions()).flags.size() == 2);
    CHECK(parse_copy("1 \"a b\"").mailbox == "a b");
    auto append = parse_append("box (\\Seen) \" 1-Jan-1970 00:00:00 +0000\" {10+}");
    REQUIRE(append);
    CHECK(append->date == 0);
    CHECK(append->flags.size() == 1);
    CHECK(parse_append("\"x\" {5}")->mailbox == "x");
    CHECK_FALSE(parse_append("{5}"));
    CHECK(parse_append("{3}\r\nbox {5}")->mailbox == "box");
    CHECK_THROWS_AS(parse_append("x \"99-Foo-9999 99:99:99 +9999\" {5}"), SyntaxError);  // E18
    CHECK_THROWS_AS(parse_append("x {5"), SyntaxError);
    CHECK(parse_status("a (MESSAGES uidnext)", Extensions()).items.size() == 2);
    CHECK_THROWS_AS(parse_status("a ()", Extensions()), SyntaxError);
    CHECK(parse_id("NIL").empty());
    CHECK(parse_id("(\"name\" \"x\" \"v\" NIL)").size() == 2);
}

TEST_CASE("E10: modified UTF-7 has one spelling for a name", "[imap][rfc3501:5.1.3]") {
    CHECK(decode_utf7("p&AOQA5A-") == "p\xC3\xA4\xC3\xA4");
    CHECK(decode_utf7("a&-b") == "a&b");
    CHECK(encode_utf7("a&b") == "a&-b");
    CHECK(encode_utf7("~peter/mail/\xE5\x8F\xB0\xE5\x8C\x97/\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E") ==
          "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
    CHECK(decode_utf7("&2D3cAA-"));
    for (const char* bad : {"&AGEAYg-", "&", "&2D3eAA", "&2D0-", "&3AA-", "&AOQ", "a\xC3\xA4", "&AO!-", "&AOR-"})
        CHECK_FALSE(decode_utf7(bad));
}

TEST_CASE("E8, E11: patterns and INBOX", "[imap]") {
    CHECK(matches_pattern("a.b.c", "a.*", '.'));
    CHECK(matches_pattern("a.b", "a.%", '.'));
    CHECK_FALSE(matches_pattern("a.b.c", "a.%", '.'));
    CHECK(matches_pattern("a.b.c", "%.%.%", '.'));
    CHECK(matches_pattern("", "*", '.'));
    CHECK_FALSE(matches_pattern(std::string(200, 'a'), "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", '.'));
    CHECK(canonical_mailbox("InBoX", '.') == "INBOX");
    CHECK(canonical_mailbox("inbox.x", '.') == "INBOX.x");
    CHECK(canonical_mailbox("inboxes", '.') == "inboxes");
}

TEST_CASE("E27: strings on the wire", "[imap]") {
    std::string out;
    append_string(out, "x\"y\\z");
    CHECK(out == R"("x\"y\\z")");
    out.clear();
    append_string(out, std::string_view("a\0b", 3));
    CHECK(out ==
          "{3}\r\na\x80"
          "b");
    out.clear();
    append_string(out, "caf\xC3\xA9");
    CHECK(out == "{5}\r\ncaf\xC3\xA9");
    out.clear();
    append_astring(out, "NIL");
    CHECK(out == "\"NIL\"");
    CHECK(human_text("a\r\n* OK") == "a??* OK");
}
