#include "lib/queue/queue_id.h"

#include <fstream>
#include <set>

#include "lib/queue/envelope.h"
#include "test/support/catch.h"
#include "test/unit/lib/queue/temp_spool.h"

using namespace queue;
using queue_test::TempSpool;

namespace {
std::uint64_t now_for_test = 0;
std::uint64_t test_clock() { return now_for_test; }
}  // namespace

TEST_CASE("both forms of a queue id hold their time", "[queue]") {
    const std::uint64_t time = 1'790'000'000'654'321;
    const std::string short_id = format_queue_id(time, IdForm::short_form);
    const std::string long_id = format_queue_id(time, IdForm::long_form);
    CHECK(parse_queue_id_time(short_id) == time);
    CHECK(parse_queue_id_time(long_id) == time);
    CHECK(short_id.find_first_not_of("0123456789ABCDEF") == std::string::npos);
    CHECK(long_id.size() >= 15);
    CHECK(long_id.find_first_of("aeiouAEIOU") == std::string::npos);
}

TEST_CASE("what may be a queue id", "[queue]") {
    for (const char* good : {"6FEE36C37B", "4XyZ8m1FQmz9sVx", "ABCDE"})
        CHECK(is_queue_id(good));
    for (const char* bad : {"", ".", "..", "a/b", "../../etc/passwd", "-", "ALL", "abc d", "id\n", "ab\xc3\xa9zz"})
        CHECK_FALSE(is_queue_id(bad));
    CHECK_FALSE(is_queue_id(std::string(65, 'A')));
}

TEST_CASE("ids are unique among processes, restarts and clock jumps", "[queue]") {
    TempSpool temp;
    const std::string counter = temp.path() + "/incoming/.queue-id";
    std::set<std::string> seen;
    std::size_t made = 0;
    now_for_test = 1'790'000'000'000'000;
    const auto take = [&](IdSource& source, int count) {
        for (int i = 0; i < count; ++i) {
            const auto id = source.next();
            REQUIRE(id);
            seen.insert(*id);
            ++made;
        }
    };
    IdSource first{counter, IdForm::short_form};
    IdSource second{counter, IdForm::short_form};
    first.set_clock(test_clock);
    second.set_clock(test_clock);
    take(first, 20000);
    take(second, 20000);
    now_for_test -= 3'600'000'000ull * 24 * 365;  // the clock is set back a year
    take(first, 20000);
    take(second, 20000);
    IdSource restarted{counter, IdForm::short_form};
    restarted.set_clock(test_clock);
    take(restarted, 20000);
    CHECK(seen.size() == made);
}

TEST_CASE("a damaged counter file is no obstacle", "[queue]") {
    TempSpool temp;
    const std::string counter = temp.path() + "/incoming/.queue-id";
    std::ofstream(counter) << "\xff\xff\xff\xff\xff\xff\xff\xff nonsense";
    IdSource source{counter, IdForm::long_form};
    const auto id = source.next();
    REQUIRE(id);
    CHECK(is_queue_id(*id));
    IdSource nowhere{temp.path() + "/no/such/place", IdForm::short_form};
    CHECK_FALSE(nowhere.next());
}

TEST_CASE("envelopes of strangers are bounded", "[queue]") {
    const Envelope envelope = queue_test::sample_envelope("ABCDEF1");
    const std::string good = encode_envelope(envelope);
    for (std::size_t size = 0; size < good.size(); ++size) {
        const auto cut = decode_envelope(std::string_view{good}.substr(0, size));
        if (cut)
            CHECK(cut->recipients.size() < 2);  // cut between two fields; the checksum notices that
    }
    CHECK_FALSE(decode_envelope(std::string_view{"\x01\xff\xff\xff\xff", 5}));
    std::string newer = good;
    newer += std::string{"\xee\x03\x00\x00\x00xyz", 8};  // a field of a later version
    const auto decoded = decode_envelope(newer);
    REQUIRE(decoded);
    CHECK(decoded->recipients.size() == 2);
}
