// test/unit/local/system_users_test.cc - who a user of this host is, asked in a thread.
#include "local/system_users.h"

#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "test/support/catch.h"
#include "test/support/wait_for.h"

using local::SystemUsers;

TEST_CASE("users of this host", "[local]") {
    event::Loop loop;
    event::ThreadPool pool(loop, 2);
    SystemUsers users(pool);
    question::Asker asker(loop);
    question::Record record;
    asker.record = &record;
    SystemUsers::Found root = test::wait_for(loop, users.find(asker, "root"));
    REQUIRE(root.has_value());
    REQUIRE(root->has_value());
    CHECK((*root)->user == 0);
    CHECK((*root)->home == "/root");
    SystemUsers::Found nobody = test::wait_for(loop, users.find(asker, "no-such-user-here"));
    REQUIRE(nobody.has_value());
    CHECK_FALSE(nobody->has_value());
    CHECK(record.text() ==
          "users of this host: \"root\" -> home /root\nusers of this host: \"no-such-user-here\" -> not there\n");
}

TEST_CASE("a user database that takes too long is trouble, not an unknown user", "[local]") {
    event::Loop loop;
    event::ThreadPool pool(loop, 1);
    SystemUsers users(pool);
    std::mutex mutex;
    std::condition_variable changed;
    bool over = false;
    pool.post([&] {  // the only thread hangs
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return over; });
    });
    question::Asker asker(loop);
    asker.limit = std::chrono::milliseconds(20);
    std::optional<SystemUsers::Found> found;
    loop.spawn([](SystemUsers& users, const question::Asker& asker, std::optional<SystemUsers::Found>& found,
                   std::mutex& mutex, std::condition_variable& changed, bool& over) -> event::Task<void> {
        SystemUsers::Found answer = co_await users.find(asker, "root");
        found = std::move(answer);
        std::lock_guard lock(mutex);
        over = true;
        changed.notify_all();
    }(users, asker, found, mutex, changed, over));
    loop.run_until_idle();
    REQUIRE(found.has_value());
    REQUIRE_FALSE(found->has_value());
    CHECK(found->error() == "the user database cannot be read: no answer within 20 ms");
}
