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
    CHECK(names(".").empty());
    CHECK(names(" lead\r\nA: b\r\n").empty());
    CHECK(names("A: b\nno colon\nC:d\n\nE: f") == std::vector<std::string>{"A"});
    CHECK(names("A: b\nno name: x\nC: d\n") == std::vector<std::string>{"A"});
    CHECK(names("From a@b Mon\nA: b\n") == std::vector<std::string>{"", "A"});
    CHECK(names("A: b\nFrom a@b Mon\nC: d\n") == std::vector<std::string>{"A"});
    CHECK(names(":\n\n").empty());
    CHECK(names(std::string(70000, 'A') + ": x\r\nB: c\r\n").empty());
    CHECK(header_length("A: b") == 4);
    CHECK(header_length("A: b\n\n") == 6);
    CHECK(header_length("A: b\nno colon\n\n") == 5);
    CHECK(header_length("A: b\r\n \r\nC: d\r\n\r\nx") == 17);
}
