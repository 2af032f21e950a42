// One list, three forms: what queue files keep, and what people see. (The form between programs: lib/ipc.)
#include "lib/fields/kept.h"
#include "lib/fields/print.h"
#include "test/support/catch.h"

namespace {

enum class Kind : std::uint8_t { none = 0, big = 2 };

struct Inner {
    std::string name;
    std::uint32_t size = 0;
    static constexpr auto fields() {
        return fields::FieldList{fields::field("name", &Inner::name, 5), fields::field("size", &Inner::size, 6)};
    }
    bool operator==(const Inner&) const = default;
};

struct Row {
    std::string id;
    std::int64_t when = 0;
    Kind kind = Kind::none;
    Inner inner;
    std::vector<Inner> items;
    std::string not_kept;
    static constexpr auto fields() {
        return fields::FieldList{fields::field("id", &Row::id, 1), fields::field("when", &Row::when, 2),
            fields::field("kind", &Row::kind, 3), fields::field("inner", &Row::inner),
            fields::field("items", &Row::items, 4), fields::field("not_kept", &Row::not_kept)};
    }
    bool operator==(const Row&) const = default;
};

// As a later build has them.
struct LaterInner {
    std::string name;
    std::uint32_t size = 0;
    std::string colour = "grey";
    static constexpr auto fields() {
        return fields::FieldList{fields::field("name", &LaterInner::name, 5), fields::field("size", &LaterInner::size, 6),
            fields::field("colour", &LaterInner::colour, 8)};
    }
};

Row sample() {
    Row row;
    row.id = std::string("a\0b", 3);
    row.when = -5;
    row.kind = Kind::big;
    row.inner = {"in", 7};
    row.items = {{"one", 1}, {"", 0}};
    return row;
}

std::string kept(const Row& row) {
    std::string out;
    fields::kept::encode_row(out, row);
    return out;
}

}  // namespace

TEST_CASE("a row survives the way through a file", "[fields]") {
    Row back;
    REQUIRE(fields::kept::decode_row(kept(sample()), back));
    CHECK(back == sample());
    CHECK(kept(Row{}).empty());  // what says nothing takes no room
    Row without = sample();
    without.not_kept = "x";
    CHECK(kept(without) == kept(sample()));
}

TEST_CASE("a row is read whatever its order, and unknown fields are skipped", "[fields]") {
    std::string raw{"\x06\x04\0\0\0\x09\0\0\0", 9};  // size first
    raw += std::string{"\xee\x03\0\0\0xyz", 8};      // of a later build
    raw += std::string{"\x01\x02\0\0\0ab", 7};
    Row row;
    REQUIRE(fields::kept::decode_row(raw, row));
    CHECK(row.inner.size == 9);
    CHECK(row.id == "ab");
}

TEST_CASE("every cut of a row is refused or ends between two fields", "[fields]") {
    const std::string whole = kept(sample());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        Row row;
        const bool read = fields::kept::decode_row(std::string_view{whole}.substr(0, size), row);
        if (read)
            CHECK(kept(row).size() <= size);
    }
    Row row;
    CHECK_FALSE(fields::kept::decode_row(std::string_view{"\x01\xff\xff\xff\xff", 5}, row));
    CHECK_FALSE(fields::kept::decode_row(std::string_view{"\x02\x03\0\0\0abc", 8}, row));  // a number cut short
}

TEST_CASE("items grow at their end", "[fields]") {
    std::string raw;
    fields::kept::encode_item(raw, Inner{"one", 1});
    LaterInner later;
    REQUIRE(fields::kept::decode_item(raw, later));
    CHECK(later.name == "one");
    CHECK(later.colour == "grey");  // not said

    raw.clear();
    fields::kept::encode_item(raw, LaterInner{"two", 2, "red"});
    Inner earlier;
    REQUIRE(fields::kept::decode_item(raw, earlier));
    CHECK(earlier == Inner{"two", 2});
    CHECK_FALSE(fields::kept::decode_item(std::string_view{raw}.substr(0, raw.size() - 1), later));
}

TEST_CASE("a print has what says something", "[fields]") {
    std::string out;
    fields::print(sample(),
        [&](std::string_view name, const std::string& value) { out += std::string(name) + "=" + value.substr(0, 1) + " "; });
    CHECK(out == "id=a when=- kind=2 name=i size=7 name=o size=1 ");
}
