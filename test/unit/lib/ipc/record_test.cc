// Records: the round trip, and everything a decoder must refuse.
#include <sys/socket.h>

#include "lib/ipc/channel.h"
#include "lib/ipc/record.h"
#include "test/support/catch.h"

namespace {

enum class Colour { red = 1, blue = 2 };

struct Inner {
    static constexpr std::string_view kRecord = "inner/1";
    std::string address;
    std::optional<std::string> original;
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("address", &Inner::address), ipc::field("original", &Inner::original)};
    }
    bool operator==(const Inner&) const = default;
};

struct Sample {
    static constexpr std::string_view kRecord = "sample/1";
    std::string name;
    bool flag = false;
    std::int64_t number = 0;
    std::uint32_t small = 0;
    Colour colour = Colour::red;
    std::vector<Inner> items;
    std::vector<std::string> words;
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("name", &Sample::name), ipc::field("flag", &Sample::flag),
            ipc::field("number", &Sample::number), ipc::field("small", &Sample::small),
            ipc::field("colour", &Sample::colour), ipc::field("items", &Sample::items), ipc::field("words", &Sample::words)};
    }
    bool operator==(const Sample&) const = default;
};

Sample sample() {
    Sample value;
    value.name = std::string("a\0b\n", 4);
    value.flag = true;
    value.number = -9223372036854775807LL - 1;
    value.small = 4294967295u;
    value.colour = Colour::blue;
    value.items = {{"a@example.test", std::nullopt}, {"", "x"}};
    value.words = {"", "one"};
    return value;
}

std::string content_of(const Sample& value) { return ipc::encode(value).substr(4); }

}  // namespace

TEST_CASE("a record survives the round trip", "[ipc]") {
    auto decoded = ipc::decode<Sample>(content_of(sample()));
    REQUIRE(decoded.has_value());
    CHECK(*decoded == sample());
}

TEST_CASE("every cut and every flipped octet is refused or decodes to a record", "[ipc]") {
    std::string whole = content_of(sample());
    for (std::size_t length = 0; length < whole.size(); ++length)
        CHECK_FALSE(ipc::decode<Sample>(std::string_view(whole).substr(0, length)).has_value());
    CHECK_FALSE(ipc::decode<Sample>(whole + "x").has_value());
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ 0xff);
        auto decoded = ipc::decode<Sample>(changed);  // no crash, and nothing that is not a Sample
        if (decoded)
            CHECK(content_of(*decoded) == changed);
    }
}

TEST_CASE("another record is refused by name", "[ipc]") {
    std::string inner = ipc::encode(Inner{"a", std::nullopt}).substr(4);
    auto decoded = ipc::decode<Sample>(inner);
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error() == "expected record sample/1, got \"inner/1\"");
}

TEST_CASE("records cross a channel, and a frame past the limit does not", "[ipc]") {
    event::Loop loop;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    ipc::Channel left(event::Stream(loop, event::Fd(ends[0])));
    ipc::Channel right(event::Stream(loop, event::Fd(ends[1])));
    std::string seen;
    auto read = [](ipc::Channel& channel, std::string& out) -> event::Task<void> {
        std::expected<Sample, std::string> first = co_await channel.receive<Sample>();
        out = first ? first->name : first.error();
        try {
            std::expected<Sample, std::string> second = co_await channel.receive<Sample>(10);
            out += second ? " second" : second.error();
        } catch (const event::StreamError& error) {
            out += std::string(" ") + error.what();
        }
    };
    Sample value;
    value.name = "hello";
    left.write(value);
    left.write(value);
    auto flush = [](ipc::Channel& channel) -> event::Task<void> { co_await channel.stream().flush(); };
    loop.spawn(flush(left));
    loop.spawn(read(right, seen));
    loop.run_until_idle();
    CHECK(seen.starts_with("hello a record of "));
}
