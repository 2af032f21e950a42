#include "lib/spf/spf.h"

#include "lib/dns/zone_data.h"
#include "lib/spf/record.h"
#include "test/support/catch.h"
#include "test/support/wait_for.h"

using spf::Result;

namespace {

// One domain with this record; a few hosts beside it.
dns::ZoneData zone_with(std::string_view record) {
    dns::ZoneData zone;
    zone.add_txt("example.test", record);
    REQUIRE(zone.add("mail.example.test", dns::Type::a, "192.0.2.1"));
    REQUIRE(zone.add("mail.example.test", dns::Type::aaaa, "2001:db8::1"));
    REQUIRE(zone.add("example.test", dns::Type::mx, "10 mail.example.test"));
    REQUIRE(zone.add("1.2.0.192.in-addr.arpa", dns::Type::ptr, "mail.example.test"));
    REQUIRE(zone.add("9.2.0.192.in-addr.arpa", dns::Type::ptr, "liar.example.test"));
    return zone;
}

spf::Verdict check(dns::ZoneData& zone, std::string_view client = "192.0.2.1",
    spf::Identity identity = spf::Identity::mail_from, spf::Limits limits = {}, std::string sender = "alice@example.test") {
    spf::Query query;
    query.client = dict::parse_ip(client).value();
    query.helo = "mail.example.test";
    query.sender = std::move(sender);
    query.receiver = "mx.example.org";
    query.now = 1700000000;
    event::Loop loop;
    return test::wait_for(loop, spf::check(zone, query, identity, limits));
}

}  // namespace

TEST_CASE("records that break their form", "[spf][rfc7208:4.6][bad-input]") {
    struct Case {
        const char *name, *record;
    };
    const std::string nul("v=spf1 ip4:192.0.2.1\0 -all", 26);
    const Case cases[] = {
        {"prefix of 33", "v=spf1 ip4:192.0.2.0/33 -all"},
        {"prefix with a zero in front", "v=spf1 ip4:192.0.2.0/024 -all"},
        {"IPv6 prefix of 129", "v=spf1 a//129 -all"},
        {"garbage behind ip6", "v=spf1 ip6:zz -all"},
        {"an IPv4 address in ip6", "v=spf1 ip6:192.0.2.1 -all"},
        {"a modifier twice", "v=spf1 redirect=a.example.test redirect=b.example.test"},
        {"exp twice", "v=spf1 exp=a.example.test -all exp=b.example.test"},
        {"an unknown mechanism", "v=spf1 mxx -all"},
        {"text behind all", "v=spf1 -all:example.test"},
        {"a tab", "v=spf1\tmx -all"},
        {"a tab later", "v=spf1 mx\t-all"},
        {"a numeric top label", "v=spf1 a:192.0.2.1 -all"},
        {"include without a domain", "v=spf1 include -all"},
        {"an empty domain", "v=spf1 a: -all"},
        {"a macro that is not closed", "v=spf1 exists:%{i -all"},
        {"no parts wanted", "v=spf1 exists:%{d0}.example.test -all"},
        {"p255r. is in order, the letter is not", "v=spf1 exists:%{q255r.}.example.test -all"},
        {"an explanation's letter", "v=spf1 exists:%{t}.example.test -all"},
        {"a lonely percent sign", "v=spf1 exists:%.example.test -all"},
        {"UTF-8", "v=spf1 a:m\xc3\xa4il.example.test -all"},
        {"bad UTF-8", "v=spf1 a:m\xff.example.test -all"},
        {"an unknown modifier with a broken macro", "v=spf1 x=%{ mx -all"},
    };
    for (const Case& c : cases) {
        DYNAMIC_SECTION(c.name) {
            dns::ZoneData zone = zone_with(c.record);
            spf::Verdict verdict = check(zone);
            CHECK(verdict.result == (std::string_view(c.name) == "a tab" ? Result::none : Result::permerror));
            CHECK_FALSE(verdict.reason.empty());
        }
    }
    dns::ZoneData zone = zone_with(nul);
    CHECK(check(zone).result == Result::permerror);
}

TEST_CASE("which records count", "[spf][rfc7208:4.5]") {
    struct Case {
        const char* name;
        std::vector<const char*> records;
        Result want;
    };
    const Case cases[] = {
        {"v=spf10 is another version", {"v=spf10 -all"}, Result::none},
        {"mixed case", {"V=SpF1 MX -ALL"}, Result::pass},
        {"two of them", {"v=spf1 mx -all", "v=spf1 mx -all"}, Result::permerror},
        {"one of them", {"v=spf1 mx -all", "google-site-verification=x", "\xff"}, Result::pass},
        {"nothing but the version", {"v=spf1"}, Result::neutral},
        {"none", {"hello"}, Result::none},
    };
    for (const Case& c : cases) {
        DYNAMIC_SECTION(c.name) {
            dns::ZoneData zone;
            REQUIRE(zone.add("mail.example.test", dns::Type::a, "192.0.2.1"));
            REQUIRE(zone.add("example.test", dns::Type::mx, "10 mail.example.test"));
            for (const char* record : c.records)
                zone.add_txt("example.test", record);
            CHECK(check(zone).result == c.want);
        }
    }
}

TEST_CASE("limits", "[spf][rfc7208:4.6.4][bad-input]") {
    SECTION("ten terms that ask, not eleven") {
        std::string ten = "v=spf1";
        dns::ZoneData zone;
        for (int i = 0; i < 10; ++i) {
            std::string name = "h" + std::to_string(i) + ".example.test";
            ten += " a:" + name;
            REQUIRE(zone.add(name, dns::Type::a, "198.51.100.1"));
        }
        dns::ZoneData eleven = zone;
        zone.add_txt("example.test", ten + " -all");
        CHECK(check(zone).result == Result::fail);
        eleven.add_txt("example.test", ten + " mx -all");
        CHECK(check(eleven).result == Result::permerror);
    }
    SECTION("the macro for the client's name asks too") {
        std::string nine = "v=spf1";
        dns::ZoneData zone;
        for (int i = 0; i < 9; ++i) {
            std::string name = "h" + std::to_string(i) + ".example.test";
            nine += " a:" + name;
            REQUIRE(zone.add(name, dns::Type::a, "198.51.100.1"));
        }
        REQUIRE(zone.add("1.2.0.192.in-addr.arpa", dns::Type::ptr, "mail.example.test"));
        REQUIRE(zone.add("mail.example.test", dns::Type::a, "192.0.2.1"));
        REQUIRE(zone.add("mail.example.test.x.test", dns::Type::a, "127.0.0.1"));
        zone.add_txt("example.test", nine + " exists:%{p}.x.test -all");
        CHECK(check(zone).result == Result::permerror);
        dns::ZoneData once = zone_with("v=spf1 ptr:other.test exists:%{p}.x.test exists:%{p}.y.test -all");
        REQUIRE(once.add("mail.example.test.x.test", dns::Type::a, "127.0.0.1"));
        CHECK(check(once).result == Result::pass);
    }
    SECTION("includes in a circle end") {
        dns::ZoneData zone = zone_with("v=spf1 include:b.example.test -all");
        zone.add_txt("b.example.test", "v=spf1 include:example.test -all");
        CHECK(check(zone).result == Result::permerror);
        CHECK(zone.questions() <= 12);
    }
    SECTION("a redirect to itself ends") {
        dns::ZoneData zone = zone_with("v=spf1 redirect=example.test");
        CHECK(check(zone).result == Result::permerror);
    }
    SECTION("three answers without records") {
        dns::ZoneData two = zone_with("v=spf1 a:x1.example.test a:x2.example.test mx -all");
        CHECK(check(two).result == Result::pass);
        dns::ZoneData three = zone_with("v=spf1 a:x1.example.test a:x2.example.test a:x3.example.test mx -all");
        CHECK(check(three).result == Result::permerror);
    }
    SECTION("eleven mail exchangers") {
        dns::ZoneData zone = zone_with("v=spf1 mx:many.example.test -all");
        for (int i = 0; i < 11; ++i)
            REQUIRE(zone.add("many.example.test", dns::Type::mx, std::to_string(i) + " mail.example.test"));
        CHECK(check(zone).result == Result::permerror);
    }
    SECTION("a hundred names of one address: ten are looked at") {
        dns::ZoneData zone = zone_with("v=spf1 ptr:last.test -all");
        for (int i = 0; i < 100; ++i)
            REQUIRE(zone.add("1.2.0.192.in-addr.arpa", dns::Type::ptr, "n" + std::to_string(i) + ".last.test"));
        REQUIRE(zone.add("*.last.test", dns::Type::a, "198.51.100.1"));
        CHECK(check(zone).result == Result::fail);
        CHECK(zone.questions() <= 12);
    }
    SECTION("time") {
        dns::ZoneData zone = zone_with("v=spf1 mx -all");
        spf::Limits limits;
        limits.time = std::chrono::milliseconds(0);
        CHECK(check(zone, "192.0.2.1", spf::Identity::mail_from, limits).result == Result::temperror);
    }
    SECTION("a record of 64 KiB") {
        std::string record = "v=spf1";
        for (int i = 0; i < 3000; ++i)
            record += " ip4:198.51.100." + std::to_string(i % 250);
        dns::ZoneData zone = zone_with(record + " mx -all");
        CHECK(check(zone).result == Result::pass);
        dns::ZoneData macros = zone_with("v=spf1 exists:" + [] {
            std::string text;
            for (int i = 0; i < 8000; ++i)
                text += "%{s}.";
            return text;
        }() + "example.test -all");
        CHECK(check(macros).result == Result::fail);
    }
}

TEST_CASE("macros", "[spf][rfc7208:7]") {
    spf::MacroValues values;
    values.local_part = "strong-bad";
    values.sender_domain = values.domain = "email.example.com";
    values.client = dict::parse_ip("192.0.2.3").value();
    values.helo = "mx.example.org";
    values.receiver = "mx.example.net";
    values.now = 1234567890;
    struct Case {
        const char *text, *want;
    };
    // RFC 7208, 7.4, and what is not there.
    const Case cases[] = {
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d4}", "email.example.com"},
        {"%{d3}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l-}", "strong.bad"},
        {"%{lr}", "strong-bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
        {"%{d9999999999999999999}", "email.example.com"},
        {"%{p255r.}", "unknown"},
        {"%{S}", "strong-bad%40email.example.com"},
        {"%{c} at %{t} by %{r}, hello %{h}%_%%%-", "192.0.2.3 at 1234567890 by mx.example.net, hello mx.example.org %%20"},
    };
    for (const Case& c : cases) {
        DYNAMIC_SECTION(c.text) {
            auto macro = spf::MacroString::parse(c.text, spf::MacroString::Kind::explanation);
            REQUIRE(macro);
            CHECK(macro->expand(values) == c.want);
        }
    }
    values.client = dict::parse_ip("2001:db8::cb01").value();
    auto ip6 = spf::MacroString::parse("%{ir}.%{v}._spf.%{d2}", spf::MacroString::Kind::domain_spec);
    REQUIRE(ip6);
    CHECK(ip6->expand(values) == "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
    // Too long for a name: labels go from the left.
    values.local_part = std::string(250, 'x');
    auto longest = spf::MacroString::parse("%{l}.%{l}.example.test", spf::MacroString::Kind::domain_spec);
    REQUIRE(longest);
    CHECK(longest->expand_domain(values) == "example.test");
    // A value is never read as a macro again.
    values.local_part = "%{d}";
    auto text = spf::MacroString::parse("%{l}", spf::MacroString::Kind::explanation);
    CHECK(text->expand(values) == "%{d}");
}

TEST_CASE("identities", "[spf][rfc7208:2]") {
    dns::ZoneData zone = zone_with("v=spf1 -all exp=why.example.test");
    zone.add_txt("mail.example.test", "v=spf1 a -all");
    zone.add_txt("why.example.test", "%{s} may not use %{i}");
    CHECK(check(zone).result == Result::fail);
    CHECK(check(zone).explanation == "alice@example.test may not use 192.0.2.1");
    spf::Verdict helo = check(zone, "192.0.2.1", spf::Identity::helo);
    CHECK(helo.result == Result::pass);
    CHECK(helo.domain == "mail.example.test");
    spf::Verdict null_sender = check(zone, "192.0.2.1", spf::Identity::mail_from, {}, "");
    CHECK(null_sender.result == Result::pass);
    CHECK(null_sender.domain == "mail.example.test");
    CHECK(check(zone, "::ffff:192.0.2.1", spf::Identity::helo).result == Result::pass);
    CHECK(check(zone, "2001:db8::1", spf::Identity::helo).result == Result::pass);
    CHECK(check(zone, "192.0.2.1", spf::Identity::mail_from, {}, "user@[192.0.2.1]").result == Result::none);
    CHECK(check(zone, "192.0.2.1", spf::Identity::mail_from, {}, "user@localhost").result == Result::none);
}

TEST_CASE("a name counts only with the address behind it", "[spf][rfc7208:5.5]") {
    dns::ZoneData zone = zone_with("v=spf1 ptr:example.test -all");
    CHECK(check(zone, "192.0.2.1").result == Result::pass);
    CHECK(check(zone, "192.0.2.9").result == Result::fail);
}

TEST_CASE("trouble with the DNS is no verdict", "[spf][rfc7208:2.6.6]") {
    dns::ZoneData zone = zone_with("v=spf1 include:other.test -all");
    zone.set_trouble("other.test", dns::Status::temporary_failure);
    CHECK(check(zone).result == Result::temperror);
    zone.set_trouble("other.test", dns::Status::bogus);
    CHECK(check(zone).result == Result::temperror);
    dns::ZoneData forged;
    forged.set_trouble("example.test", dns::Status::bogus);
    CHECK(check(forged).result == Result::temperror);
}

TEST_CASE("the Received-SPF field", "[spf][rfc7208:9.1]") {
    spf::Verdict verdict;
    verdict.result = Result::permerror;
    verdict.domain = "example.test";
    verdict.reason = "\"mxx\": no such mechanism (really)";
    spf::Query query;
    query.client = dict::parse_ip("2001:db8::1").value();
    query.sender = "\"a\\b\r\nX: y\"@example.test";
    query.helo = "mail.example.test";
    query.receiver = "mx.example.org";
    CHECK(spf::received_spf(verdict, query) ==
          "permerror (mx.example.org: \"mxx\": no such mechanism \\(really\\)) client-ip=\"2001:db8::1\"; "
          "envelope-from=\"\\\"a\\\\b??X: y\\\"@example.test\"; helo=mail.example.test; identity=mailfrom; "
          "receiver=mx.example.org; problem=\"\\\"mxx\\\": no such mechanism (really)\";");
}
