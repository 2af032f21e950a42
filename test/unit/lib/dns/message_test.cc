#include "lib/dns/message.h"

#include "lib/dns/name.h"
#include "test/support/catch.h"

using dns::Status;
using dns::Type;

namespace {

std::string u16(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 255)}; }

std::string header(unsigned flags, unsigned answers, unsigned authorities = 0) {
    return u16(1) + u16(flags) + u16(1) + u16(answers) + u16(authorities) + u16(0);
}

std::string wire(std::string_view name) { return dns::encode_name(name).value(); }

std::string question(std::string_view name, Type type) { return wire(name) + u16(static_cast<unsigned>(type)) + u16(1); }

std::string record(const std::string& owner, Type type, const std::string& rdata, unsigned ttl = 60) {
    return owner + u16(static_cast<unsigned>(type)) + u16(1) + u16(ttl >> 16) + u16(ttl & 65535) +
           u16(static_cast<unsigned>(rdata.size())) + rdata;
}

const std::string kToQuestion = "\xc0\x0c";  // a pointer to the name in the question

}  // namespace

TEST_CASE("answers are read", "[dns][rfc1035:4.1]") {
    std::string asked = question("example.test", Type::a);
    SECTION("an address") {
        auto answer = dns::parse_message(
            header(0x8180, 1) + asked + record(kToQuestion, Type::a, "\xc0\x00\x02\x01" + std::string()), "example.test",
            Type::a);
        // the literal above ends at its NUL: the length does not fit an address, and the record is kept as it is
        CHECK(answer.status == Status::found);
        std::string address = {'\xc0', 0, 2, 1};
        answer = dns::parse_message(
            header(0x8180, 1) + asked + record(kToQuestion, Type::a, address), "example.test", Type::a);
        REQUIRE(answer.status == Status::found);
        CHECK(answer.records.at(0) == address);
        CHECK(answer.ttl == 60);
    }
    SECTION("an alias, with the smaller time to live") {
        std::string address = {'\xc0', 0, 2, 1};
        auto answer = dns::parse_message(header(0x8180, 2) + asked +
                                             record(kToQuestion, Type::cname, wire("other.test"), 30) +
                                             record(wire("OTHER.test"), Type::a, address),
            "example.test", Type::a);
        REQUIRE(answer.status == Status::found);
        CHECK(answer.canonical_name == "other.test");
        CHECK(answer.ttl == 30);
    }
    SECTION("no such name, no such record") {
        auto no_name = dns::parse_message(header(0x8183, 0) + asked, "example.test", Type::a);
        CHECK(no_name.status == Status::does_not_exist);
        CHECK_FALSE(no_name.name_exists);
        auto no_record = dns::parse_message(header(0x8180, 0) + asked, "example.test", Type::a);
        CHECK(no_record.status == Status::does_not_exist);
        CHECK(no_record.name_exists);
    }
    SECTION("records of other names do not count") {
        std::string address = {'\xc0', 0, 2, 1};
        auto answer = dns::parse_message(
            header(0x8180, 1) + asked + record(wire("evil.test"), Type::a, address), "example.test", Type::a);
        CHECK(answer.status == Status::does_not_exist);
    }
}

TEST_CASE("malformed replies", "[dns][rfc1035:4.1][bad-input]") {
    std::string asked = question("example.test", Type::a), address = {'\xc0', 0, 2, 1};
    std::string loop_a = record(kToQuestion, Type::cname, wire("b.test")),
                loop_b = record(wire("b.test"), Type::cname, wire("example.test"));
    std::string chain, owner = kToQuestion;
    for (int i = 0; i < 50; ++i) {
        std::string next = wire("n" + std::to_string(i) + ".test");
        chain += record(owner, Type::cname, next);
        owner = next;
    }
    struct Case {
        const char* name;
        std::string message;
    };
    std::string self_pointer = {'\xc0', 0x1e}, long_label(1, 64);
    const Case cases[] = {
        {"empty", ""},
        {"cut in the header", "\x12\x34\x81"},
        {"a query, not a reply", header(0x0100, 0) + asked},
        {"another question", header(0x8180, 0) + question("example.net", Type::a)},
        {"another type", header(0x8180, 0) + question("example.test", Type::mx)},
        {"refused", header(0x8185, 0) + asked},
        {"server failure", header(0x8182, 0) + asked},
        {"truncated", header(0x8380, 0) + asked},
        {"more records promised than there are", header(0x8180, 2) + asked + record(kToQuestion, Type::a, address)},
        {"a pointer to itself", header(0x8180, 1) + asked + record(self_pointer, Type::a, address)},
        {"a pointer behind the end", header(0x8180, 1) + asked + record("\xff\xff", Type::a, address)},
        {"a label of 64",
            header(0x8180, 1) + asked + record(long_label + std::string(64, 'a') + std::string(1, 0), Type::a, address)},
        {"a circle of aliases", header(0x8180, 2) + asked + loop_a + loop_b},
        {"a chain of 50", header(0x8180, 50) + asked + chain},
        {"an alias cut short", header(0x8180, 1) + asked +
                                   record(kToQuestion, Type::cname,
                                       "\x05"
                                       "ab")},
    };
    for (const Case& c : cases) {
        DYNAMIC_SECTION(c.name) {
            auto answer = dns::parse_message(c.message, "example.test", Type::a);
            CHECK(answer.status == Status::temporary_failure);
            CHECK_FALSE(answer.reason.empty());
            CHECK(answer.records.empty());
        }
    }
}

TEST_CASE("records with a wrong form", "[dns][bad-input]") {
    CHECK_FALSE(dns::parse_tlsa(std::string("\x03\x01\x01", 3)));
    CHECK(dns::parse_tlsa("\x03\x01\x01x"));
    CHECK_FALSE(dns::parse_address("abc"));
    CHECK_FALSE(dns::parse_mx(std::string("\0\x0a", 2)));
    CHECK_FALSE(
        dns::parse_txt("\x05"
                       "abc"));
    CHECK(dns::parse_txt("\x03"
                         "abc"
                         "\x02"
                         "de") == "abcde");
    CHECK(dns::parse_txt("") == "");
}

TEST_CASE("names", "[dns][rfc1035:3.1]") {
    CHECK(dns::decode_name(std::string("\3a.b\4t\\st\0", 10)) == "a\\.b.t\\\\st");
    CHECK(dns::decode_name(std::string("\4a\n;b\0", 6)) == "a\\010\\;b");
    CHECK(dns::encode_name("a\\.b.test") == std::string("\3a.b\4test\0", 10));
    CHECK_FALSE(dns::encode_name("a..b"));
    CHECK_FALSE(dns::encode_name(std::string(64, 'a')));
    CHECK(dns::reverse_name(*dict::parse_ip("192.0.2.1")) == "1.2.0.192.in-addr.arpa");
    CHECK(dns::reverse_name(*dict::parse_ip("2001:db8::567:89ab")) ==
          "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}
