#include "lib/message/header.h"

#include <vector>

#include "test/support/catch.h"

using namespace message;

namespace {
std::vector<std::string> names(std::string_view text) {
    std::vector<std::string> result;
    HeaderReader reader(text);
    while (auto field = reader.next())
        result.emplace_back(field->name);
    return result;
}
}  // namespace

TEST_CASE("fields keep their octets", "[message][rfc5322:2.2]") {
    std::string text = "From: a\r\nSubject : x\r\n y\r\n\r\nbody: no\r\n";
    HeaderReader reader(text);
    auto from = reader.next();
    REQUIRE(from);
    CHECK(from->name == "From");
    CHECK(from->raw == "From: a\r\n");
    auto subject = reader.next();
    REQUIRE(subject);
    CHECK(subject->name == "Subject");
    CHECK(subject->raw == "Subject : x\r\n y\r\n");
    CHECK(unfold(subject->body) == "x y");
    CHECK_FALSE(reader.next());
    CHECK(text.substr(reader.consumed()) == "body: no\r\n");
    CHECK(header_length(text) == reader.consumed());
}

TEST_CASE("D19, D20: odd headers end where every component says", "[message]") {
    CHECK(names("").empty());
    CHECK(names("\r\n").empty());
    CHECK(names(".") == std::vector<std::string>{""});
    CHECK(names(" lead\r\nA: b\r\n") == std::vector<std::string>{"", "A"});
    CHECK(names("A: b\nno colon\nC:d\n\nE: f") == std::vector<std::string>{"A", "", "C"});
    CHECK(names(":\n\n") == std::vector<std::string>{""});
    CHECK(header_length("A: b") == 4);
    CHECK(header_length("A: b\n\n") == 6);
    CHECK(header_length("A: b\r\n \r\nC: d\r\n\r\nx") == 17);
}

TEST_CASE("a header that comes line by line", "[message]") {
    HeaderStream stream;
    CHECK_FALSE(stream.add("A: b"));
    CHECK_FALSE(stream.add(" c"));
    CHECK(stream.add("D: e") == "A: b\n c");
    CHECK(stream.finish() == "D: e");
    CHECK_FALSE(stream.finish());
    HeaderStream small(10);
    CHECK_FALSE(small.add("A: 345678"));
    CHECK(small.add(" more") == "A: 345678");
}
