#include "lib/store/storage.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/drop.h"
#include "test/unit/lib/store/fixture.h"
#include "test/unit/lib/store/memory_account.h"

using namespace store;
using store_test::Fixture;
using store_test::Uids;
namespace fs = std::filesystem;

TEST_CASE("mail_location names a kind and a path", "[store]") {
    struct Case {
        const char* text;
        const char* same_as;
    };
    for (const Case& c :
        {Case{"maildir:/a/b", "maildir:/a/b"}, Case{"/a/b", "maildir:/a/b"}, Case{"~/Mail", "maildir:~/Mail"},
            Case{"%h/Mail", "maildir:%h/Mail"}, Case{"maildir:/a:LAYOUT=fs:INDEX=/x", "maildir:/a"}}) {
        CAPTURE(c.text);
        auto location = parse_location(c.text);
        REQUIRE(location);
        CHECK(location->text() == c.same_as);
        CHECK(parse_location(location->text())->text() == c.same_as);
    }
    for (const char* bad : {"mbox:/var/mail/x", "maildir:", "maildir", "", "a/b", "Maildir:/x", ":/x"}) {
        CAPTURE(bad);
        auto location = parse_location(bad);
        REQUIRE_FALSE(location);
        CHECK(location.error().find("only maildir:PATH is known") != std::string::npos);
        auto account = open_account({bad, '.'});
        REQUIRE_FALSE(account);
        CHECK(account.error().kind == Failure::Kind::temporary);
    }
    CHECK(directory_beside("maildir:/a/b") == "/a/b");
    CHECK(directory_beside("mbox:/a/b").empty());
}

TEST_CASE("the same mail is one account, however it is named", "[store]") {
    Fixture f;
    CHECK(*open_account({"maildir:" + f.settings.location, '.'}) == f.account);
    CHECK(*open_account({f.settings.location + ":INDEX=none", '.'}) == f.account);
}

TEST_CASE("a message that waits has a file without a name", "[store]") {
    Fixture f;
    for (const std::string& location : {f.settings.location, std::string("maildir:/nowhere/at/all")}) {
        event::Fd file = scratch_file(location);
        REQUIRE(file);
        struct stat info {};
        REQUIRE(fstat(file.get(), &info) == 0);
        CHECK(info.st_nlink == 0);
        CHECK(write(file.get(), "x", 1) == 1);
    }
}

TEST_CASE("between accounts octets are copied, with flags, keywords and date; all or none", "[store]") {
    Fixture from, to;
    Delivery::Options options;
    options.date = 1000000000;
    options.flags = kAnswered | kSeen;
    options.keywords = {"work"};
    from.deliver("Subject: one\n\nlf\n", "INBOX", options);
    from.deliver("two");
    auto source = from.mailbox();
    auto target = to.mailbox();
    CHECK(&source->account() != &target->account());
    auto copied = source->copy({1, 2}, *target);
    REQUIRE(copied);
    CHECK(copied->from == Uids{1, 2});
    CHECK(copied->to == Uids{1, 2});
    CHECK(Fixture::uids(*target) == Uids{1, 2});
    CHECK(target->messages()->at(0).flags == (kAnswered | kSeen | keyword_bit(0)));
    CHECK(target->keywords() == std::vector<std::string>{"work"});
    CHECK(*target->internal_date(1) == 1000000000);
    CHECK(target->content(1)->text() == "Subject: one\n\nlf\n");
    auto refused = source->copy({1, 99}, *target);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Failure::Kind::not_found);
    CHECK(Fixture::uids(*target) == Uids{1, 2});
    REQUIRE(source->move({2}, *target));
    CHECK(Fixture::uids(*source) == Uids{1});
    CHECK(Fixture::uids(*target).size() == 3);
}

TEST_CASE("messages go from one kind of storage to another and back", "[store]") {
    Fixture files;
    store_test::MemoryAccount memory;
    Delivery::Options options;
    options.date = 1000000000;
    options.flags = kFlagged;
    options.keywords = {"a", "b"};
    files.deliver("Subject: one\r\n\r\n", "INBOX", options);
    auto source = files.mailbox();
    auto there = *memory.open("INBOX");
    REQUIRE(there->change_flags({}, FlagChange::add, 0, {"b"}));  // another place for it
    REQUIRE(source->move({1}, *there));
    CHECK(Fixture::uids(*source).empty());
    CHECK(format_flags(there->messages()->at(0).flags, there->keywords()) == "\\Flagged b a");
    auto back = there->copy({1}, *source);
    REQUIRE(back);
    CHECK(back->to == Uids{2});
    CHECK(format_flags(source->messages()->at(0).flags, source->keywords()) == "\\Flagged a b");
    CHECK(*source->internal_date(2) == 1000000000);
    CHECK(source->content(2)->text() == "Subject: one\r\n\r\n");
}

TEST_CASE("a drop is a message that nobody has counted yet", "[store]") {
    Fixture f;
    std::string path = f.root + "/dropped/";
    auto drop = find_drop(path);
    REQUIRE(drop);
    CHECK((*drop)->name == "maildir");
    {
        auto begun = (*drop)->begin(path);
        REQUIRE(begun);
        REQUIRE((*begun)->write("half"));
    }
    CHECK(fs::is_empty(path + "tmp"));
    CHECK(fs::is_empty(path + "new"));
    auto begun = (*drop)->begin(path);
    REQUIRE(begun);
    REQUIRE((*begun)->write("Subject: x\n\n"));
    REQUIRE((*begun)->write("body\n"));
    auto delivered = (*begun)->commit({});
    REQUIRE(delivered);
    CHECK(delivered->uid == 0);
    REQUIRE(std::distance(fs::directory_iterator(path + "new"), fs::directory_iterator()) == 1);
    std::string name = fs::directory_iterator(path + "new")->path().filename();
    CHECK(name.find(",S=17,W=20") != std::string::npos);
    for (const auto& entry : fs::directory_iterator(path))
        CHECK(fs::is_directory(entry));  // no index, no list
    f.settings.location = path;
    f.open();
    CHECK(Fixture::uids(*f.mailbox()) == Uids{1});
    CHECK(*f.mailbox()->virtual_size(1) == 20);

    auto one_file = find_drop(f.root + "/mbox");
    REQUIRE_FALSE(one_file);
    CHECK(one_file.error().kind == Failure::Kind::not_allowed);
    CHECK(one_file.error().text.find("does not end in a slash") != std::string::npos);
    auto no_parent = (*drop)->begin(f.root + "/a/b/c/");
    REQUIRE_FALSE(no_parent);
    CHECK(no_parent.error().kind == Failure::Kind::temporary);
    if (geteuid() == 0) {
        REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
        auto strange = (*drop)->begin(path);
        REQUIRE_FALSE(strange);
        CHECK(strange.error().text.find("does not belong to its user") != std::string::npos);
    }
}
