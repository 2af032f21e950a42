#include "qmgr/scheduler.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>

#include "lib/queue/surgery.h"
#include "qmgr/address_routing.h"
#include "test/support/catch.h"
#include "test/support/later_table.h"
#include "test/support/test_data.h"
#include "test/unit/qmgr/fixture.h"

using qmgr_test::Fixture;

TEST_CASE("what the directories hold is delivered after a start", "[qmgr]") {
    Fixture f;
    f.write("AAAAA1", {"a@one.test", "b@one.test", "c@two.test"});
    f.write("AAAAA2", {"d@one.test"});
    f.start();
    CHECK(f.run_until([&] { return f.scheduler->active() == 0 && f.delivered.size() == 4; }));
    CHECK(f.where("AAAAA1") == "gone");
    CHECK(f.where("AAAAA2") == "gone");
    CHECK(f.requests == 3);  // two recipients of one domain travel together
}

TEST_CASE("a deferred recipient is tried again, a delivered one is not", "[qmgr]") {
    Fixture f;
    f.write("AAAAA1", {"a@one.test", "defer@one.test"});
    f.start();
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "deferred"; }));
    CHECK(f.delivered == std::vector<std::string>{"a@one.test"});
    const queue::Message stored = f.stored("AAAAA1");
    REQUIRE(stored.statuses.size() == 2);
    CHECK(stored.statuses[1].text == "as the name says");
    struct stat info {};
    stat("deferred/AAAAA1", &info);
    CHECK(info.st_mtim.tv_sec >= time(nullptr));

    f.scanner->flush_all();
    CHECK(f.run_until([&] { return f.order.size() == 2 && f.scheduler->active() == 0; }));
    CHECK(f.delivered.size() == 1);
}

TEST_CASE("a failure is reported before the message goes", "[qmgr]") {
    Fixture f;
    f.write("AAAAA1", {"bounce@one.test", "bounce2@two.test", "a@one.test"});
    f.start();
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "gone"; }));
    REQUIRE(f.bounces.size() == 1);
    CHECK(f.bounces[0].recipients.size() == 2);
    CHECK(f.bounces[0].recipients[0].dsn == "5.1.1");
}

TEST_CASE("without a report the message stays", "[qmgr]") {
    Fixture f;
    f.bounce_refuses = true;
    f.write("AAAAA1", {"bounce@one.test"});
    f.start();
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "deferred"; }));
    f.bounce_refuses = false;
    f.scanner->flush_all();
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "gone"; }));
    CHECK(f.order.size() == 1);  // the recipient was not tried a second time
    CHECK(f.bounces.size() == 2);
}

TEST_CASE("a dead destination keeps its mail and nobody else's", "[qmgr]") {
    Fixture f;
    f.params.initial_destination_concurrency.set(1);
    f.write("AAAAA1", {"dead@gone.test"});
    f.write("AAAAA2", {"dead@gone.test"});
    f.write("AAAAA3", {"a@one.test"});
    f.start();
    CHECK(f.run_until([&] { return f.scheduler->active() == 0 && f.delivered.size() == 1; }));
    CHECK(f.where("AAAAA1") == "deferred");
    CHECK(f.where("AAAAA2") == "deferred");
    REQUIRE(f.retried.size() == 1);
    CHECK(f.retried[0] == "4.4.1 delivery temporarily suspended: connect to dead: Connection refused");
}

TEST_CASE("a service that is not there keeps its mail", "[qmgr]") {
    Fixture f;
    f.write("AAAAA1", {"a@nowhere.test", "b@one.test"});
    f.start();
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "deferred"; }));
    CHECK(f.delivered.size() == 1);
    CHECK(f.retried.size() == 1);
}

TEST_CASE("with no service at all everything is deferred", "[qmgr]") {
    Fixture f;
    f.write("AAAAA1", {"a@one.test", "table-down@one.test"});
    f.start(false);
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "deferred"; }));
    CHECK(f.stored("AAAAA1").statuses.size() == 2);
}

TEST_CASE("an old message is returned, but only after one more attempt", "[qmgr]") {
    Fixture f;
    f.write("AAAAA1", {"defer@one.test"}, "alice@example.test", 6 * 86400, queue::QueueName::deferred);
    f.write("AAAAA2", {"a@one.test"}, "alice@example.test", 3650 * 86400, queue::QueueName::deferred);
    f.start();
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "gone" && f.where("AAAAA2") == "gone"; }));
    REQUIRE(f.bounces.size() == 1);
    CHECK(f.bounces[0].queue_id == "AAAAA1");
    CHECK(f.delivered == std::vector<std::string>{"a@one.test"});
}

TEST_CASE("the sender is warned once of a delay", "[qmgr]") {
    Fixture f;
    f.params.delay_warning_time.set(std::chrono::hours(1));
    f.write("AAAAA1", {"defer@one.test"}, "alice@example.test", 7200, queue::QueueName::deferred);
    f.start();
    CHECK(f.run_until([&] { return f.bounces.size() == 1 && f.scheduler->active() == 0; }));
    CHECK(f.bounces[0].kind == ipc::records::BounceKind::delay_warning);
    f.scanner->flush_all();
    CHECK(f.run_until([&] { return f.order.size() == 2 && f.scheduler->active() == 0; }));
    CHECK(f.bounces.size() == 1);
}

TEST_CASE("turns are taken within a destination", "[qmgr]") {
    Fixture f;
    f.params.initial_destination_concurrency.set(1);
    f.params.default_destination_concurrency_limit.set(1);
    f.slow = true;
    std::vector<std::string> many;
    for (int i = 0; i < 500; ++i)
        many.push_back("r" + std::to_string(i) + "@one.test");
    f.write("AAAAA1", many);
    f.write("AAAAA2", {"a@one.test"});
    f.start();
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "gone" && f.where("AAAAA2") == "gone"; }));
    CHECK(f.most_busy == 1);
    const auto second = std::find(f.order.begin(), f.order.end(), "AAAAA2");
    CHECK(second - f.order.begin() <= 2);
    CHECK(f.order.size() == 11);
}

TEST_CASE("memory is bounded by the active limit", "[qmgr]") {
    Fixture f;
    f.params.qmgr_message_active_limit.set(20);
    f.slow = true;
    for (int i = 0; i < 300; ++i)
        f.write("AAAA" + std::to_string(1000 + i), {"a@one.test"});
    f.start();
    std::size_t most = 0;
    CHECK(f.run_until([&] {
        most = std::max(most, f.scheduler->active());
        return f.delivered.size() == 300 && f.scheduler->active() == 0;
    }));
    CHECK(most <= 70);  // the limit and one slice
}

TEST_CASE("files that tools take away are no trouble", "[qmgr]") {
    Fixture f;
    f.params.initial_destination_concurrency.set(1);
    f.params.default_destination_concurrency_limit.set(1);
    f.params.default_destination_recipient_limit.set(2);
    f.slow = true;
    f.write("AAAAA1", {"a@one.test", "b@one.test", "c@one.test", "d@one.test", "e@one.test"});
    f.write("AAAAA2", {"a@one.test", "b@one.test", "c@one.test", "d@one.test", "e@one.test"});
    f.start();
    CHECK(f.run_until([&] { return f.order.size() >= 2; }));
    const queue::Surgery surgery{*f.spool};
    CHECK(surgery.remove(queue::QueueName::incoming, "AAAAA1").value());
    CHECK(surgery.hold(queue::QueueName::incoming, "AAAAA2").value());
    CHECK(f.run_until([&] { return f.scheduler->active() == 0; }));
    CHECK(f.where("AAAAA1") == "gone");
    CHECK(f.where("AAAAA2") == "hold");
    // What was delivered is known when it is released, and the rest is as if never tried.
    const queue::Message held = f.stored("AAAAA2");
    CHECK(held.statuses.size() == 2 * static_cast<std::size_t>(std::count(f.order.begin(), f.order.end(), "AAAAA2")));
    for (const queue::Status& status : held.statuses)
        CHECK(status.outcome == queue::Outcome::delivered);
}

TEST_CASE("damaged and unfinished files are set apart", "[qmgr]") {
    Fixture f;
    f.write("AAAAA1", {"a@one.test"});
    f.write("AAAAA2", {"b@one.test"});
    f.write("AAAAA4", {"b@one.test"});
    {
        std::fstream file("incoming/AAAAA1", std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(140);
        file.put('!');
    }
    std::ofstream("incoming/AAAAA3");
    const timespec old[2] = {{1000, 0}, {1000, 0}};
    utimensat(AT_FDCWD, "incoming/AAAAA3", old, 0);
    std::filesystem::rename("incoming/AAAAA4", "incoming/AAAAA5");
    f.start();
    CHECK(f.run_until([&] { return f.delivered.size() == 1 && f.scheduler->active() == 0; }));
    CHECK(f.where("AAAAA1") == "corrupt");
    CHECK(f.where("AAAAA3") == "gone");
    CHECK(f.where("AAAAA5") == "corrupt");
}

namespace {

// Routes by transport_maps, which is on a server: an answer comes when the test wants it to.
void route_by_slow_table(Fixture& f) {
    f.main_cf = config::MainCf::parse("myhostname = mx.home.test\nalias_maps =\ntransport_maps = later:routes\n", "main.cf");
    REQUIRE(f.params.load(f.main_cf).empty());
    f.routing.real = std::make_unique<qmgr::AddressRouting>(f.params, f.main_cf);
}

}  // namespace

TEST_CASE("a table that answers later holds up nothing but its message", "[qmgr]") {
    test::LaterTables later;
    test::LaterTable& routes = later["routes"];
    routes.entries = {{"one.test", "lmtp:one.test"}, {"two.test", "lmtp:two.test"}};
    Fixture f;
    route_by_slow_table(f);
    f.write("AAAAA1", {"a@one.test", "b@two.test"});
    f.start();
    REQUIRE(f.run_until([&] { return routes.waiting() == 1; }));
    f.routing.real.swap(f.routing.set_aside);  // the second message needs no table
    f.write("AAAAA2", {"c@three.test"});
    f.scanner->want_incoming();
    CHECK(f.run_until([&] { return f.delivered.size() == 1; }));
    CHECK(f.where("AAAAA1") == "incoming");
    f.routing.real.swap(f.routing.set_aside);
    routes.open = true;
    routes.answer();
    CHECK(f.run_until([&] { return f.scheduler->active() == 0; }));
    CHECK(f.delivered.size() == 3);
    CHECK(f.where("AAAAA1") == "gone");
}

TEST_CASE("draining while a route waits for a table", "[qmgr]") {
    test::LaterTables later;
    test::LaterTable& routes = later["routes"];
    Fixture f;
    route_by_slow_table(f);
    f.write("AAAAA1", {"a@one.test", "b@two.test"});
    f.write("AAAAA2", {"c@one.test"});
    f.start();
    REQUIRE(f.run_until([&] { return routes.waiting() == 2; }));
    f.scheduler->drain();
    // Their tasks refer to them still.
    CHECK(f.scheduler->active() == 2);
    CHECK(f.scheduler->unfinished() == 2);
    CHECK(f.run_until([&] { return f.scheduler->unfinished() == 0; }));
    CHECK(f.scheduler->active() == 0);
    CHECK(routes.cancelled == 2);
    routes.answer();
    CHECK(f.where("AAAAA1") == "incoming");  // for the next process
    CHECK(f.where("AAAAA2") == "incoming");
    CHECK(f.requests == 0);
}

TEST_CASE("draining at the moment when the table answers", "[qmgr]") {
    test::LaterTables later;
    test::LaterTable& routes = later["routes"];
    routes.entries["one.test"] = "lmtp:one.test";
    Fixture f;
    route_by_slow_table(f);
    f.write("AAAAA1", {"a@one.test", "b@one.test"});
    f.start();
    REQUIRE(f.run_until([&] { return routes.waiting() == 1; }));
    routes.answer();  // the route goes on in the next turn
    f.scheduler->drain();
    CHECK(f.run_until([&] { return f.scheduler->unfinished() == 0; }));
    CHECK(f.scheduler->active() == 0);
    CHECK(f.requests == 0);
}

TEST_CASE("a message that a tool removes while its route waits for a table", "[qmgr]") {
    test::LaterTables later;
    test::LaterTable& routes = later["routes"];
    routes.entries["one.test"] = "lmtp:one.test";
    Fixture f;
    route_by_slow_table(f);
    f.write("AAAAA1", {"a@one.test", "b@one.test"});
    f.start();
    REQUIRE(f.run_until([&] { return routes.waiting() == 1; }));
    std::filesystem::remove("incoming/AAAAA1");
    routes.open = true;
    routes.answer();
    CHECK(f.run_until([&] { return f.scheduler->active() == 0; }));
    CHECK(f.delivered.empty());
}

TEST_CASE("a table that fails defers", "[qmgr]") {
    test::LaterTables later;
    later["routes"].open = later["routes"].fails = true;
    Fixture f;
    route_by_slow_table(f);
    f.write("AAAAA1", {"a@one.test"});
    f.start();
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "deferred"; }));
    CHECK(f.delivered.empty());
}

TEST_CASE("who asks about success is told before the message goes", "[qmgr][rfc3461:5.2]") {
    Fixture f;
    f.notify = envelope::kNotifySuccess | envelope::kNotifyFailure;
    f.write("AAAAA1", {"a@one.test", "relay@two.test", "dsn@three.test", "bounce@one.test", "defer@one.test"});
    f.start();
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "deferred"; }));
    REQUIRE(f.bounces.size() == 2);
    CHECK(f.bounces[0].kind == ipc::records::BounceKind::failure);
    CHECK(f.bounces[0].recipients.size() == 1);
    CHECK(f.bounces[1].kind == ipc::records::BounceKind::success);
    REQUIRE(f.bounces[1].recipients.size() == 2);  // not of dsn@: the next host has taken over to report
    CHECK(f.bounces[1].recipients[0].action == envelope::Action::delivered);
    CHECK(f.bounces[1].recipients[0].text == "as the name says");
    CHECK(f.bounces[1].recipients[1].action == envelope::Action::relayed);
    f.scanner->flush_all();
    CHECK(f.run_until([&] { return f.scheduler->active() == 0 && f.order.size() > 4; }));
    CHECK(f.bounces.size() == 2);  // each once
}

TEST_CASE("a report about success that cannot be made now is made later", "[qmgr][rfc3461:5.2]") {
    Fixture f;
    f.bounce_refuses = true;
    f.notify = envelope::kNotifySuccess;
    f.expanded = {{"list@one.test", "", "", envelope::kNotifySuccess}};
    f.write("AAAAA1", {"a@one.test"});
    f.start();
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "deferred"; }));
    REQUIRE(f.bounces.size() == 1);
    f.bounce_refuses = false;
    f.scanner->flush_all();
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "gone"; }));
    CHECK(f.delivered.size() == 1);  // and not a second time
    REQUIRE(f.bounces.size() == 2);
    REQUIRE(f.bounces[1].recipients.size() == 2);
    CHECK(f.bounces[1].recipients[0].action == envelope::Action::delivered);
    CHECK(f.bounces[1].recipients[0].text == "as the name says");
    CHECK(f.bounces[1].recipients[1].recipient.address == "list@one.test");
    CHECK(f.bounces[1].recipients[1].action == envelope::Action::expanded);
}

TEST_CASE("nobody is told of success unasked, nor the null sender", "[qmgr][rfc3461:5.2]") {
    Fixture f;
    f.write("AAAAA1", {"a@one.test"});
    f.notify = envelope::kNotifyFailure | envelope::kNotifyDelay;
    f.write("AAAAA2", {"a@one.test"});
    f.notify = envelope::kNotifySuccess;
    f.expanded = {{"list@one.test", "", "", envelope::kNotifySuccess}};
    f.write("AAAAA3", {"a@one.test"}, "");
    f.start();
    CHECK(f.run_until([&] { return f.scheduler->active() == 0 && f.delivered.size() == 3; }));
    CHECK(f.bounces.empty());
    CHECK(f.where("AAAAA3") == "gone");
}

TEST_CASE("queue files of the build before are delivered", "[qmgr][upgrade]") {
    const std::filesystem::path fresh = test::find_data("queue/fresh"), deferred = test::find_data("queue/deferred");
    REQUIRE_FALSE(fresh.empty());
    Fixture f;
    f.params.maximal_queue_lifetime.set(std::chrono::hours(24 * 36500));
    std::filesystem::copy_file(fresh, "incoming/0123456789A");
    std::filesystem::copy_file(deferred, "deferred/0123456789B");
    f.start();
    f.scanner->flush_all();
    CHECK(f.run_until([&] { return f.where("0123456789A") == "gone" && f.where("0123456789B") == "gone"; }));
    std::sort(f.delivered.begin(), f.delivered.end());
    // Of the deferred one only bob was left; alice had it, and gone@ had failed.
    CHECK(f.delivered ==
          std::vector<std::string>{"alice@example.test", "bob@example.test", "bob@example.test", "gone@gone.test"});
    const auto failure = std::find_if(f.bounces.begin(), f.bounces.end(),
        [](const auto& request) { return request.kind == ipc::records::BounceKind::failure; });
    REQUIRE(failure != f.bounces.end());
    CHECK(failure->queue_id == "0123456789B");
    CHECK(failure->mail.envid == "QQ+2B314159");
    REQUIRE(failure->recipients.size() == 1);
    CHECK(failure->recipients[0].remote_reply == "550 5.1.1 no");
}
