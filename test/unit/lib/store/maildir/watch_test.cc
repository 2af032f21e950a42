#include "lib/store/maildir/watch.h"

#include <poll.h>

#include "test/unit/lib/store/maildir/temporary_maildir.h"

using namespace store;
using store_test::TemporaryMaildir;
namespace fs = std::filesystem;

TEST_CASE("a watch wakes for every change of a folder, and once", "[store]") {
    TemporaryMaildir f;
    f.put("cur/a:2,", "x");
    MaildirWatch watch(f.maildir);
    REQUIRE(watch.descriptor() >= 0);
    auto woken = [&watch](int timeout) {
        pollfd ready{watch.descriptor(), POLLIN, 0};
        return poll(&ready, 1, timeout) == 1 && watch.changed();
    };
    CHECK_FALSE(watch.changed());
    f.put("new/b", "x");
    CHECK(woken(5000));
    CHECK_FALSE(watch.changed());
    fs::rename(f.path("cur/a:2,"), f.path("cur/a:2,S"));
    CHECK(woken(5000));
    fs::remove(f.path("new/b"));
    CHECK(woken(5000));
    CHECK_FALSE(woken(0));
    f.put("tmp/c", "x");  // nobody's message yet
    CHECK_FALSE(woken(50));
}
