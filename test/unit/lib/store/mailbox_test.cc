#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <set>
#include <thread>

#include "lib/store/maildir/name.h"
#include "lib/store/maildir/uid_list.h"
#include "test/unit/lib/store/fixture.h"

using namespace store;
using store_test::Fixture;
using store_test::Uids;
namespace fs = std::filesystem;

TEST_CASE("file names tell flags, sizes and UID", "[store]") {
    MaildirName name = parse_maildir_name("1.M2P3.host,S=10,W=12,U=7:2,FSa");
    CHECK(name.base == "1.M2P3.host,S=10,W=12,U=7");
    CHECK(name.flags == (kFlagged | kSeen | keyword_bit(0)));
    CHECK(name.size == 10u);
    CHECK(name.virtual_size == 12u);
    CHECK(name.uid == 7u);
    CHECK(maildir_info(kSeen | kFlagged | keyword_bit(25)) == ":2,FSz");
    CHECK(parse_maildir_name("x,S=a,U=99999999999").uid == std::nullopt);
    CHECK_FALSE(is_message_name(".x"));
    CHECK_FALSE(is_message_name("a\nb"));
}

TEST_CASE("dovecot-uidlist is read and written", "[store]") {
    auto contents = parse_uid_list("3 V1700000000 N5 G00112233445566778899aabbccddeeff\n1 :a\n3 S10 W12 :b:2,S\nx\n");
    CHECK(contents.uid_validity == 1700000000);
    CHECK(contents.uid_next == 5);
    REQUIRE(contents.entries.size() == 2);
    CHECK(contents.entries[1].uid == 3);
    CHECK(contents.entries[1].base == "b");
    CHECK(parse_uid_list("1 1700000000 9\n4 old\n").entries.at(0).base == "old");
    contents.lines = 0;
    auto again = parse_uid_list(format_uid_list(contents));
    CHECK(again.uid_next == 5);
    CHECK(again.entries.size() == 2);
}

TEST_CASE("a delivery is in new/ under its UID", "[store]") {
    Fixture f;
    CHECK(f.deliver() == 1);
    CHECK(f.deliver("a\nb\n") == 2);
    auto names = f.files("new");
    REQUIRE(names.size() == 2);
    CHECK(names[1].find(",S=4,W=6,U=2") != std::string::npos);
    CHECK(f.files("tmp").empty());
    auto inbox = f.mailbox();
    CHECK(Fixture::uids(*inbox) == Uids{1, 2});
    auto status = inbox->status();
    REQUIRE(status);
    CHECK(status->messages == 2);
    CHECK(status->recent == 2);
    CHECK(status->unseen == 2);
    CHECK(status->first_unseen == 1);
    CHECK(status->uid_next == 3);
    CHECK(inbox->claim_recent() == 1u);
    CHECK(inbox->claim_recent() == 3u);
    CHECK(f.files("new").empty());
    CHECK(f.files("cur").size() == 2);
    CHECK(*inbox->virtual_size(2) == 6);
    CHECK(inbox->content(2)->text() == "a\nb\n");
    CHECK(*inbox->answer(1, Answer::envelope) == R"((NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL))");
}

TEST_CASE("an abandoned delivery leaves nothing", "[store]") {
    Fixture f;
    {
        auto box = f.mailbox();
        auto delivery = box->deliver();
        REQUIRE(delivery);
        REQUIRE((*delivery)->write("half"));
    }
    CHECK(f.files("tmp").empty());
    CHECK(f.files("new").empty());
}

TEST_CASE("UIDs survive the loss of the index, and none is used twice", "[store]") {
    Fixture f;
    f.put_file("cur/1000.M1P1.host,S=4:2,S", "old\n");
    f.put_file("new/1001.M1P1.host,S=4", "new\n");
    CHECK(f.deliver() == 3);
    CHECK(f.deliver() == 4);
    auto validity = f.mailbox()->status()->uid_validity;
    for (int round = 0; round < 3; ++round) {
        f.restart(true);
        auto box = f.mailbox();
        CHECK(Fixture::uids(*box) == Uids{1, 2, 3, 4});
        CHECK(box->status()->uid_validity == validity);
    }
    {
        auto box = f.mailbox();
        REQUIRE(box->expunge({4}));
    }
    f.restart(true);
    auto next = f.deliver();
    CHECK(next > 4);
    auto box = f.mailbox();
    CHECK(Fixture::uids(*box) == Uids{1, 2, 3, next});
    box.reset();
    fs::remove(f.path("dovecot-uidlist"));
    box = f.mailbox();
    CHECK(Fixture::uids(*box) == Uids{1, 2, 3, next});
    CHECK(parse_uid_list(f.file_text("dovecot-uidlist")).entries.size() == 4);
}

TEST_CASE("a Dovecot Maildir is taken over with its UIDs, keywords and UIDVALIDITY", "[store]") {
    Fixture f;
    f.put_file("cur/b.host:2,Sa", "x\n");
    f.put_file("cur/a.host:2,", "x\n");
    f.put_file("cur/c.host:2,", "x\n");
    f.put_file("dovecot-uidlist", "3 V1234567890 N50 G00112233445566778899aabbccddeeff\n7 :b.host\n9 W4 :a.host\n");
    f.put_file("dovecot-keywords", "0 work\n1 home\n");
    auto box = f.mailbox();
    CHECK(Fixture::uids(*box) == Uids{7, 9, 50});
    CHECK(box->status()->uid_validity == 1234567890);
    CHECK(box->keywords() == std::vector<std::string>{"work", "home"});
    CHECK(box->messages()->at(0).flags == (kSeen | keyword_bit(0)));
    auto list = parse_uid_list(f.file_text("dovecot-uidlist"));
    CHECK(list.entries.size() == 3);
    CHECK(list.uid_next > 50);
    CHECK(list.guid == "00112233445566778899aabbccddeeff");
}

TEST_CASE("what others do to the files is noticed", "[store]") {
    Fixture f;
    f.deliver();
    f.deliver();
    auto box = f.mailbox();
    REQUIRE(box->claim_recent());
    auto before = box->highest_modseq();
    auto names = f.files("cur");
    fs::rename(f.path("cur/" + names[0]), f.path("cur/" + names[0] + "FS"));
    fs::remove(f.path("cur/" + names[1]));
    f.put_file("new/9999999999.foreign", "Subject: f\n\nx\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    REQUIRE(box->refresh());
    CHECK(box->highest_modseq() != before);
    auto messages = box->messages();
    REQUIRE(messages);
    auto now = box->highest_modseq();
    CHECK(*messages == std::vector<Message>{{1, kFlagged | kSeen, now}, {3, 0, now}});
    CHECK(box->status()->unseen == 1);
    CHECK(*box->virtual_size(3) == 17);
}

TEST_CASE("a message that is renamed under a reader is found again, a removed one is not another", "[store]") {
    Fixture f;
    f.deliver("Subject: one\r\n\r\n1\r\n");
    f.deliver("Subject: two\r\n\r\n2\r\n");
    auto box = f.mailbox();
    REQUIRE(box->claim_recent());
    auto names = f.files("cur");
    fs::rename(f.path("cur/" + names[0]), f.path("cur/" + names[0] + "S"));
    fs::remove(f.path("cur/" + names[1]));
    CHECK(box->content(1)->text() == "Subject: one\r\n\r\n1\r\n");
    auto gone = box->content(2);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind == Failure::Kind::not_found);
}

TEST_CASE("a message whose flags somebody changes all the time is read every time", "[store]") {
    Fixture f;
    for (int i = 0; i < 20; ++i)
        f.deliver("Subject: x\r\n\r\nbody " + std::to_string(i) + "\r\n");
    auto reader = f.mailbox();
    REQUIRE(reader->claim_recent());
    std::atomic<bool> stop{false};
    std::atomic<int> failed{0};
    std::thread changes([&] {
        auto writer = f.account->open("INBOX");
        std::vector<std::uint32_t> all;
        for (std::uint32_t uid = 1; uid <= 20; ++uid)
            all.push_back(uid);
        for (int i = 0; !stop; ++i) {
            if (!(*writer)->refresh() ||
                !(*writer)->change_flags(all, i % 2 ? FlagChange::remove : FlagChange::add, kSeen, {}))
                ++failed;
        }
    });
    for (int round = 0; round < 20; ++round) {
        for (std::uint32_t uid = 1; uid <= 20; ++uid) {
            auto content = reader->content(uid);
            if (!content || content->text() != "Subject: x\r\n\r\nbody " + std::to_string(uid - 1) + "\r\n" ||
                !reader->internal_date(uid))
                ++failed;
        }
        reader->rest();
    }
    stop = true;
    changes.join();
    CHECK(failed == 0);
}

TEST_CASE("flags and keywords are in the file's name", "[store]") {
    Fixture f;
    f.deliver();
    auto box = f.mailbox();
    auto changed = box->change_flags({1}, FlagChange::add, kSeen | kFlagged, {"Work"});
    REQUIRE(changed);
    CHECK(changed->at(0).flags == (kSeen | kFlagged | keyword_bit(0)));
    CHECK(f.files("cur").at(0).ends_with(":2,FSa"));
    CHECK(f.file_text("dovecot-keywords") == "0 Work\n");
    REQUIRE(box->change_flags({1}, FlagChange::remove, kSeen, {"work"}));
    CHECK(f.files("cur").at(0).ends_with(":2,F"));
    REQUIRE(box->change_flags({1}, FlagChange::replace, kDraft, {}));
    CHECK(f.files("cur").at(0).ends_with(":2,D"));
    CHECK(format_flags(kSeen | keyword_bit(0), box->keywords()) == "\\Seen Work");
    // E22
    std::vector<std::string> many;
    for (int i = 0; i < 100; ++i)
        many.push_back("k" + std::to_string(i));
    auto refused = box->change_flags({1}, FlagChange::add, 0, many);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Failure::Kind::limit);
}

TEST_CASE("copy and move keep flags, keywords and date, all or none", "[store]") {
    Fixture f;
    Delivery::Options options;
    options.date = 1000000000;
    options.flags = kAnswered;
    options.keywords = {"a", "b"};
    f.deliver("one", "INBOX", options);
    f.deliver("two");
    REQUIRE(f.account->create("Target"));
    auto inbox = f.mailbox();
    auto target = f.mailbox("Target");
    REQUIRE(target->change_flags({}, FlagChange::add, 0, {"b"}));
    auto copied = inbox->copy({1, 2}, *target);
    REQUIRE(copied);
    CHECK(copied->to == Uids{1, 2});
    CHECK(copied->uid_validity == target->status()->uid_validity);
    CHECK(Fixture::uids(*target) == Uids{1, 2});
    CHECK(target->messages()->at(0).flags == (kAnswered | keyword_bit(0) | keyword_bit(1)));
    CHECK(*target->internal_date(1) == 1000000000);
    CHECK(target->content(1)->text() == "one");
    auto moved = inbox->move({1}, *target);
    REQUIRE(moved);
    CHECK(moved->to == Uids{3});
    CHECK(Fixture::uids(*inbox) == Uids{2});
    auto within = inbox->copy({2}, *inbox);
    REQUIRE(within);
    CHECK(Fixture::uids(*inbox) == Uids{2, 3});
    auto refused = inbox->copy({2, 99}, *target);
    CHECK_FALSE(refused);
    CHECK(Fixture::uids(*target) == Uids{1, 2, 3});
    f.restart(true);
    CHECK(Fixture::uids(*f.mailbox("Target")) == Uids{1, 2, 3});
}

TEST_CASE("E9, G18: mailbox names stay inside the mail root", "[store]") {
    Fixture f;
    for (const std::string& bad : {std::string("../../etc/x"), std::string("a/../../b"), std::string("/etc/x"),
             std::string("~root/x"), std::string("a//b"), std::string(".."), std::string("a..b"), std::string("a\0b", 3),
             std::string(""), std::string("."), std::string(5000, 'x'), std::string("&AGEAYg-"), std::string("&"),
             std::string("&AAo-"), std::string("a\xC3\xA4"), std::string(".a")}) {
        auto made = f.account->create(bad);
        CAPTURE(bad);
        REQUIRE_FALSE(made);
        CHECK(made.error().kind == Failure::Kind::bad_name);
    }
    std::string deep = "a";
    for (int i = 0; i < 1000; ++i)
        deep += ".a";
    CHECK(f.account->create(deep).error().kind == Failure::Kind::bad_name);
    CHECK(f.account->create("new"));
    auto cur = f.account->open("cur");
    REQUIRE_FALSE(cur);
    CHECK(cur.error().kind == Failure::Kind::not_found);
    CHECK(f.account->create("inbox").error().kind == Failure::Kind::exists);
    CHECK(f.account->remove("InBoX").error().kind == Failure::Kind::not_allowed);
}

TEST_CASE("folders are made, renamed with their children, and removed", "[store]") {
    Fixture f;
    REQUIRE(f.account->create("A"));
    REQUIRE(f.account->create("A.b"));
    REQUIRE(f.account->create("p&AOQA5A-"));
    f.deliver("x", "A.b");
    auto validity = f.mailbox("A.b")->status()->uid_validity;
    CHECK(f.mailbox("A")->status()->uid_validity != validity);
    REQUIRE(f.account->rename("A", "Z.y"));
    CHECK(*f.account->list() == std::vector<std::string>{"INBOX", "Z.y", "Z.y.b", "p&AOQA5A-"});
    CHECK(f.mailbox("Z.y.b")->status()->uid_validity == validity);
    CHECK(Fixture::uids(*f.mailbox("Z.y.b")) == Uids{1});
    CHECK(f.account->rename("Z.y", "Z.y.q").error().kind == Failure::Kind::bad_name);
    CHECK(f.account->rename("none", "q").error().kind == Failure::Kind::not_found);
    auto open = f.mailbox("Z.y.b");
    REQUIRE(f.account->remove("Z.y.b"));
    CHECK(open->refresh().error().kind == Failure::Kind::not_found);
    REQUIRE(f.account->create("Z.y.b"));
    CHECK(open->refresh().error().kind == Failure::Kind::not_found);
    CHECK(f.mailbox("Z.y.b")->status()->messages == 0);
    f.deliver("y");
    REQUIRE(f.account->rename("INBOX", "old"));
    CHECK(Fixture::uids(*f.mailbox()).empty());
    CHECK(Fixture::uids(*f.mailbox("old")) == Uids{1});
}

TEST_CASE("subscriptions", "[store]") {
    Fixture f;
    REQUIRE(f.account->subscribe("A.b", true));
    REQUIRE(f.account->subscribe("inbox", true));
    REQUIRE(f.account->subscribe("A.b", true));
    CHECK(*f.account->subscriptions() == std::vector<std::string>{"A.b", "INBOX"});
    CHECK(f.file_text("subscriptions") == "V\t2\n\nA\tb\nINBOX\n");
    REQUIRE(f.account->subscribe("A.b", false));
    CHECK(*f.account->subscriptions() == std::vector<std::string>{"INBOX"});
    f.put_file("subscriptions", "x.y\nZ\n");
    CHECK(*f.account->subscriptions() == std::vector<std::string>{"Z", "x.y"});
}

TEST_CASE("G14: what is no message file is passed over, and nothing is followed", "[store]") {
    Fixture f;
    f.deliver();
    fs::create_directory(f.path("cur/directory:2,"));
    fs::create_symlink("/etc/passwd", f.path("cur/link:2,S"));
    REQUIRE(mkfifo(f.path("cur/fifo:2,").c_str(), 0600) == 0);
    f.put_file("cur/line\nbreak:2,", "x");
    f.put_file("cur/odd:2,ZZ9!", "odd\n");
    auto box = f.mailbox();
    CHECK(Fixture::uids(*box) == Uids{1, 2});
    REQUIRE(f.account->create("trap"));
    fs::remove_all(f.path(".trap/new"));
    fs::create_symlink("/etc", f.path(".trap/new"));
    box.reset();
    f.restart(false);
    auto trapped = f.account->open("trap");
    CHECK_FALSE(trapped);
}

TEST_CASE("E29: the last UID is never passed", "[store]") {
    Fixture f;
    f.put_file("dovecot-uidlist", "3 V1234567890 N4294967295 G00112233445566778899aabbccddeeff\n");
    auto box = f.account->open("INBOX");
    REQUIRE(box);
    auto delivery = (*box)->deliver();
    REQUIRE(delivery);
    REQUIRE((*delivery)->write("x"));
    auto delivered = (*delivery)->commit({});
    REQUIRE_FALSE(delivered);
    CHECK(delivered.error().kind == Failure::Kind::temporary);
    CHECK(f.files("new").empty());
}

TEST_CASE("a number in the name of a copied file is not believed", "[store]") {
    Fixture f;
    f.deliver();
    f.put_file("cur/2000000000.copy,U=4000000000:2,", "x\n");
    auto box = f.mailbox();
    CHECK(Fixture::uids(*box) == Uids{1, 2});
    f.restart(true);
    CHECK(Fixture::uids(*f.mailbox()) == Uids{1, 2});
}

TEST_CASE("threads and processes deliver into one mailbox without losing or repeating a UID", "[store]") {
    Fixture f;
    f.account.reset();
    constexpr int kProcesses = 3, kThreads = 3, kEach = 20;
    std::vector<pid_t> children;
    for (int p = 0; p < kProcesses; ++p) {
        pid_t child = fork();
        if (child == 0) {
            std::vector<std::thread> threads;
            std::atomic<int> failed{0};
            for (int t = 0; t < kThreads; ++t)
                threads.emplace_back([&] {
                    for (int i = 0; i < kEach; ++i) {
                        auto delivery = begin_delivery(f.settings, "INBOX");
                        if (!delivery || !(*delivery)->write("Subject: x\r\n\r\n") || !(*delivery)->commit({}))
                            ++failed;
                    }
                });
            for (auto& thread : threads)
                thread.join();
            _exit(failed == 0 ? 0 : 1);
        }
        children.push_back(child);
    }
    for (pid_t child : children) {
        int status = 1;
        waitpid(child, &status, 0);
        CHECK(status == 0);
    }
    f.open();
    auto box = f.mailbox();
    auto uids = Fixture::uids(*box);
    CHECK(uids.size() == kProcesses * kThreads * kEach);
    CHECK(std::set<std::uint32_t>(uids.begin(), uids.end()).size() == uids.size());
    f.restart(true);
    CHECK(Fixture::uids(*f.mailbox()) == uids);
}

TEST_CASE("killed deliverers leave whole messages and unique UIDs", "[store]") {
    Fixture f;
    f.account.reset();
    std::set<std::uint32_t> seen;
    for (int round = 0; round < 20; ++round) {
        pid_t child = fork();
        if (child == 0) {
            for (;;) {
                auto delivery = begin_delivery(f.settings, "INBOX");
                if (delivery && (*delivery)->write("Subject: x\r\n\r\nwhole\r\n"))
                    (void)(*delivery)->commit({});
            }
        }
        usleep(static_cast<useconds_t>(3000 + round * 700));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
    f.open();
    auto box = f.mailbox();
    auto uids = Fixture::uids(*box);
    CHECK(std::set<std::uint32_t>(uids.begin(), uids.end()).size() == uids.size());
    CHECK(uids.size() == f.files("new").size());
    for (const std::string& name : f.files("new"))
        CHECK(f.file_text("new/" + name) == "Subject: x\r\n\r\nwhole\r\n");
    for (std::size_t i = 0; i < uids.size(); ++i) {
        auto name = parse_maildir_name(f.files("new")[i]);
        REQUIRE(name.uid);
    }
    box.reset();
    f.restart(true);
    CHECK(Fixture::uids(*f.mailbox()) == uids);
}

TEST_CASE("an index that is rubbish is made anew", "[store]") {
    Fixture f;
    f.deliver();
    f.account.reset();
    f.put_file("malleposte.index/data.mdb", std::string(100000, 'x'));
    f.open();
    CHECK(Fixture::uids(*f.mailbox()) == Uids{1});
    CHECK(f.deliver() > 1);
}
