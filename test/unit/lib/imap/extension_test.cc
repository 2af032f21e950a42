#include "lib/imap/extension.h"

#include <algorithm>
#include <set>

#include "lib/imap/command.h"
#include "lib/imap/fetch.h"
#include "lib/imap/search.h"
#include "test/support/catch.h"

using namespace imap;

namespace {

using Words = std::set<std::string_view>;
Words as_set(const std::vector<std::string_view>& words) { return {words.begin(), words.end()}; }

constexpr Extension kTable[] = {
    {.name = "BASE", .status = "MESSAGES"},
    {.name = "PLUS", .said = Said::before_login, .command = "UID PLUS, MORE"},
    {.name = "CONDITION", .needs_enable = true, .fetch = "MODSEQ", .code = "HIGHESTMODSEQ"},
};

}  // namespace

TEST_CASE("CAPABILITY says what is true at the moment", "[imap][rfc3501:7.2.1]") {
    Extensions all;
    std::string inside = all.capabilities({.logged_in = true});
    CHECK(inside.starts_with(
        "IMAP4rev1 LITERAL+ ID IDLE NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN SPECIAL-USE ENABLE STATUS=SIZE"));
    CHECK(inside.find("SASL-IR") == std::string::npos);
    CHECK(inside.find("STARTTLS") == std::string::npos);
    CHECK(inside.find("response codes") == std::string::npos);
    std::string clear = all.capabilities({.can_start_tls = true, .takes_plaintext = false});
    CHECK(clear.starts_with(inside));
    CHECK(clear.ends_with(" SASL-IR STARTTLS LOGINDISABLED"));
    CHECK(all.capabilities({.can_start_tls = false, .takes_plaintext = true}).ends_with(" SASL-IR"));
}

TEST_CASE("the grammar reads exactly the words that the table has", "[imap]") {
    CHECK(as_set(words_of(Place::fetch)) == as_set(fetch_words()));
    CHECK(as_set(words_of(Place::search)) == as_set(search_words()));
    CHECK(as_set(words_of(Place::store)) == as_set(store_words()));
    CHECK(as_set(words_of(Place::status)) == as_set(status_words()));
    CHECK(words_of(Place::select).empty());
    for (Place place : {Place::command, Place::select, Place::fetch, Place::search, Place::store, Place::status,
             Place::attribute, Place::code}) {
        std::vector<std::string_view> words = words_of(place);
        CHECK(as_set(words).size() == words.size());  // one row brings a word
    }
}

TEST_CASE("a row that is not offered takes its words along", "[imap]") {
    Extensions offered(kTable);
    CHECK(offered.capabilities({.logged_in = true}) == "BASE CONDITION");
    CHECK(offered.capabilities({}) == "BASE PLUS CONDITION");
    CHECK(offered.allows(Place::command, "uid plus"));
    CHECK(offered.allows(Place::command, "MORE"));
    CHECK_FALSE(offered.allows(Place::command, "PLUS"));
    CHECK_FALSE(offered.allows(Place::command, "UID PLUS, MORE"));
    CHECK_FALSE(offered.allows(Place::status, "MORE"));
    CHECK_FALSE(offered.allows(Place::status, ""));
    offered.withdraw("PLUS");
    CHECK_FALSE(offered.allows(Place::command, "MORE"));
    CHECK(offered.capabilities({}) == "BASE CONDITION");

    Extensions without;
    without.withdraw("IMAP4rev1");
    Cursor flags("FLAGS"), seen("SEEN");
    CHECK_THROWS_AS(parse_fetch_items(flags, without), SyntaxError);
    CHECK_THROWS_AS(parse_search(seen, without), SyntaxError);
    CHECK_THROWS_AS(parse_status("INBOX (MESSAGES)", without), SyntaxError);
    CHECK_THROWS_AS(parse_store("1 FLAGS (\\Seen)", without), SyntaxError);
}

TEST_CASE("what needs ENABLE is there once it was enabled", "[imap][rfc5161]") {
    Extensions offered(kTable);
    CHECK_FALSE(offered.allows(Place::fetch, "MODSEQ"));
    CHECK_FALSE(offered.enable("BASE"));
    CHECK_FALSE(offered.enable("NONSENSE"));
    CHECK_FALSE(offered.allows(Place::fetch, "MODSEQ"));
    CHECK(offered.enable("condition"));
    CHECK(offered.allows(Place::fetch, "MODSEQ"));
    CHECK(offered.allows(Place::code, "HIGHESTMODSEQ"));
    Extensions withdrawn(kTable);
    withdrawn.withdraw("CONDITION");
    CHECK_FALSE(withdrawn.enable("CONDITION"));
    CHECK(parse_enable("condstore X-GOOD") == std::vector<std::string>{"CONDSTORE", "X-GOOD"});
    CHECK_THROWS_AS(parse_enable(""), SyntaxError);
    CHECK_THROWS_AS(parse_enable("a "), SyntaxError);
}

TEST_CASE("SELECT with a parameter that nothing brings", "[imap]") {
    CHECK(parse_select("INBOX").mailbox == "INBOX");
    CHECK_THROWS_AS(parse_select("INBOX (CONDSTORE)"), SyntaxError);
    CHECK_THROWS_AS(parse_select("INBOX x"), SyntaxError);
}
