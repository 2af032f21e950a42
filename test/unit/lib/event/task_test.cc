// The coroutine kernel: tasks, scopes, races, timers, the thread pool.
#include <string>
#include <vector>

#include "lib/event/child_process.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/thread_pool.h"
#include "test/support/catch.h"

#include <sys/wait.h>

using namespace std::chrono_literals;
using event::Loop;
using event::Task;

namespace {

Task<int> immediate(int value) { co_return value; }

Task<int> later(Loop& loop, int value) {
    co_await event::sleep_for(loop, 1ms);
    co_return value;
}

Task<void> failing(Loop& loop) {
    co_await event::sleep_for(loop, 1ms);
    throw std::runtime_error("as planned");
}

}  // namespace

TEST_CASE("a task that never sleeps uses constant stack", "[event]") {
    Loop loop;
    long sum = 0;
    auto count = [](long& total) -> Task<void> {
        for (int i = 0; i < 1000000; ++i) {
            int one = co_await immediate(1);
            total += one;
        }
    };
    loop.spawn(count(sum));
    CHECK(sum == 1000000);
    CHECK(loop.tasks() == 0);
}

TEST_CASE("values and exceptions pass from child to parent", "[event]") {
    Loop loop;
    std::string seen;
    auto parent = [](Loop& l, std::string& out) -> Task<void> {
        int value = co_await later(l, 42);
        out = std::to_string(value);
        std::string caught;
        try {
            co_await failing(l);
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
        out += " " + caught;
    };
    loop.spawn(parent(loop, seen));
    loop.run_until_idle();
    CHECK(seen == "42 as planned");
}

TEST_CASE("cancelling wakes a sleeper with an exception, once", "[event]") {
    Loop loop;
    std::vector<std::string> seen;
    auto sleeper = [](Loop& l, std::vector<std::string>& out) -> Task<void> {
        try {
            co_await event::sleep_for(l, 1h);
        } catch (const event::StreamError& error) {
            out.push_back(error.kind() == event::StreamError::Kind::cancelled ? "cancelled" : "other");
        }
        bool again = false;
        try {
            co_await event::sleep_for(l, 1h);
        } catch (const event::StreamError&) {
            again = true;
        }
        out.push_back(again ? "stays cancelled" : "slept");
    };
    event::Scope scope(loop);
    scope.spawn(sleeper(loop, seen));
    scope.cancel();
    CHECK(seen.empty());  // nothing resumes inline
    loop.spawn(scope.close());
    loop.run_until_idle();
    CHECK(seen == std::vector<std::string>{"cancelled", "stays cancelled"});
}

TEST_CASE("first_of cancels the losers and waits for them", "[event]") {
    Loop loop;
    std::size_t winner = 99;
    int ended = 0;
    auto racer = [](Loop& l, std::chrono::milliseconds time, int& count) -> Task<void> {
        struct AtEnd {
            int& n;
            ~AtEnd() { ++n; }
        } at_end{count};
        co_await event::sleep_for(l, time);
    };
    auto race = [](Loop& l, std::vector<Task<void>> tasks, std::size_t& out) -> Task<void> {
        out = co_await event::first_of(l, std::move(tasks));
    };
    std::vector<Task<void>> tasks;
    tasks.push_back(racer(loop, 1h, ended));
    tasks.push_back(racer(loop, 1ms, ended));
    tasks.push_back(racer(loop, 2h, ended));
    loop.spawn(race(loop, std::move(tasks), winner));
    loop.run_until_idle();
    CHECK(winner == 1);
    CHECK(ended == 3);
}

namespace {

Task<void> wait_a_while(event::Notice& notice, std::chrono::milliseconds limit, std::vector<bool>& woken) {
    const bool in_time = co_await notice.wait_for(limit);
    woken.push_back(in_time);
}

}  // namespace

TEST_CASE("a wait for a notice can have a limit", "[event]") {
    Loop loop;
    event::Notice notice(loop);
    std::vector<bool> woken;
    loop.spawn(wait_a_while(notice, 5ms, woken));
    loop.run_until_idle();
    CHECK(woken == std::vector<bool>{false});
    CHECK_FALSE(notice.has_waiters());
    loop.spawn(wait_a_while(notice, 1h, woken));
    notice.notify_all();
    loop.run_until_idle();
    CHECK(woken == std::vector<bool>{false, true});
    loop.spawn(wait_a_while(notice, 1h, woken));
    loop.cancel_all();
    loop.run_until_idle();
    CHECK(woken.size() == 2);
    CHECK_FALSE(notice.has_waiters());
}

TEST_CASE("a queue hands values over in order and ends when closed", "[event]") {
    Loop loop;
    event::Queue<int> queue(loop);
    std::vector<int> got;
    auto consume = [](event::Queue<int>& q, std::vector<int>& out) -> Task<void> {
        for (;;) {
            std::optional<int> value = co_await q.pop();
            if (!value)
                co_return;
            out.push_back(*value);
        }
    };
    loop.spawn(consume(queue, got));
    for (int i = 0; i < 5; ++i)
        queue.push(i);
    queue.close();
    loop.run_until_idle();
    CHECK(got == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("a semaphore never admits more than its permits", "[event]") {
    Loop loop;
    event::Semaphore semaphore(loop, 2);
    int inside = 0, most = 0, done = 0;
    auto visit = [](Loop& l, event::Semaphore& s, int& in, int& max, int& count) -> Task<void> {
        co_await s.acquire();
        ++in;
        max = std::max(max, in);
        co_await event::sleep_for(l, 1ms);
        --in;
        ++count;
        s.release();
    };
    for (int i = 0; i < 10; ++i)
        loop.spawn(visit(loop, semaphore, inside, most, done));
    loop.run_until_idle();
    CHECK(most == 2);
    CHECK(done == 10);
}

TEST_CASE("the pool runs jobs off the loop and brings results and exceptions back", "[event]") {
    Loop loop;
    event::ThreadPool pool(loop, 8);
    int sum = 0;
    std::string caught;
    auto add = [](event::ThreadPool& p, int value, int& total) -> Task<void> {
        auto job = [value] { return value * 2; };
        int doubled = co_await p.run(std::move(job));
        total += doubled;
    };
    auto fail = [](event::ThreadPool& p, std::string& out) -> Task<void> {
        auto job = []() -> int { throw std::runtime_error("from the thread"); };
        try {
            co_await p.run(job);
        } catch (const std::runtime_error& error) {
            out = error.what();
        }
    };
    for (int i = 0; i < 1000; ++i)
        loop.spawn(add(pool, 1, sum));
    loop.spawn(fail(pool, caught));
    loop.run_until_idle();
    CHECK(sum == 2000);
    CHECK(caught == "from the thread");
}

TEST_CASE("a child process is awaited and its status known", "[event]") {
    Loop loop;
    event::ProcessSettings settings;
    settings.program = "/bin/sh";
    settings.arguments = {"sh", "-c", "exit 7"};
    auto child = event::ChildProcess::start(loop, settings);
    REQUIRE(child.has_value());
    int status = -1;
    auto wait = [](event::ChildProcess& c, int& out) -> Task<void> { out = co_await c.wait(); };
    loop.spawn(wait(*child, status));
    loop.run_until_idle();
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("a signal calls its handler in the loop", "[event]") {
    Loop loop;
    int calls = 0;
    loop.on_signal(SIGUSR1, [&] {
        ++calls;
        loop.stop();
    });
    ::raise(SIGUSR1);
    loop.run();
    CHECK(calls == 1);
}
