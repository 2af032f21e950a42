#include "lib/dmarc/record.h"

#include "test/support/catch.h"

using namespace dmarc;

TEST_CASE("DMARC records are read", "[dmarc][rfc7489:6.3]") {
    const auto record = parse_record(
        "v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=r; pct=30; t=y; psd=n; fo=1:d; ri=3600;"
        " rua=mailto:a@example.test!10m,mailto:b%2Bc@example.test ; ruf=mailto:f@example.test; unknown=x");
    REQUIRE(record);
    CHECK(record->policy == Policy::reject);
    CHECK(record->subdomains == Policy::quarantine);
    CHECK(record->nonexistent == Policy::none);
    CHECK(record->dkim == Alignment::strict);
    CHECK(record->spf == Alignment::relaxed);
    CHECK(record->percent == 30);
    CHECK(record->testing);
    CHECK(record->is_public_suffix == false);
    CHECK(record->interval == 3600);
    CHECK(record->failure_options == "1:d");
    REQUIRE(record->aggregate.size() == 2);
    CHECK(record->aggregate[0].address == "a@example.test");
    CHECK(record->aggregate[0].max_octets == 10 * 1024 * 1024);
    CHECK(record->aggregate[1].address == "b+c@example.test");
    CHECK(record->failure.size() == 1);
}

TEST_CASE("what is a DMARC record and what it defaults to", "[dmarc][rfc7489:6.4]") {
    struct Case {
        const char* text;
        const char* policy;  // "-": no record
    };
    const Case cases[] = {
        {"v=DMARC1;p=none", "none"},
        {"v=DMARC1 ; p = Reject ;", "reject"},
        {"v=DMARC1; p=quarantine; pct=1000", "quarantine"},
        {"v = DMARC1; p=none", "none"},
        {"v=dmarc1; p=none", "-"},
        {"V=DMARC1; p=none", "-"},
        {"v=DMARC10; p=none", "-"},
        {"p=none; v=DMARC1", "-"},
        {"v=DMARC1", "-"},
        {"v=DMARC1; p=nothing", "-"},
        {"v=DMARC1; p=nothing; rua=mailto:a@example.test", "none"},
        {"v=DMARC1; rua=mailto:a@example.test", "none"},
        {"v=DMARC1; p=reject; sp=bad", "-"},
        {"v=DMARC1; p=reject; sp=bad; rua=mailto:a@example.test", "none"},
        {"v=DMARC1; rua=https://example.test/", "-"},
        {"v=DMARC1; ; garbage; p=reject; =; x", "reject"},
        {"v=DMARC1; p=none; p=reject", "none"},
        {"v=spf1 -all", "-"},
        {"", "-"},
    };
    for (const Case& c : cases) {
        INFO(c.text);
        const auto record = parse_record(c.text);
        CHECK((record ? policy_name(record->policy) : "-") == c.policy);
    }
}

TEST_CASE("I13: report addresses", "[dmarc][rfc7489:6.2]") {
    struct Case {
        const char* list;
        const char* wanted;  // addresses with their limits
    };
    const Case cases[] = {
        {"mailto:a@example.test", "a@example.test 0"},
        {"MAILTO:a@example.test!1k , mailto:b@example.test!2G", "a@example.test 1024,b@example.test 2147483648"},
        {"mailto:v@victim.example!10t", "v@victim.example 10995116277760"},
        {"mailto:a@example.test!10x", ""},
        {"mailto:a@example.test!", ""},
        {"mailto:a@example.test!99999999999999999999t", ""},
        {"https://example.test/", ""},
        {"mailto:", ""},
        {"mailto:a", ""},
        {"mailto:@example.test", ""},
        {"mailto:a@b@example.test", ""},
        {"mailto:a@example.test%0d%0aBcc:x@example.test", ""},
        {"mailto:a%zz@example.test", ""},
        {"mailto:a@example.test?subject=x", "a@example.test 0"},
        {"mailto:%22a b%22@example.test", ""},
    };
    for (const Case& c : cases) {
        INFO(c.list);
        std::string found;
        for (const ReportUri& uri : parse_report_uris(c.list))
            found += (found.empty() ? "" : ",") + uri.address + " " + std::to_string(uri.max_octets);
        CHECK(found == c.wanted);
    }
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "mailto:a" + std::to_string(i) + "@example.test,";
    CHECK(parse_report_uris(many).size() == kMaxReportUris);
}
