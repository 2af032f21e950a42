#include "qmgr/window.h"

#include "test/support/catch.h"

using namespace qmgr;

TEST_CASE("feedback as main.cf writes it", "[qmgr]") {
    CHECK(parse_feedback("1")->at(7) == 1);
    CHECK(parse_feedback("1/4")->at(7) == 0.25);
    CHECK(parse_feedback("1/concurrency")->at(5) == 0.2);
    CHECK(parse_feedback("2 / sqrt_concurrency")->at(16) == 0.5);
    for (const char* bad : {"", "x", "1/", "1/x", "-1", "1/0", "7"})
        CHECK_FALSE(parse_feedback(bad));
}

TEST_CASE("a window grows when it is used and shrinks by trouble", "[qmgr]") {
    WindowLimits limits;
    limits.failed_cohort_limit = 2;
    Window window{limits};
    CHECK(window.size() == 5);
    window.succeeded(5);
    CHECK(window.size() == 6);
    for (int i = 0; i < 100; ++i)
        window.succeeded(window.size());
    CHECK(window.size() == 20);
    window.failed();
    CHECK(window.size() == 19);
    CHECK_FALSE(window.has_room(19));
    for (int i = 0; i < 100; ++i)
        window.failed();
    CHECK(window.dead());
    CHECK_FALSE(window.has_room(0));
    window.revive();
    CHECK(window.size() == 5);

    Window idle{limits};
    idle.succeeded(0);
    CHECK(idle.size() == 5);  // no reason to grow without work
}
