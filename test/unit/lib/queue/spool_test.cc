#include "lib/queue/spool.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "test/support/catch.h"
#include "test/unit/lib/queue/temp_spool.h"

using namespace queue;
using queue_test::sample_envelope;
using queue_test::TempSpool;
using queue_test::write_message;

TEST_CASE("messages move between queues", "[queue]") {
    TempSpool temp;
    write_message(temp, "ABCDEF1", "x\r\n", sample_envelope("ABCDEF1"));
    const Spool& spool = temp.spool();
    CHECK(spool.find("ABCDEF1") == "incoming");
    CHECK(spool.move("ABCDEF1", "incoming", "deferred").value());
    CHECK_FALSE(spool.move("ABCDEF1", "incoming", "deferred").value());
    CHECK(spool.set_due("deferred", "ABCDEF1", 1234567).value());
    auto scan = DirectoryScan::open(spool, "deferred");
    REQUIRE(scan);
    const auto entries = scan->next(10);
    REQUIRE(entries.size() == 1);
    CHECK(entries[0].due == 1234567);
    CHECK(spool.open_message("deferred", "ABCDEF1", true).value());
    CHECK_FALSE(spool.open_message("hold", "ABCDEF1", false).value());
    CHECK(spool.remove("deferred", "ABCDEF1").value());
    CHECK_FALSE(spool.remove("deferred", "ABCDEF1").value());
    CHECK(spool.free_space().value() > 0);
}

TEST_CASE("a scan comes in slices and sees only queue ids", "[queue]") {
    TempSpool temp;
    std::set<std::string> wanted;
    for (int i = 0; i < 25; ++i) {
        const std::string id = "ABCD" + std::to_string(100 + i);
        write_message(temp, id, "x\r\n", sample_envelope(id));
        wanted.insert(id);
    }
    std::ofstream(temp.path() + "/incoming/.queue-id") << "counter";
    std::ofstream(temp.path() + "/incoming/not a queue id") << "odd";
    auto scan = DirectoryScan::open(temp.spool(), "incoming");
    REQUIRE(scan);
    std::set<std::string> seen;
    for (auto slice = scan->next(7); !slice.empty(); slice = scan->next(7)) {
        CHECK(slice.size() <= 7);
        for (const Entry& entry : slice)
            seen.insert(entry.id);
    }
    CHECK(seen == wanted);
}

TEST_CASE("links in the queue are not followed", "[queue]") {
    TempSpool temp;
    std::filesystem::create_symlink("/etc/passwd", temp.path() + "/incoming/ABCDEF9");
    const auto file = temp.spool().open_message("incoming", "ABCDEF9", false);
    CHECK_FALSE(file);
}
