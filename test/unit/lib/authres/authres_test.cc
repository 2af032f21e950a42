#include "lib/authres/authres.h"

#include "test/support/catch.h"

using namespace authres;

namespace {

struct ReadCase {
    const char* name;
    const char* value;
    const char* wanted;  // formatted on one line; "!" and the beginning of the reason where it must be refused
};

// The samples of RFC 8601, appendix B, and what people make of them.
const ReadCase kReadCases[] = {
    {"nothing done", " example.org 1; none", "none"},
    {"one method", " example.com;\r\n\tspf=pass smtp.mailfrom=example.net", "spf=pass smtp.mailfrom=example.net"},
    {"several methods", "example.com; auth=pass (cram-md5) smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net",
        "auth=pass (cram-md5) smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net"},
    {"reason",
        "example.com; dkim=pass reason=\"good signature\" header.i=@mail-router.example.net;\r\n dkim=fail reason=\"bad "
        "signature\" header.i=@newyork.example.com",
        "dkim=pass reason=\"good signature\" header.i=@mail-router.example.net; dkim=fail reason=\"bad signature\" "
        "header.i=@newyork.example.com"},
    {"comments everywhere",
        "foo.example.net (foobar) 1 (baz);\r\n  dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n    policy "
        "(A dot can "
        "go here) . (like that) expired\r\n    (this surprised me) = (as I wasn't expecting it) 1362471462",
        "dkim=fail policy.expired=1362471462"},
    {"base64 in a value", "h; dkim=pass header.b=\"abc/d+f\" header.s=a", "dkim=pass header.b=\"abc/d+f\" header.s=a"},
    {"unquoted base64", "h; dkim=pass header.b=abc/def=", "dkim=pass header.b=\"abc/def=\""},
    {"IPv6 address", "h; spf=pass policy.iprev=2001:db8::1", "spf=pass policy.iprev=\"2001:db8::1\""},
    {"case of keywords", "h; SPF=Pass SMTP.MailFrom=Example.Net", "spf=pass smtp.mailfrom=Example.Net"},
    {"last semicolon", "h; spf=none;", "spf=none"},
    {"empty value", "h; spf=none smtp.mailfrom=", "spf=none smtp.mailfrom=\"\""},
    {"id in quotes", "\"h\"; spf=none", "spf=none"},
    {"nested comment", "h; spf=fail (a (b) c\\)) x.y=z", "spf=fail (a \\(b\\) c\\)) x.y=z"},
    {"quoted local part", "h; spf=pass smtp.mailfrom=\"a b\"@example.test",
        "spf=pass smtp.mailfrom=\"\\\"a b\\\"@example.test\""},
    {"other version", "h 2; spf=none", "!the version"},
    {"no id", " ; spf=none", "!there is no authserv-id"},
    {"empty", "", "!there is no authserv-id"},
    {"no result", "h; spf", "!\"spf\" has no"},
    {"no result word", "h; spf=", "!spf= has no result"},
    {"property without dot", "h; spf=pass mailfrom=x", "!\"mailfrom\" has neither"},
    {"comment without end", "h; spf=pass (x", "!a comment"},
    {"garbage behind the id", "h @; spf=pass", "!\"@\" stands"},
};

}  // namespace

TEST_CASE("Authentication-Results is read", "[authres][rfc8601:2.2]") {
    for (const ReadCase& c : kReadCases) {
        DYNAMIC_SECTION(c.name) {
            const auto header = parse(c.value);
            const std::string_view wanted = c.wanted;
            if (wanted.starts_with("!")) {
                REQUIRE_FALSE(header);
                CHECK(header.error().find(wanted.substr(1)) == 0);
                continue;
            }
            INFO((header ? "" : header.error()));
            REQUIRE(header);
            CHECK(format_results(header->results, false) == wanted);
            const auto again = parse(format(*header));
            REQUIRE(again);
            CHECK(*again == *header);
        }
    }
}

TEST_CASE("Authentication-Results is written folded and harmless", "[authres][rfc8601:2.2]") {
    Header header{.authserv_id = "mx.example.test", .results = {}};
    CHECK(format(header) == "mx.example.test; none");
    Result spf;
    spf.method = "spf";
    spf.result = "pass";
    spf.properties = {{"smtp", "mailfrom", "a\r\nBcc: x@example.test"}, {"smtp", "helo", "client.example.test"}};
    header.results = {spf, spf};
    const std::string text = format(header);
    CHECK(text.starts_with("mx.example.test;\r\n\tspf=pass smtp.mailfrom=\"a??Bcc: x@example.test\""));
    CHECK(text.find("\r\nBcc") == std::string::npos);
    Result dkim;
    dkim.method = "dkim";
    dkim.result = "fail";
    dkim.comment = "a) x";
    header.results = {dkim};
    CHECK(format(header) == "mx.example.test;\r\n\tdkim=fail (a\\) x)");
    for (int i = 0; i < 20; ++i)
        header.results[0].properties.push_back({"header", "d", std::string(60, 'x')});
    const std::string folded = format(header);
    for (std::size_t at = 0; at < folded.size();) {
        const std::size_t end = std::min(folded.find("\r\n", at), folded.size());
        CHECK(end - at <= 78);
        at = end + 2;
    }
}

TEST_CASE("forgeries of our own results are recognised", "[authres][rfc8601:5]") {
    struct Case {
        const char* value;
        bool ours;
    };
    const Case cases[] = {
        {" our.host; dmarc=pass", true},
        {" OUR.Host; dmarc=pass", true},
        {"\r\n\tour.host;\r\n dmarc=pass", true},
        {" (x (y)) our.host (z) 1; dmarc=pass", true},
        {" our.host 2; dmarc=pass", true},
        {" \"our.host\"; dmarc=pass", true},
        {" \"our\\.host\"; dmarc=pass", true},
        {" our.host.; dmarc=pass", true},
        {" our.host", true},
        {" our.host/1; dmarc=pass", true},
        {" our.host=x", true},
        {" our.host @@@ garbage", true},
        {" (never ends our.host; dmarc=pass", true},
        {" ; our.host", true},
        {" their.host; dmarc=pass", false},
        {" not-our.host; dmarc=pass", false},
        {" our.host.example; dmarc=pass", false},
        {" our.host-2; dmarc=pass", false},
        {" their.host; x=pass (our.host)", false},
        {"", false},
    };
    for (const Case& c : cases) {
        INFO(c.value);
        CHECK(claims_to_be(c.value, "our.host") == c.ours);
    }
    CHECK_FALSE(claims_to_be("x", ""));
}

TEST_CASE("limits of Authentication-Results", "[authres]") {
    std::string many = "h";
    for (std::size_t i = 0; i <= kMaxResults; ++i)
        many += "; spf=none";
    CHECK_FALSE(parse(many));
    std::string deep = "h; spf=none " + std::string(1'000'000, '(');
    CHECK_FALSE(parse(deep));
    std::string properties = "h; spf=none";
    for (std::size_t i = 0; i <= kMaxProperties; ++i)
        properties += " a.b=c";
    CHECK_FALSE(parse(properties));
}
