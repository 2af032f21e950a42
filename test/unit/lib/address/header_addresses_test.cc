// test/unit/lib/address/header_addresses_test.cc - address fields (RFC 5322, 3.4 and 4.4).
#include "lib/address/header_addresses.h"

#include "test/support/catch.h"

namespace {

struct Row {
    const char* field;
    std::vector<std::string> want;
};

const Row kRows[] = {
    {"alice@example.test", {"alice@example.test"}},
    {"Alice <alice@example.test>, \"Bob, Jr.\" <bob@example.test>", {"alice@example.test", "bob@example.test"}},
    {"alice, bob", {"alice", "bob"}},
    {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", {"c@a.test", "joe@where.test", "jdoe@one.test"}},
    {"Undisclosed recipients:;", {}},
    {"(comment) alice@example.test (another (nested))", {"alice@example.test"}},
    {"<@a.test,@b.test:alice@example.test>", {"alice@example.test"}},
    {"\"a b\"@example.test", {"a b@example.test"}},
    {"john . doe @ example . test", {"john.doe@example.test"}},
    {"alice@[192.0.2.1]", {"alice@[192.0.2.1]"}},
    {"a@b.test; c@d.test", {"a@b.test", "c@d.test"}},
    {" , ,, ", {}},
    {"<>", {}},
    {"two words", {}},
    {"Who? <one@y.test>", {"one@y.test"}},
    {"unclosed <a@b.test", {"a@b.test"}},
    {"\"unclosed", {"unclosed"}},
    {"backslash at the end\\", {}},
    {"a\\", {"a\\"}},
    {"alice@example.test,\r\n\tbob@example.test", {"alice@example.test", "bob@example.test"}},
};

}  // namespace

TEST_CASE("addresses of a header field", "[address][rfc5322:3.4]") {
    for (const Row& row : kRows) {
        CAPTURE(row.field);
        std::vector<std::string> found;
        for (const address::HeaderAddress& address : address::parse_header_addresses(row.field))
            found.push_back(address.mailbox.text());
        CHECK(found == row.want);
    }
}

TEST_CASE("the place of an address can be replaced", "[address]") {
    std::string field = "Alice <alice>, bob (him)";
    auto found = address::parse_header_addresses(field);
    REQUIRE(found.size() == 2);
    CHECK(field.substr(found[0].begin, found[0].end - found[0].begin) == "alice");
    CHECK(found[0].name == "Alice");
    CHECK(field.substr(found[1].begin, found[1].end - found[1].begin) == "bob");
}

TEST_CASE("odd fields end", "[address]") {
    for (char c : std::string("(<\"[@:;,\\")) {
        auto found = address::parse_header_addresses(std::string(200000, c));
        CHECK(found.size() <= 1);
    }
}
