// Spellings of co_await, with counted objects: which of them this compiler gets right.
//
// The first table must hold with every compiler we build with: it is the style of the house. The second lists legal
// spellings that g++ 12 miscompiles (double frees, branches that never run); they are compiled and must hold where the
// compiler is another. When Debian's compiler changes, this file says what may be allowed again.
#include <functional>
#include <string>
#include <vector>

#include "lib/event/loop.h"
#include "lib/event/task.h"
#include "test/support/catch.h"

using event::Loop;
using event::Task;
using namespace std::chrono_literals;

namespace {

struct Counted {
    static inline int alive = 0;
    int value = 0;
    explicit Counted(int v) : value(v) { ++alive; }
    Counted(const Counted& other) : value(other.value) { ++alive; }
    Counted(Counted&& other) noexcept : value(other.value) { ++alive; }
    Counted& operator=(const Counted&) = default;
    ~Counted() { --alive; }
};

struct Pair {
    Counted left, right;
};

Task<int> number(Loop& loop, int value) {
    co_await event::sleep_for(loop, 0ms);
    co_return value;
}

Task<bool> truth(Loop& loop, bool value) {
    co_await event::sleep_for(loop, 0ms);
    co_return value;
}

Task<Counted> make(Loop& loop, int value) {
    co_await event::sleep_for(loop, 0ms);
    co_return Counted(value);
}

Task<int> sum(Loop& loop, Pair pair) {
    co_await event::sleep_for(loop, 0ms);
    co_return pair.left.value + pair.right.value;
}

Task<int> take(Loop& loop, Counted counted) {
    co_await event::sleep_for(loop, 0ms);
    co_return counted.value;
}

struct Case {
    const char* name;
    std::function<Task<void>(Loop&, int&)> run;
    int want;
};

// --- what the house writes

Task<void> named_result(Loop& loop, int& out) {
    bool first = co_await truth(loop, true);
    bool second = co_await truth(loop, false);
    out = first && !second ? 1 : 2;
}

Task<void> named_aggregate(Loop& loop, int& out) {
    Pair pair{Counted(1), Counted(2)};
    out = co_await sum(loop, std::move(pair));
}

Task<void> class_temporary(Loop& loop, int& out) { out = co_await take(loop, Counted(7)); }

Task<void> returned_object(Loop& loop, int& out) {
    Counted made = co_await make(loop, 5);
    out = made.value;
}

Task<void> named_task(Loop& loop, int& out) {
    Task<int> task = number(loop, 9);
    out = co_await std::move(task);
}

Task<void> loop_body(Loop& loop, int& out) {
    for (int i = 0; i < 10; ++i) {
        int one = co_await number(loop, 1);
        out += one;
    }
}

Task<int> forwards(Loop& loop) { co_return co_await number(loop, 3); }
Task<void> returned_await(Loop& loop, int& out) { out = co_await forwards(loop); }

const Case kHouseStyle[] = {
    {"results of two awaits are named before they are combined", named_result, 1},
    {"an aggregate is named before it is passed", named_aggregate, 3},
    {"a temporary with a constructor may be passed", class_temporary, 7},
    {"an object comes back", returned_object, 5},
    {"a task that has a name", named_task, 9},
    {"in a loop's body", loop_body, 10},
    {"co_return co_await", returned_await, 3},
};

void check(const Case& c) {
    int alive = Counted::alive;
    int out = 0;
    {
        Loop loop;
        loop.spawn(c.run(loop, out));
        loop.run_until_idle();
        CHECK(loop.tasks() == 0);
    }
    CHECK(out == c.want);
    CHECK(Counted::alive == alive);
}

#ifdef __clang__
// --- what g++ 12 gets wrong

Task<void> two_in_a_condition(Loop& loop, int& out) {
    if (co_await truth(loop, true) && co_await truth(loop, true))
        out = 1;
    else
        out = 2;
}

Task<void> conditional_operator(Loop& loop, int& out) {
    bool which = out == 0;
    Counted made = which ? co_await make(loop, 4) : Counted(2);
    out = made.value;
}

Task<void> aggregate_in_the_expression(Loop& loop, int& out) { out = co_await sum(loop, Pair{Counted(1), Counted(2)}); }

Task<void> awaits_in_braces(Loop& loop, int& out) {
    Pair pair{co_await make(loop, 3), co_await make(loop, 4)};
    out = pair.left.value + pair.right.value;
}

const Case kTraps[] = {
    {"two awaits in a condition", two_in_a_condition, 1},
    {"the conditional operator on objects", conditional_operator, 4},
    {"an aggregate made in the awaited expression", aggregate_in_the_expression, 3},
    {"awaits in a braced initialiser", awaits_in_braces, 7},
};

TEST_CASE("spellings that g++ 12 miscompiles", "[event][compiler]") {
    for (const Case& c : kTraps) {
        DYNAMIC_SECTION(c.name) { check(c); }
    }
}
#endif

}  // namespace

TEST_CASE("the spellings of this house", "[event][compiler]") {
    for (const Case& c : kHouseStyle) {
        DYNAMIC_SECTION(c.name) { check(c); }
    }
}
