#include "lib/store/maildir/uid_list.h"

#include <sys/stat.h>

#include "lib/store/thrown_failure.h"
#include "test/unit/lib/store/maildir/temporary_maildir.h"

using namespace store;
using store_test::TemporaryMaildir;

namespace {
constexpr const char* kGuid = "00112233445566778899aabbccddeeff";
}

TEST_CASE("dovecot-uidlist in all its forms", "[store]") {
    auto contents = parse_uid_list("3 V1700000000 N5 G00112233445566778899aabbccddeeff\n1 :a\n3 S10 W12 :b:2,S\nx\n");
    CHECK(contents.found);
    CHECK(contents.uid_validity == 1700000000);
    CHECK(contents.uid_next == 5);
    CHECK(contents.modseq_next == 0);
    CHECK(contents.guid == kGuid);
    CHECK(contents.lines == 3);
    REQUIRE(contents.entries.size() == 2);
    CHECK(contents.entries[1].uid == 3);
    CHECK(contents.entries[1].base == "b");
    CHECK(parse_uid_list("1 1700000000 9\n4 old\n").entries.at(0).base == "old");
    CHECK(parse_uid_list("3 V1 N2 Xsomething M77\n").modseq_next == 77);
    // A promise that is too low for what follows is raised, one without bounds is none.
    CHECK(parse_uid_list("3 V1 N2\n9 :a\n").uid_next == 10);
    CHECK(parse_uid_list("3 V1 N2 M18446744073709551615\n").modseq_next == 0);
    CHECK_FALSE(parse_uid_list("").found);
    CHECK_FALSE(parse_uid_list("rubbish").found);
    CHECK_FALSE(parse_uid_list("3 V0 N2\n").found);
}

TEST_CASE("what is written is read again", "[store]") {
    UidList::Contents contents;
    contents.uid_validity = 7;
    contents.uid_next = 300;
    contents.modseq_next = 1764500000000000;
    contents.guid = kGuid;
    contents.entries = {{1, "a"}, {250, "b,S=3"}};
    std::string text = format_uid_list(contents);
    CHECK(text.starts_with("3 V7 N0000000300 G00112233445566778899aabbccddeeff M0001764500000000000\n1 :a\n"));
    auto again = parse_uid_list(text);
    CHECK(again.uid_validity == 7);
    CHECK(again.uid_next == 300);
    CHECK(again.modseq_next == contents.modseq_next);
    CHECK(again.entries.size() == 2);
    CHECK(again.entries[1].base == "b,S=3");
}

TEST_CASE("promises are raised in place, lines added at the end", "[store]") {
    TemporaryMaildir f;
    UidList list(f.maildir->self(), "INBOX");
    CHECK_FALSE(list.read().found);
    CHECK_THROWS_AS(list.append({{1, "a"}}, false), ThrownFailure);
    UidList::Contents contents;
    contents.uid_validity = 7;
    contents.uid_next = 10;
    contents.guid = kGuid;
    list.rewrite(contents);
    struct stat before {
    }, after{};
    REQUIRE(list.identity(before));
    list.append({{1, "a"}, {2, "b"}}, true);
    list.raise(4000000000, 1764500000000000);
    REQUIRE(list.identity(after));
    CHECK(before.st_ino == after.st_ino);
    CHECK(f.text("dovecot-uidlist") ==
          "3 V7 N4000000000 G00112233445566778899aabbccddeeff M0001764500000000000\n1 :a\n2 :b\n");
    CHECK(f.names("") == std::vector<std::string>{"cur", "dovecot-uidlist", "new", "tmp"});
}

TEST_CASE("a list of Dovecot's, or of a build before modseqs, is written anew to raise a promise", "[store]") {
    for (const char* head :
        {"3 V7 N5 G00112233445566778899aabbccddeeff", "3 V7 N0000000005 G00112233445566778899aabbccddeeff",
            "3 V7 N5 M12 G00112233445566778899aabbccddeeff", "1 7 5"}) {
        CAPTURE(head);
        TemporaryMaildir f;
        f.put("dovecot-uidlist", std::string(head) + "\n3 :a\n");
        UidList list(f.maildir->self(), "INBOX");
        list.raise(600, 1764500000000000);
        auto contents = list.read();
        CHECK(contents.uid_validity == 7);
        CHECK(contents.uid_next == 600);
        CHECK(contents.modseq_next == 1764500000000000);
        REQUIRE(contents.entries.size() == 1);
        CHECK(contents.entries[0].uid == 3);
    }
}

TEST_CASE("a list that is no file is not read", "[store]") {
    TemporaryMaildir f;
    f.put("elsewhere", "3 V7 N5\n");
    std::filesystem::create_symlink(f.path("elsewhere"), f.path("dovecot-uidlist"));
    UidList list(f.maildir->self(), "INBOX");
    CHECK_THROWS_AS(list.read(), ThrownFailure);
    std::filesystem::remove(f.path("dovecot-uidlist"));
    REQUIRE(mkfifo(f.path("dovecot-uidlist").c_str(), 0600) == 0);
    CHECK_THROWS_AS(list.read(), ThrownFailure);
    CHECK_THROWS_AS(list.append({{1, "a"}}, false), ThrownFailure);
}
