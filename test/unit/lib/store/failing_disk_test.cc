// The index cannot be written: what was asked for is done or is not, and the answer says which.
#include <signal.h>
#include <sys/resource.h>

#include "test/unit/lib/store/fixture.h"

using namespace store;
using store_test::Fixture;
using store_test::Uids;
namespace fs = std::filesystem;

namespace {

// As long as it lives, no file can be written beyond its first octets: the index not at all, the small files still.
class FullDisk {
  public:
    FullDisk() {
        signal(SIGXFSZ, SIG_IGN);
        REQUIRE(getrlimit(RLIMIT_FSIZE, &before_) == 0);
        rlimit small = before_;
        small.rlim_cur = 8192;
        REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    }
    ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

  private:
    rlimit before_{};
};

struct Filled : Fixture {
    Filled() {
        for (int i = 0; i < 5; ++i)
            deliver("Subject: " + std::to_string(i) + "\r\n\r\n");
        REQUIRE(account->create("T"));
        deliver("x", "T");
        inbox = mailbox();
        REQUIRE(inbox->claim_recent());
        target = mailbox("T");
        REQUIRE(target->claim_recent());
        inbox_files = files("cur");
        target_files = files(".T/cur");
    }

    void check_untouched() {
        CHECK(files("cur") == inbox_files);
        CHECK(files(".T/cur") == target_files);
        CHECK(files("new").empty());
        CHECK(files("tmp").empty());
        CHECK(Fixture::uids(*inbox) == Uids{1, 2, 3, 4, 5});
        CHECK(Fixture::uids(*target) == Uids{1});
    }

    std::unique_ptr<Mailbox> inbox, target;
    std::vector<std::string> inbox_files, target_files;
};

template <class T>
void check_no_space(const Result<T>& result) {
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == Failure::Kind::no_space);
}

}  // namespace

TEST_CASE("COPY and MOVE are all or nothing when the index cannot be written", "[store][rfc3501:6.4.7]") {
    Filled f;
    for (bool move : {false, true}) {
        CAPTURE(move);
        {
            FullDisk full;
            check_no_space(move ? f.inbox->move({1, 2, 3}, *f.target) : f.inbox->copy({1, 2, 3}, *f.target));
        }
        f.check_untouched();
    }
    auto copied = f.inbox->copy({1, 2, 3}, *f.target);
    REQUIRE(copied);
    CHECK(Fixture::uids(*f.target).size() == 4);
    auto moved = f.inbox->move({1}, *f.target);
    REQUIRE(moved);
    CHECK(moved->to.at(0) > copied->to.at(2));
    CHECK(Fixture::uids(*f.inbox) == Uids{2, 3, 4, 5});
}

TEST_CASE("a delivery that the index cannot take is not there", "[store]") {
    Filled f;
    {
        FullDisk full;
        auto delivery = f.inbox->deliver();
        REQUIRE(delivery);
        REQUIRE((*delivery)->write("Subject: new\r\n\r\n"));
        check_no_space((*delivery)->commit({}));
    }
    f.check_untouched();
    CHECK(f.deliver() > 5);
}

TEST_CASE("flags that the index cannot take are not set", "[store]") {
    Filled f;
    {
        FullDisk full;
        check_no_space(f.inbox->change_flags({1, 3}, FlagChange::add, kSeen, {}));
    }
    f.check_untouched();
    CHECK(f.inbox->messages()->at(0).flags == 0);
    REQUIRE(f.inbox->change_flags({1, 3}, FlagChange::add, kSeen, {}));
    CHECK(f.inbox->messages()->at(2).flags == kSeen);
}

TEST_CASE("mailboxes that the index cannot take are not made, renamed or removed", "[store]") {
    Filled f;
    REQUIRE(f.account->create("T.child"));
    const std::vector<std::string> before = *f.account->list();
    {
        FullDisk full;
        check_no_space(f.account->create("New"));
        check_no_space(f.account->rename("T", "Z"));
        check_no_space(f.account->remove("T"));
        check_no_space(f.account->rename("INBOX", "Old"));
    }
    CHECK(*f.account->list() == before);
    f.check_untouched();
    REQUIRE(f.account->rename("T", "Z"));
    CHECK(*f.account->list() == std::vector<std::string>{"INBOX", "Z", "Z.child"});
}

TEST_CASE("what a killed process left of a deleted mailbox is swept up", "[store]") {
    Filled f;
    fs::create_directories(f.path("malleposte.deleted.1.2.3/cur"));
    f.put_file("malleposte.deleted.1.2.3/cur/x:2,S", "x");
    REQUIRE(f.account->remove("T"));
    for (const auto& entry : fs::directory_iterator(f.path("")))
        CHECK_FALSE(entry.path().filename().string().starts_with("malleposte.deleted"));
}
