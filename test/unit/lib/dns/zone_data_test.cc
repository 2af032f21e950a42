#include "lib/dns/zone_data.h"

#include "test/support/catch.h"
#include "test/support/shared_data.h"
#include "test/support/wait_for.h"

using dns::Status;
using dns::ZoneData;
using test::wait_for;

namespace {

constexpr std::string_view kZone = R"($TTL 1h
$ORIGIN example.test.
@   IN SOA ns hostmaster ( 1   ; serial
        3600 600 86400 300 )
    IN NS  ns
    MX 10 mail
    MX 20 backup.example.net.
    TXT "v=spf1 " "mx -all"  ; joined
mail 300 IN A 192.0.2.1
     AAAA 2001:db8::1
www  CNAME mail
far  CNAME far.example.net.
a    CNAME b
b    CNAME a
null MX 0 .
_25._tcp.mail TLSA 3 1 1 ( 00112233445566778899aabbccddeeff
                           00112233445566778899aabbccddeeff )
quoted TXT "semi;colon \"quoted\" \092 \010 end"
*.wild TXT "from the wildcard"
deep.down.there A 192.0.2.9
$ORIGIN 2.0.192.in-addr.arpa.
1 PTR mail.example.test.
)";

ZoneData zone(std::string_view text) {
    auto data = ZoneData::parse(text, "test.zone");
    REQUIRE(data);
    return std::move(*data);
}

}  // namespace

TEST_CASE("zone files", "[dns][rfc1035:5]") {
    ZoneData data = zone(kZone);
    event::Loop loop;
    SECTION("records of each type") {
        auto mx = wait_for(loop, data.mx("example.test"));
        REQUIRE(mx.status == Status::found);
        REQUIRE(mx.records.size() == 2);
        CHECK(mx.records[0].preference == 10);
        CHECK(mx.records[0].host == "mail.example.test");
        CHECK(mx.records[1].host == "backup.example.net");
        auto txt = wait_for(loop, data.txt("EXAMPLE.test."));
        CHECK(txt.records == std::vector<std::string>{"v=spf1 mx -all"});
        CHECK(wait_for(loop, data.ipv4("mail.example.test")).records.at(0) == *dict::parse_ip("192.0.2.1"));
        CHECK(wait_for(loop, data.ipv6("mail.example.test")).records.at(0) == *dict::parse_ip("2001:db8::1"));
        CHECK(wait_for(loop, data.ptr(*dict::parse_ip("192.0.2.1"))).records.at(0) == "mail.example.test");
        auto tlsa = wait_for(loop, data.tlsa("_25._tcp.mail.example.test"));
        REQUIRE(tlsa.records.size() == 1);
        CHECK(tlsa.records[0].usage == 3);
        CHECK(tlsa.records[0].association.size() == 32);
        CHECK(wait_for(loop, data.mx("null.example.test")).records.at(0).host.empty());
        CHECK(wait_for(loop, data.txt("quoted.example.test")).records.at(0) == "semi;colon \"quoted\" \\ \n end");
    }
    SECTION("aliases are followed, circles end") {
        auto www = wait_for(loop, data.ipv4("www.example.test"));
        CHECK(www.status == Status::found);
        CHECK(www.canonical_name == "mail.example.test");
        auto far = wait_for(loop, data.ipv4("far.example.test"));
        CHECK(far.status == Status::does_not_exist);
        CHECK_FALSE(far.name_exists);
        CHECK(wait_for(loop, data.ipv4("a.example.test")).status == Status::temporary_failure);
    }
    SECTION("existence") {
        CHECK(wait_for(loop, data.txt("mail.example.test")).name_exists);
        CHECK(wait_for(loop, data.txt("down.there.example.test")).name_exists);
        CHECK_FALSE(wait_for(loop, data.txt("nobody.example.test")).name_exists);
        CHECK(wait_for(loop, data.txt("x.wild.example.test")).status == Status::found);
        CHECK(wait_for(loop, data.txt("x.y.wild.example.test")).status == Status::found);
        CHECK(wait_for(loop, data.ipv4("x.wild.example.test")).name_exists);
    }
    SECTION("names that the DNS cannot hold are not asked for") {
        std::string label(64, 'a'), name;
        for (int i = 0; i < 64; ++i)
            name += "abc.";
        for (const std::string& bad :
            {std::string(), std::string("."), std::string("a..test"), label + ".test", name + "x"}) {
            auto answer = wait_for(loop, data.txt(bad));
            CHECK(answer.status == Status::does_not_exist);
        }
        CHECK(data.questions() == 0);
    }
}

TEST_CASE("zone files that break their form", "[dns][rfc1035:5]") {
    struct Case {
        const char *name, *text, *reason;
    };
    const Case cases[] = {
        {"no type", "a.test. 300 IN\n", "bad: line 1: an entry without a type"},
        {"unknown type", "\na.test. WEIRD x\n", "bad: line 2: \"WEIRD\" is no type of record"},
        {"bad address", "a.test. A 192.0.2.300\n", "bad: line 1: \"192.0.2.300\" is not an IPv4 address"},
        {"open parenthesis", "a.test. TXT ( \"x\"\n", "bad: line 1: an opening parenthesis is never closed"},
        {"open string", "a.test. TXT \"x\n", "bad: line 1: a quoted string is not closed on its line"},
        {"no owner", "  A 192.0.2.1\n", "bad: line 1: an entry without a name, and none before it"},
        {"MX without number", "a.test. MX mail.a.test.\n", "bad: line 1: MX wants a number up to 65535 and a name"},
        {"odd hexadecimal", "a.test. TLSA 3 1 1 abc\n", "bad: line 1: the data of a TLSA record is not hexadecimal"},
        {"a vertical tab is no blank", "a.test.\vA 192.0.2.1\n", "bad: line 1: \"192.0.2.1\" is no type of record"},
        {"directive", "$GENERATE 1-2 a A 192.0.2.$\n", "bad: line 1: the directive $GENERATE is unknown or incomplete"},
    };
    for (const Case& c : cases) {
        DYNAMIC_SECTION(c.name) {
            auto data = ZoneData::parse(c.text, "bad");
            REQUIRE_FALSE(data);
            CHECK(data.error() == c.reason);
        }
    }
    CHECK_FALSE(ZoneData::load("/nonexistent/zone"));
}

TEST_CASE("zone data in YAML", "[dns]") {
    ZoneData data = zone(R"(zonedata:
  example.test:
    - SPF: v=spf1 mx -all
    - MX: [10, mail.example.test]
    - MX: 20 other.example.test
    - MX: [0, ""]
  both.example.test:
    - SPF: v=spf1 -all
    - TXT: another text
  none.example.test:
    - SPF: v=spf1 -all
    - TXT: NONE
  split.example.test:
    - TXT: ["v=spf1 ", "-all"]
  down.example.test:
    - TIMEOUT
  halfdown.example.test:
    - A: 192.0.2.1
    - TIMEOUT
    - SPF: v=spf1 -all
  onedown.example.test:
    - TXT: TIMEOUT
    - A: 192.0.2.1
  forged.example.test:
    - A: BOGUS
---
txt-records:
  key._domainkey.example.test: |
    v=DKIM1; k=rsa;
    p=AAAA
)");
    event::Loop loop;
    CHECK(wait_for(loop, data.txt("example.test")).records == std::vector<std::string>{"v=spf1 mx -all"});
    CHECK(wait_for(loop, data.mx("example.test")).records.size() == 3);
    CHECK(wait_for(loop, data.txt("both.example.test")).records == std::vector<std::string>{"another text"});
    CHECK(wait_for(loop, data.txt("none.example.test")).status == Status::does_not_exist);
    CHECK(wait_for(loop, data.txt("split.example.test")).records == std::vector<std::string>{"v=spf1 -all"});
    CHECK(wait_for(loop, data.txt("down.example.test")).status == Status::temporary_failure);
    CHECK(wait_for(loop, data.ipv4("halfdown.example.test")).status == Status::found);
    CHECK(wait_for(loop, data.txt("halfdown.example.test")).status == Status::temporary_failure);
    CHECK(wait_for(loop, data.txt("onedown.example.test")).status == Status::temporary_failure);
    CHECK(wait_for(loop, data.ipv4("onedown.example.test")).status == Status::found);
    CHECK(wait_for(loop, data.ipv4("forged.example.test")).status == Status::bogus);
    CHECK(wait_for(loop, data.txt("key._domainkey.example.test")).records.at(0) == "v=DKIM1; k=rsa; p=AAAA");
    auto bad = ZoneData::parse("zonedata:\n  a.test:\n    - WKS: x\n", "bad.yml");
    REQUIRE_FALSE(bad);
    CHECK(bad.error() == "bad.yml: a.test: WKS: no type of record that can be asked for");
    CHECK_FALSE(ZoneData::parse("zonedata:\n  a: [\n", "bad.yml"));
}

TEST_CASE("the collected zone data can be served", "[dns][conformance]") {
    for (const char* name : {"spf/rfc7208-tests.yml", "arc/arc-validation.yml", "arc/arc-sign.yml"}) {
        auto path = test::find_conformance(name);
        if (path.empty()) {
            WARN("skipped: no shared/conformance/" << name);
            continue;
        }
        auto data = ZoneData::load(path);
        INFO((data ? std::string() : data.error()));
        CHECK(data);
    }
}
