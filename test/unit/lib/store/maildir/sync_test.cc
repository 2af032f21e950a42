// What a look at the directories makes of what others did to the files.
#include "lib/store/maildir/sync.h"

#include <fcntl.h>

#include <thread>

#include "test/unit/lib/store/fixture.h"

using namespace store;
using store_test::Fixture;
using store_test::Uids;
namespace fs = std::filesystem;

namespace {

struct Scan : Fixture {
    explicit Scan(int messages = 3) {
        for (int i = 0; i < messages; ++i)
            deliver("Subject: " + std::to_string(i) + "\r\n\r\n");
        box = mailbox();
        REQUIRE(box->claim_recent());
        names = files("cur");
    }

    // A directory that was changed in the instant in which it was read is read once more, a little later.
    std::vector<Message> look() {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        REQUIRE(box->refresh());
        auto messages = box->messages();
        REQUIRE(messages);
        return *messages;
    }
    Uids uids() {
        Uids all;
        for (const Message& message : look())
            all.push_back(message.uid);
        return all;
    }
    void move(const std::string& from, const std::string& to) const { fs::rename(path(from), path(to)); }

    std::unique_ptr<Mailbox> box;
    std::vector<std::string> names;
};

}  // namespace

TEST_CASE("a file that moves between the directories stays its message", "[store]") {
    Scan s;
    std::string base(maildir_base(s.names[1]));
    s.move("cur/" + s.names[1], "new/" + base);
    auto messages = s.look();
    REQUIRE(messages.size() == 3);
    CHECK(messages[1].uid == 2);
    s.move("new/" + base, "cur/" + base + ":2,RS");
    messages = s.look();
    CHECK(messages[1].flags == (kAnswered | kSeen));
    CHECK(s.box->content(2)->text() == "Subject: 1\r\n\r\n");
    // In both at once: a move by link and unlink that was cut in the middle.
    fs::create_hard_link(s.path("cur/" + base + ":2,RS"), s.path("new/" + base));
    CHECK(s.uids() == Uids{1, 2, 3});
    CHECK(s.look()[1].flags == (kAnswered | kSeen));
}

TEST_CASE("a message that was away is another one when it comes back", "[store]") {
    Scan s;
    s.move("cur/" + s.names[0], "kept");
    CHECK(s.uids() == Uids{2, 3});
    s.move("kept", "cur/" + s.names[0]);
    CHECK(s.uids() == Uids{2, 3, 4});
    s.restart(true);
    s.box = s.mailbox();
    CHECK(s.uids() == Uids{2, 3, 4});
}

TEST_CASE("who claims the same UID", "[store]") {
    Scan s;
    s.box.reset();
    s.account.reset();
    fs::remove_all(s.path("malleposte.index"));
    // A copy made by hand: the list knows the first one's name.
    fs::copy(s.path("cur/" + s.names[1]), s.path("cur/9999999999.M1P1Q1.host,S=14,W=14,U=2:2,F"));
    s.open();
    s.box = s.mailbox();
    auto messages = s.look();
    REQUIRE(messages.size() == 4);
    CHECK(messages[1] == Message{2, 0, messages[1].modseq});
    CHECK(messages[3].uid > 3);
    CHECK(messages[3].flags == kFlagged);
}

TEST_CASE("a list of UIDs that another program made anew begins another mailbox", "[store]") {
    Scan s;
    Modseq told = s.box->highest_modseq();
    auto list = parse_uid_list(s.file_text("dovecot-uidlist"));
    list.uid_validity += 5;
    list.uid_next = 1;
    list.modseq_next = 0;
    list.entries.clear();
    s.put_file("dovecot-uidlist", format_uid_list(list));
    auto refused = s.box->refresh();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Failure::Kind::not_found);
    s.box = s.mailbox();
    CHECK(s.box->status()->uid_validity == list.uid_validity);
    CHECK(s.uids() == Uids{1, 2, 3});
    CHECK(s.box->highest_modseq() > told);
    CHECK(*s.box->expunged_since(told) == std::nullopt);
}

TEST_CASE("a list with rubbish in it proves what it can", "[store]") {
    Scan s;
    s.box.reset();
    s.account.reset();
    fs::remove_all(s.path("malleposte.index"));
    auto list = parse_uid_list(s.file_text("dovecot-uidlist"));
    std::string text = "3 V" + std::to_string(list.uid_validity) + " N77 G" + list.guid +
                       "\nrubbish\n0 :x\n\n:\n99999999999 :y\n";
    text += "2 :" + std::string(maildir_base(s.names[1])) + "\n2 :somebody.else\n7 :cut.off";
    s.put_file("dovecot-uidlist", text);
    s.put_file("new/7000000000.cut.off", "z\n");
    s.open();
    s.box = s.mailbox();
    Uids uids = s.uids();
    REQUIRE(uids.size() == 4);
    CHECK(Uids(uids.begin(), uids.begin() + 3) == Uids{1, 2, 3});
    CHECK(uids[3] >= 77);
}

TEST_CASE("UIDs that a killed process had announced are used up", "[store]") {
    Scan s;
    auto folder = Folder::open(AT_FDCWD, s.settings.location, "INBOX");
    {
        auto index = Index::open(folder->self(), "test");
        Txn txn(*index, true);
        index->set_intent({txn.find_box(".")->state.id, 9});
    }
    CHECK(s.deliver() == 10);
    CHECK(s.uids() == Uids{1, 2, 3, 10});
}

TEST_CASE("many foreign messages get UIDs in the order of their delivery", "[store]") {
    Fixture f;
    for (int i = 0; i < 1500; ++i)
        f.put_file("new/" + std::to_string(1700000000 + (i * 7919) % 1500) + ".M1P1.host",
            "Subject: " + std::to_string(i) + "\n\n");
    auto box = f.mailbox();
    auto messages = box->messages();
    REQUIRE(messages);
    REQUIRE(messages->size() == 1500);
    CHECK(messages->back().uid == 1500);
    CHECK(box->content(1)->text() == "Subject: 0\n\n");
    Modseq modseq = messages->front().modseq;
    CHECK(std::ranges::all_of(*messages, [modseq](const Message& message) { return message.modseq == modseq; }));
    CHECK(parse_uid_list(f.file_text("dovecot-uidlist")).entries.size() == 1500);
    CHECK(box->status()->recent == 1500);
}
