// Modseqs and the expunge log, as whoever tells clients of them sees it.
#include <thread>

#include "lib/store/maildir/expunge_log.h"
#include "lib/store/maildir/uid_list.h"
#include "test/unit/lib/store/fixture.h"

using namespace store;
using store_test::Fixture;
using store_test::Uids;
namespace fs = std::filesystem;

namespace {

Modseq of(Mailbox& mailbox, std::uint32_t uid) {
    REQUIRE(mailbox.refresh());
    auto messages = mailbox.messages();
    REQUIRE(messages);
    for (const Message& message : *messages) {
        if (message.uid == uid)
            return message.modseq;
    }
    return 0;
}

std::optional<std::vector<UidRange>> gone(Mailbox& mailbox, Modseq since) {
    auto result = mailbox.expunged_since(since);
    REQUIRE(result);
    return *result;
}

using Ranges = std::vector<UidRange>;

// Files that are changed in the instant in which a directory was read are seen a moment later.
void let_time_stamps_move() { std::this_thread::sleep_for(std::chrono::milliseconds(30)); }

}  // namespace

TEST_CASE("every change raises the highest modseq, and what it touched bears it", "[store][rfc7162]") {
    Fixture f;
    f.deliver();
    auto box = f.mailbox();
    Modseq first = box->highest_modseq();
    CHECK(of(*box, 1) == first);
    f.deliver();
    f.deliver();
    REQUIRE(box->refresh());
    CHECK(box->highest_modseq() == first + 2);
    CHECK(of(*box, 3) == first + 2);
    auto changed = box->change_flags({1, 2}, FlagChange::add, kSeen, {});
    REQUIRE(changed);
    CHECK(box->highest_modseq() == first + 3);
    CHECK(*changed == std::vector<Message>{{1, kSeen, first + 3}, {2, kSeen, first + 3}});
    CHECK(of(*box, 3) == first + 2);
    // Nothing is changed by what is so already.
    changed = box->change_flags({1, 3}, FlagChange::add, kSeen, {});
    REQUIRE(changed);
    CHECK(*changed == std::vector<Message>{{1, kSeen, first + 3}, {3, kSeen, first + 4}});
    REQUIRE(box->change_flags({1}, FlagChange::add, kSeen, {}));
    CHECK(box->highest_modseq() == first + 4);
    REQUIRE(box->claim_recent());
    CHECK(box->highest_modseq() == first + 4);
    REQUIRE(box->expunge({2}));
    CHECK(box->highest_modseq() == first + 5);
    CHECK(box->status()->highest_modseq == first + 5);
    REQUIRE(box->expunge({2}));
    CHECK(box->highest_modseq() == first + 5);
}

TEST_CASE("copies have the target's modseqs, moves leave a trace in the source", "[store][rfc7162]") {
    Fixture f;
    for (int i = 0; i < 3; ++i)
        f.deliver();
    REQUIRE(f.account->create("T"));
    auto inbox = f.mailbox();
    auto target = f.mailbox("T");
    Modseq source_before = inbox->highest_modseq(), target_before = target->highest_modseq();
    REQUIRE(inbox->copy({1, 2}, *target));
    CHECK(target->highest_modseq() == target_before + 1);
    CHECK(of(*target, 2) == target_before + 1);
    REQUIRE(inbox->refresh());
    CHECK(inbox->highest_modseq() == source_before);
    REQUIRE(inbox->move({2, 3}, *target));
    CHECK(inbox->highest_modseq() == source_before + 1);
    CHECK(gone(*inbox, source_before) == Ranges{{2, 3}});
    CHECK(gone(*inbox, source_before + 1) == Ranges{});
    CHECK(of(*target, 4) == target_before + 2);
    // Into itself: new and gone by one change.
    REQUIRE(inbox->move({1}, *inbox));
    CHECK(inbox->highest_modseq() == source_before + 2);
    CHECK(of(*inbox, 4) == source_before + 2);
    CHECK(gone(*inbox, source_before) == Ranges{{1, 3}});
}

TEST_CASE("what other programs do gets a modseq when it is seen", "[store][rfc7162]") {
    Fixture f;
    for (int i = 0; i < 4; ++i)
        f.deliver();
    auto box = f.mailbox();
    REQUIRE(box->claim_recent());
    REQUIRE(box->change_flags({4}, FlagChange::add, 0, {"work"}));
    Modseq before = box->highest_modseq();
    auto names = f.files("cur");
    fs::rename(f.path("cur/" + names[0]), f.path("cur/" + names[0] + "S"));
    fs::remove(f.path("cur/" + names[1]));
    f.put_file("new/9999999999.foreign", "x\n\ny\n");
    let_time_stamps_move();
    REQUIRE(box->refresh());
    CHECK(box->highest_modseq() == before + 1);
    CHECK(of(*box, 1) == before + 1);
    CHECK(of(*box, 3) < before);
    CHECK(of(*box, 5) == before + 1);
    CHECK(gone(*box, before) == Ranges{{2, 2}});
    // From new/ to cur/ is no change that a client could see.
    fs::rename(f.path("new/9999999999.foreign"), f.path("cur/9999999999.foreign:2,"));
    let_time_stamps_move();
    REQUIRE(box->refresh());
    CHECK(box->highest_modseq() == before + 1);
    // A letter that means another keyword.
    f.put_file("dovecot-keywords", "0 play\n");
    REQUIRE(box->refresh());
    CHECK(of(*box, 4) == before + 2);
    CHECK(of(*box, 1) == before + 1);
}

TEST_CASE("no modseq comes back, whatever is lost", "[store][rfc7162]") {
    Fixture f;
    f.deliver();
    f.deliver();
    Modseq told = 0;
    auto change = [&](Fixture& fixture) {
        auto box = fixture.mailbox();
        auto list = box->messages();
        Flags wanted = list->at(0).flags ^ kFlagged;
        REQUIRE(box->change_flags({1}, FlagChange::replace, wanted, {}));
        CHECK(box->highest_modseq() > told);
        told = box->highest_modseq();
        CHECK(of(*box, 1) == told);
    };
    change(f);
    SECTION("nothing") {
        f.restart(false);
        CHECK(f.mailbox()->highest_modseq() == told);
    }
    SECTION("the index") {
        f.restart(true);
        auto box = f.mailbox();
        CHECK(box->highest_modseq() > told);
        // Everything may have changed; what went is not known.
        CHECK(of(*box, 2) > told);
        CHECK(gone(*box, told) == std::nullopt);
        CHECK(gone(*box, box->highest_modseq()) == Ranges{});
    }
    SECTION("the index, and the clock goes back: the list has promised") {
        auto list = parse_uid_list(f.file_text("dovecot-uidlist"));
        CHECK(list.modseq_next > told);
        f.account.reset();
        list.modseq_next = told + 5'000'000'000'000'000;
        f.put_file("dovecot-uidlist", format_uid_list(list));
        f.restart(true);
        told = list.modseq_next - 1;
        CHECK(f.mailbox()->highest_modseq() > told);
    }
    SECTION("the index, and Dovecot or a build before wrote a list without the promise") {
        auto list = parse_uid_list(f.file_text("dovecot-uidlist"));
        f.account.reset();
        std::string text = "3 V" + std::to_string(list.uid_validity) + " N3 G" + list.guid + "\n";
        for (const UidListEntry& entry : list.entries)
            text += std::to_string(entry.uid) + " :" + entry.base + "\n";
        f.put_file("dovecot-uidlist", text);
        f.restart(true);
        CHECK(f.mailbox()->status()->uid_validity == list.uid_validity);
        CHECK(parse_uid_list(f.file_text("dovecot-uidlist")).modseq_next > f.mailbox()->highest_modseq());
    }
    for (int round = 0; round < 3; ++round) {
        change(f);
        f.restart(round % 2 == 0);
    }
    CHECK(Fixture::uids(*f.mailbox()) == Uids{1, 2});
}

TEST_CASE("an index of another format is made anew: UIDs stay, modseqs rise", "[store]") {
    Fixture f;
    f.put_file("cur/1000.M1P1.host:2,S", "old\n");
    f.deliver();
    REQUIRE(f.mailbox()->expunge({1}));
    f.deliver();
    auto box = f.mailbox();
    auto validity = box->status()->uid_validity;
    Modseq told = box->highest_modseq();
    box.reset();
    f.account.reset();
    // The build before wrote no format into it; a later one writes another.
    for (const char* format : {"", "format 4711\n"}) {
        std::string text = f.file_text("malleposte.index/incarnation");
        f.put_file("malleposte.index/incarnation", format + text.substr(text.find('\n') + 1));
        f.open();
        box = f.mailbox();
        CHECK(Fixture::uids(*box) == Uids{2, 3});
        CHECK(box->status()->uid_validity == validity);
        CHECK(box->highest_modseq() > told);
        told = box->highest_modseq();
        box.reset();
        f.account.reset();
    }
    f.open();
    CHECK(f.deliver() > 3);
}

TEST_CASE("the expunge log tells, and says when it cannot", "[store][rfc7162]") {
    Fixture f;
    for (int i = 0; i < 10; ++i)
        f.deliver();
    auto box = f.mailbox();
    Modseq before = box->highest_modseq();
    REQUIRE(box->expunge({9, 2, 3}));
    REQUIRE(box->expunge({4}));
    REQUIRE(box->expunge({10}));
    CHECK(gone(*box, before) == Ranges{{2, 4}, {9, 10}});
    CHECK(gone(*box, before + 1) == Ranges{{4, 4}, {10, 10}});
    CHECK(gone(*box, before + 3) == Ranges{});
    CHECK(gone(*box, before + 100) == Ranges{});
    CHECK(gone(*box, UINT64_MAX) == Ranges{});
    CHECK(gone(*box, 0) == std::nullopt);
    CHECK(gone(*box, 1) == std::nullopt);
    f.restart(false);
    box = f.mailbox();
    CHECK(gone(*box, before) == Ranges{{2, 4}, {9, 10}});
    // A mailbox that takes another's place has no log of that one.
    REQUIRE(f.account->create("A"));
    f.deliver("x", "A");
    REQUIRE(f.mailbox("A")->expunge({1}));
    REQUIRE(f.account->rename("A", "B"));
    Modseq highest = f.mailbox("B")->highest_modseq();
    CHECK(gone(*f.mailbox("B"), highest - 1) == Ranges{{1, 1}});
    REQUIRE(f.account->remove("B"));
    REQUIRE(f.account->create("B"));
    CHECK(gone(*f.mailbox("B"), highest - 1) == std::nullopt);
}
