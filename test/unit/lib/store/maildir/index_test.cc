#include "lib/store/maildir/index.h"

#include <poll.h>
#include <sys/wait.h>

#include "test/unit/lib/store/maildir/temporary_maildir.h"

using namespace store;
using store_test::TemporaryMaildir;
namespace fs = std::filesystem;

namespace {

std::vector<Message> listed(Txn& txn, std::uint32_t box) {
    std::vector<Message> all, in_parts;
    txn.list_mail(box, all);
    txn.each_listed(box, [&in_parts](const Message* first, std::size_t count) {
        in_parts.insert(in_parts.end(), first, first + count);
        return true;
    });
    CHECK(in_parts == all);
    return all;
}

MailState state_with(Flags flags, Modseq modseq) {
    MailState state;
    state.flags = flags;
    state.modseq = modseq;
    return state;
}

}  // namespace

TEST_CASE("boxes are kept with their keywords", "[store]") {
    TemporaryMaildir f;
    auto index = Index::open(f.root.get(), "test");
    {
        Txn txn(*index, true);
        BoxRecord box;
        box.state.id = txn.new_box_id();
        box.state.uid_next = 9;
        box.state.highest_modseq = std::uint64_t{1} << 62;
        box.keywords = {"a", "", "c"};
        txn.put_box(".A", box);
        CHECK(txn.find_box_directory(box.state.id) == ".A");
        txn.commit();
    }
    Txn txn(*index, false);
    auto box = txn.find_box(".A");
    REQUIRE(box);
    CHECK(box->state.uid_next == 9);
    CHECK(box->state.highest_modseq == std::uint64_t{1} << 62);
    CHECK(box->keywords == std::vector<std::string>{"a", "", "c"});
    CHECK_FALSE(txn.find_box(".B"));
    CHECK_FALSE(txn.find_box_directory(box->state.id + 1));
}

TEST_CASE("messages and their list are of one mind", "[store]") {
    TemporaryMaildir f;
    auto index = Index::open(f.root.get(), "test");
    std::vector<Message> want;
    {
        Txn txn(*index, true);
        for (std::uint32_t uid : {1u, 2u, 127u, 128u, 129u, 4000000000u, UINT32_MAX - 1}) {
            txn.put_mail(7, uid, state_with(uid % 32, Modseq{1000} + uid), "name" + std::to_string(uid));
            want.push_back({uid, uid % 32, Modseq{1000} + uid});
        }
        txn.put_mail(8, 5, state_with(0, 1), "another box");
        CHECK(listed(txn, 7) == want);  // before the commit too
        txn.put_mail(7, 128, state_with(kSeen, 9999), "renamed");
        want[3] = {128, kSeen, 9999};
        txn.put_mail(7, 129, state_with(129 % 32, 8888), "name129");  // nothing but the modseq
        want[4].modseq = 8888;
        txn.remove_mail(7, 2);
        want.erase(want.begin() + 1);
        txn.commit();
    }
    {
        Txn txn(*index, false);
        CHECK(listed(txn, 7) == want);
        CHECK(listed(txn, 8).size() == 1);
        CHECK(listed(txn, 9).empty());
        CHECK(txn.find_mail(7, 128)->name == "renamed");
        CHECK_FALSE(txn.find_mail(7, 2));
        std::vector<std::uint32_t> from_128;
        txn.each_mail(7, 128, [&](std::uint32_t uid, const MailRecord&) {
            from_128.push_back(uid);
            return true;
        });
        CHECK(from_128 == std::vector<std::uint32_t>{128, 129, 4000000000u, UINT32_MAX - 1});
    }
    Txn txn(*index, true);
    txn.put_cache(7, 128, {"envelope", "", "structure"});
    CHECK(txn.find_cache(7, 128)->envelope == "envelope");
    CHECK(txn.find_cache(7, 128)->body.empty());
    CHECK(txn.find_cache(7, 128)->body_structure == "structure");
    txn.remove_all_mail(7);
    CHECK(listed(txn, 7).empty());
    CHECK_FALSE(txn.find_cache(7, 128));
    CHECK(listed(txn, 8).size() == 1);
}

TEST_CASE("what was not committed never was", "[store]") {
    TemporaryMaildir f;
    auto index = Index::open(f.root.get(), "test");
    {
        Txn txn(*index, true);
        txn.put_mail(7, 1, state_with(0, 1), "x");
    }
    Txn txn(*index, false);
    CHECK_FALSE(txn.find_mail(7, 1));
    CHECK(listed(txn, 7).empty());
}

TEST_CASE("an index is kept within one run, and made anew in another, or in another format, or damaged", "[store]") {
    TemporaryMaildir f;
    auto make = [&f] {
        auto index = Index::open(f.root.get(), "test");
        Txn txn(*index, true);
        txn.put_mail(7, 1, state_with(0, 1), "x");
        txn.commit();
    };
    auto survives = [&f] {
        auto index = Index::open(f.root.get(), "test");
        Txn txn(*index, false);
        return txn.find_mail(7, 1).has_value();
    };
    make();
    CHECK(survives());
    f.put("malleposte.index/incarnation", "another boot");
    CHECK_FALSE(survives());
    make();
    std::string incarnation = f.text("malleposte.index/incarnation");
    REQUIRE(incarnation.starts_with("format "));
    f.put("malleposte.index/incarnation", "format 4\n" + incarnation.substr(incarnation.find('\n') + 1));
    CHECK_FALSE(survives());
    make();
    f.put("malleposte.index/data.mdb", std::string(100000, 'x'));
    CHECK_FALSE(survives());
    make();
    auto open = Index::open(f.root.get(), "test");
    CHECK(open->is_current());
    fs::remove_all(f.path("malleposte.index"));
    CHECK_FALSE(open->is_current());
    CHECK_THROWS_AS(Txn(*open, true), IndexError);
    CHECK_NOTHROW(Txn(*open, false));  // who reads may go on reading what was
}

TEST_CASE("an index is not taken away from under a writer", "[store]") {
    TemporaryMaildir f;
    auto begun = Index::open(f.root.get(), "test");
    std::string format = f.text("malleposte.index/incarnation");
    f.put("malleposte.index/incarnation", "format 4\n" + format.substr(format.find('\n') + 1));
    // Another process, with another format, wants to make it anew.
    int said[2];
    REQUIRE(pipe(said) == 0);
    std::optional<Txn> writing(std::in_place, *begun, true);
    writing->put_mail(7, 1, state_with(0, 1), "x");
    pid_t child = fork();
    if (child == 0) {
        event::Fd root(::open(f.folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        auto anew = Index::open(root.get(), "test");
        _exit(write(said[1], "y", 1) == 1 ? 0 : 1);
    }
    pollfd ready{said[0], POLLIN, 0};
    CHECK(poll(&ready, 1, 200) == 0);
    CHECK(begun->is_current());
    writing->commit();
    writing.reset();
    CHECK(poll(&ready, 1, 10000) == 1);
    int status = 1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK_FALSE(begun->is_current());
    close(said[0]);
    close(said[1]);
}

TEST_CASE("an announced UID outlives the process that announced it", "[store]") {
    TemporaryMaildir f;
    auto index = Index::open(f.root.get(), "test");
    std::uint32_t id = 0;
    {
        Txn txn(*index, true);
        BoxRecord box;
        box.state.id = id = txn.new_box_id();
        box.state.uid_next = 5;
        txn.put_box(".", box);
        index->set_intent({id, 8});
        txn.commit();
    }
    index->clear_intent({id, 7});  // not that one
    CHECK(index->intent().uid == 8);
    index.reset();
    index = Index::open(f.root.get(), "test");
    CHECK(index->intent().box == id);
    index->settle_intent();
    CHECK(index->intent().box == 0);
    Txn txn(*index, false);
    CHECK(txn.find_box(".")->state.unsettled_uid == 8);
}
