// test/unit/lib/dict/later_test.cc - tables that have to be waited for, beside those that do not.
#include "lib/dict/match_list.h"
#include "lib/dict/table_list.h"
#include "test/support/catch.h"
#include "test/support/later_table.h"
#include "test/support/temporary_folder.h"
#include "test/support/wait_for.h"

using dict::Answer;
using question::Asker;

namespace {

event::Task<void> look_up(
    const dict::TableList& list, const Asker& asker, std::string key, std::optional<std::string>& answer) {
    Answer found = co_await list.lookup(asker, key);
    answer = !found ? "!" : found->value_or("-");
}

event::Task<void> match(const dict::MatchList& list, const Asker& asker, std::string text, std::string address,
    std::optional<std::string>& answer) {
    dict::Matched found = false;
    if (address.empty())
        found = co_await list.matches(asker, text);
    else
        found = co_await list.matches_client(asker, text, address);
    answer = !found ? "!" : *found ? "y" : "n";
}

}  // namespace

TEST_CASE("only who asks a slow table waits for it", "[dict]") {
    test::LaterTables later;
    later["slow"].entries["b"] = "2";
    event::Loop loop;
    Asker asker(loop);
    auto list = dict::TableList::open("test_maps", {"inline:{a=1}", "later:slow", "inline:{c=3}"});
    CHECK(list.lookup(asker, "a").is_ready());
    std::optional<std::string> a, b, c;
    loop.spawn(look_up(list, asker, "b", b));
    loop.spawn(look_up(list, asker, "a", a));
    loop.spawn(look_up(list, asker, "c", c));
    CHECK(a == "1");
    CHECK_FALSE(b);
    CHECK(later["slow"].waiting() == 2);
    later["slow"].answer();
    loop.run_until_idle();
    CHECK(b == "2");
    CHECK(c == "3");

    later["slow"].open = true;
    later["slow"].fails = true;
    loop.spawn(look_up(list, asker, "c", c));
    loop.run_until_idle();
    CHECK(c == "!");  // the later table does not answer in its place
    later["slow"].open = false;
    loop.spawn(look_up(list, asker, "b", b = std::nullopt));
    loop.cancel_all();
    loop.run_until_idle();
    CHECK_FALSE(b);
    CHECK(later["slow"].cancelled == 1);
}

TEST_CASE("tables made of slow tables", "[dict]") {
    test::LaterTables later;
    later["slow"].open = true;
    later["slow"].entries["a"] = "b";
    event::Loop loop;
    Asker asker(loop);
    struct Row {
        const char *spec, *key, *want;
    };
    for (const Row& row : {Row{"unionmap:{inline:{a=1}, later:slow}", "a", "1,b"},
             {"pipemap:{later:slow, inline:{b=c}}", "a", "c"}, {"pipemap:{later:slow, inline:{b=c}}", "x", "-"}}) {
        CAPTURE(row.spec);
        std::optional<std::string> answer;
        auto list = dict::TableList::open("test_maps", {row.spec});
        loop.spawn(look_up(list, asker, row.key, answer));
        loop.run_until_idle();
        CHECK(answer == row.want);
    }
}

TEST_CASE("lists with a slow table in them", "[dict]") {
    test::LaterTables later;
    later["slow"].open = true;
    later["slow"].entries = {{".sub.test", ""}, {"192.0.2.7", ""}, {"mx.far.test", ""}, {"no.test", ""}};
    event::Loop loop;
    Asker asker(loop);
    struct Row {
        const char *patterns, *text, *address, *want;
    };
    const Row rows[] = {
        {"near.test, later:slow", "near.test", "", "y"},
        {"near.test, later:slow, static:x", "a.sub.test", "", "y"},
        {"!later:slow, static:x", "no.test", "", "n"},
        {"!later:slow, static:x", "yes.test", "", "y"},
        {"later:slow, near.test", "near.test", "", "y"},
        {"later:slow, near.test", "far.test", "", "n"},
        {"later:slow, fail:x", "far.test", "", "!"},
        {"later:slow", "mx.far.test", "192.0.2.1", "y"},
        {"later:slow", "unknown", "192.0.2.7", "y"},
        {"later:slow, 192.0.2.0/24", "unknown", "192.0.2.8", "y"},
        {"later:slow, !192.0.2.0/24", "unknown", "198.51.100.1", "n"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.patterns, row.text, row.address);
        auto kind = *row.address != 0 ? dict::ListKind::addresses : dict::ListKind::domains;
        auto list = dict::MatchList::open("test_list", config::split_list(row.patterns), kind);
        std::optional<std::string> answer;
        loop.spawn(match(list, asker, row.text, row.address, answer));
        loop.run_until_idle();
        CHECK(answer == row.want);
    }
}

TEST_CASE("a record names file and line of what was found", "[dict]") {
    test::LaterTables later;
    later["slow"].open = true;
    later["slow"].entries["c"] = "3";
    test::TemporaryFolder folder;
    std::string text = folder.write("text", "# comment\na 1\n");
    std::string pattern = folder.write("pattern", "/^x/ no\n/^b/ 2\n");
    event::Loop loop;
    Asker asker(loop);
    question::Record record;
    asker.record = &record;
    auto list = dict::TableList::open("test_maps", {"texthash:" + text, "regexp:" + pattern, "later:slow"});
    std::optional<std::string> answer;
    for (const char* key : {"a", "b", "c"})
        loop.spawn(look_up(list, asker, key, answer));
    loop.run_until_idle();
    CHECK(record.text() == "test_maps: texthash:" + text + ": \"a\" -> \"1\" (" + text + ", line 2)\n" +  //
                               "test_maps: texthash:" + text + ": \"b\" -> not there\n" +                 //
                               "test_maps: regexp:" + pattern + ": \"b\" -> \"2\" (" + pattern + ", line 2)\n" +
                               "test_maps: texthash:" + text + ": \"c\" -> not there\n" +  //
                               "test_maps: regexp:" + pattern + ": \"c\" -> not there\n" +
                               "test_maps: later:slow: \"c\" -> \"3\"\n");
    record.clear();
    auto domains = dict::MatchList::open("mydestination", {"!no.test", ".sub.test"}, dict::ListKind::domains);
    for (const char* key : {"no.test", "a.sub.test", "x.test"})
        loop.spawn(match(domains, asker, key, "", answer));
    CHECK(record.text() ==
          "mydestination: \"no.test\" -> not listed, by !no.test\n"
          "mydestination: \"a.sub.test\" -> listed, by .sub.test\n"
          "mydestination: \"x.test\" -> not listed\n");
}

TEST_CASE("a table heeds the time limit and the taking back of who asks", "[dict]") {
    test::LaterTables later;
    event::Loop loop;
    auto list = dict::TableList::open("test_maps", {"later:slow"});
    Asker hasty(loop), leaving(loop), patient(loop), stuck;
    hasty.limit = std::chrono::milliseconds(10);
    question::Cancellation gone;
    leaving.cancellation = &gone;
    std::optional<std::string> one, two, three, four;
    loop.spawn(look_up(list, hasty, "a", one));
    loop.spawn(look_up(list, leaving, "a", two));
    loop.spawn(look_up(list, patient, "a", three));
    loop.spawn(look_up(list, stuck, "a", four));
    CHECK(four == "!");
    CHECK(later["slow"].waiting() == 3);
    loop.spawn([](event::Loop& loop, std::optional<std::string>& one, question::Cancellation& gone,
                   std::optional<std::string>& two, test::LaterTables& later) -> event::Task<void> {
        while (!one)
            co_await event::sleep_for(loop, std::chrono::milliseconds(1));
        CHECK(later["slow"].waiting() == 2);
        gone.cancel();
        while (!two)
            co_await event::next_turn(loop);
        CHECK(later["slow"].waiting() == 1);
        later["slow"].answer();
    }(loop, one, gone, two, later));
    loop.run_until_idle();
    CHECK(one == "!");
    CHECK(two == "!");
    CHECK(three == "-");
}

TEST_CASE("questions that were taken back are not asked", "[dict]") {
    event::Loop loop;
    Asker asker(loop);
    question::Cancellation gone;
    asker.cancellation = &gone;
    auto list = dict::TableList::open("test_maps", {"inline:{a=1}"});
    std::optional<std::string> answer;
    loop.spawn(look_up(list, asker, "a", answer));
    CHECK(answer == "1");
    gone.cancel();
    loop.spawn(look_up(list, asker, "a", answer));
    CHECK(answer == "!");
}
