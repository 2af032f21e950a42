// test/unit/qmgr/faults_test.cc - a clock that is set, agents that break off, flushes that follow one another.
#include <sys/syscall.h>
#include <unistd.h>

#include "qmgr/scheduler.h"
#include "test/support/catch.h"
#include "test/unit/qmgr/fixture.h"

using namespace std::chrono_literals;
using qmgr_test::Fixture;

namespace {

std::time_t clock_set_by = 0;  // seconds

// Takes requests, answers none, and is gone.
event::Task<void> break_off(event::Fd client, Fixture& f) {
    ipc::Channel channel{event::Stream{f.loop, std::move(client)}};
    std::optional<std::string_view> frame = co_await channel.next_frame();
    f.requests += frame.has_value();
}

event::Task<void> accept_and_break_off(event::Listener& listener, Fixture& f, int& connections) {
    for (;;) {
        event::Fd client = co_await listener.accept();
        ++connections;
        f.loop.spawn(break_off(std::move(client), f));
    }
}

event::Listener& listen_for(Fixture& f, const char* service) {
    f.listeners.push_back(std::make_unique<event::Listener>(
        f.loop, std::move(*event::listen_at_path(std::string("private/") + service, 0600))));
    return *f.listeners.back();
}

}  // namespace

// In place of the C library's: only the wall clock can be set.
extern "C" int clock_gettime(clockid_t which, timespec* when) {
    const long result = syscall(SYS_clock_gettime, which, when);
    if (result == 0 && which == CLOCK_REALTIME)
        when->tv_sec += clock_set_by;
    return static_cast<int>(result);
}

TEST_CASE("a clock that jumps ahead returns no mail and warns nobody", "[qmgr]") {
    struct SetBack {
        ~SetBack() { clock_set_by = 0; }
    } const set_back;
    Fixture f;
    f.params.delay_warning_time.set(3600s);
    f.write("AAAAA1", {"defer@one.test"});
    f.start();
    clock_set_by = 6 * 86400;
    CHECK(f.run_until([&] { return f.where("AAAAA1") != "incoming" && f.scheduler->active() == 0; }));
    CHECK(f.where("AAAAA1") == "deferred");
    CHECK(f.bounces.empty());
}

TEST_CASE("an agent that takes requests and dies is left alone", "[qmgr]") {
    Fixture f;
    int connections = 0;
    for (int i = 10; i < 70; ++i)
        f.write("AAAA" + std::to_string(i), {"a@one.test", "b@site" + std::to_string(i) + ".test"});
    f.loop.spawn(accept_and_break_off(listen_for(f, "lmtp"), f, connections));
    f.loop.spawn(Fixture::accept_agents(listen_for(f, "retry"), f));
    f.start(false);
    CHECK(f.run_until([&] { return f.scheduler->active() == 0 && f.where("AAAA69") == "deferred"; }));
    CHECK(connections == 2);  // once more, as it may have been a kill
    for (int i = 10; i < 70; ++i)
        CHECK(f.where("AAAA" + std::to_string(i)) == "deferred");
    CHECK(f.retried.size() >= 60);  // retry(8) writes a status= line for each recipient
    CHECK(f.scheduler->unfinished() == 0);
}

TEST_CASE("one agent's end costs an attempt only", "[qmgr]") {
    Fixture f;
    f.write("AAAAA1", {"a@one.test"});
    event::Listener& lmtp = listen_for(f, "lmtp");
    auto first_breaks = [](event::Listener& listener, Fixture& fixture) -> event::Task<void> {
        event::Fd client = co_await listener.accept();
        co_await break_off(std::move(client), fixture);
        co_await Fixture::accept_agents(listener, fixture);
    };
    f.loop.spawn(first_breaks(lmtp, f));
    f.start(false);
    CHECK(f.run_until([&] { return f.where("AAAAA1") == "gone"; }));
    CHECK(f.delivered == std::vector<std::string>{"a@one.test"});
}

TEST_CASE("flushes that follow one another are all done", "[qmgr]") {
    const auto flush_and_count = [](const std::function<void(qmgr::Scanner&)>& flush) {
        Fixture f;
        f.params.minimal_backoff_time.set(1000s);
        for (const char* site : {"one", "two", "six"})
            f.write(std::string("AAAAA") + site, {std::string("defer@") + site + ".test"});
        f.start();
        CHECK(f.run_until([&] { return f.order.size() == 3 && f.scheduler->active() == 0; }));
        f.order.clear();
        flush(*f.scanner);
        f.run_until([&] { return f.order.size() == 3; });
        return f.order.size();
    };
    using qmgr::Scanner;
    CHECK(flush_and_count([](Scanner& s) { s.flush_all(), s.flush_site("one.test"); }) == 3);
    CHECK(flush_and_count([](Scanner& s) { s.flush_site("one.test"), s.flush_all(); }) == 3);
    CHECK(flush_and_count([](Scanner& s) { s.flush_site("One.test"), s.flush_site("two.TEST"); }) == 2);
    CHECK(flush_and_count([](Scanner& s) { s.flush_site("one.test"), s.want_deferred(); }) == 1);
}
