#include <random>

#include "lib/dkim/body_canon.h"
#include "lib/dkim/header_fields.h"
#include "test/support/catch.h"

using namespace dkim;

namespace {

class Collector final : public BodySink {
  public:
    void take(std::string_view piece) override { text += piece; }
    std::string text;
};

std::string canonical(Canon canon, std::string_view body, std::size_t piece) {
    Collector out;
    BodyCanonicalizer canonicalizer(canon, out);
    for (std::size_t at = 0; at < body.size(); at += piece)
        canonicalizer.feed(body.substr(at, piece));
    canonicalizer.finish();
    return out.text;
}

// The same by the letter of RFC 6376, 3.4.3 and 3.4.4, octet by octet on the whole body.
std::string by_the_letter(Canon canon, std::string_view body) {
    std::string text;
    if (canon == Canon::relaxed) {
        std::string blanks;
        for (std::size_t i = 0; i < body.size(); ++i) {
            if (body[i] == ' ' || body[i] == '\t') {
                blanks = " ";
                continue;
            }
            const bool line_end = body.substr(i, 2) == "\r\n";
            if (!line_end)
                text += blanks;
            blanks.clear();
            if (line_end)
                text += body[i++];
            text += body[i];
        }
    } else {
        text = body;
    }
    if (!text.ends_with("\r\n") && (!text.empty() || canon == Canon::simple))
        text += "\r\n";
    while (text.ends_with("\r\n\r\n"))
        text.resize(text.size() - 2);
    if (text == "\r\n" && canon == Canon::relaxed)
        text.clear();
    return text;
}

}  // namespace

TEST_CASE("canonical bodies of RFC 6376", "[dkim][rfc6376:3.4.5]") {
    const std::string body = " C \r\nD \t E\r\n\r\n\r\n";
    CHECK(canonical(Canon::relaxed, body, 3) == " C\r\nD E\r\n");
    CHECK(canonical(Canon::simple, body, 3) == " C \r\nD \t E\r\n");
    CHECK(canonical(Canon::simple, "", 1) == "\r\n");
    CHECK(canonical(Canon::relaxed, "", 1) == "");
    CHECK(canonical(Canon::relaxed, " \t\r\n\r\n", 1) == "");
    CHECK(canonical(Canon::simple, "x", 1) == "x\r\n");
    CHECK(canonical(Canon::simple, "x\r", 1) == "x\r\r\n");
}

TEST_CASE("streaming canonicalization agrees with the letter of the RFC", "[dkim][rfc6376:3.4]") {
    std::mt19937 random(6376);
    const std::string_view kinds[] = {
        " ", "\t", "\r\n", "\r", "\n", "a", "bcd", "\r\n\r\n", "  ", " \r\n", "0123456789abcdef0123456789"};
    for (int round = 0; round < 4000; ++round) {
        std::string body;
        const std::size_t parts = random() % 60;
        for (std::size_t i = 0; i < parts; ++i)
            body += kinds[random() % std::size(kinds)];
        const std::size_t piece = 1 + random() % 40;
        for (Canon canon : {Canon::simple, Canon::relaxed}) {
            INFO("round " << round << ", pieces of " << piece);
            REQUIRE(canonical(canon, body, piece) == by_the_letter(canon, body));
        }
    }
}

TEST_CASE("long runs of empty lines and blanks take no memory and get counted right", "[dkim]") {
    std::string lines;
    for (int i = 0; i < 100'000; ++i)
        lines += "\r\n";
    CHECK(canonical(Canon::simple, "a\r\n" + lines + "b" + lines, 4096) == "a\r\n" + lines + "b\r\n");
    CHECK(canonical(Canon::relaxed, "a" + std::string(100'000, ' ') + "b", 4096) == "a b\r\n");
    const std::string text(50'000, 'x');
    CHECK(canonical(Canon::relaxed, text + " " + text, 50'001) == text + " " + text + "\r\n");
}

TEST_CASE("canonical header fields of RFC 6376", "[dkim][rfc6376:3.4.2]") {
    const std::string header = "A: X\r\nB : Y\t\r\n\tZ  \r\nEmpty:\r\nBlank: \t \r\n";
    const HeaderFields fields(header);
    REQUIRE(fields.all().size() == 4);
    std::string relaxed, simple;
    for (const Field& field : fields.all()) {
        append_canonical(relaxed, Canon::relaxed, field);
        append_canonical(simple, Canon::simple, field);
    }
    CHECK(relaxed == "a:X\r\nb:Y Z\r\nempty:\r\nblank:\r\n");
    CHECK(simple == header);
}

TEST_CASE("h= takes fields from the bottom", "[dkim][rfc6376:5.4.2]") {
    const HeaderFields fields("Received: 1\r\nFrom: f\r\nReceived: 2\r\nReceived: 3\r\n");
    std::string text;
    for (const Field* field : fields.select({"received", "from", "received", "missing", "from", "received", "received"}))
        append_canonical(text, Canon::relaxed, *field);
    CHECK(text == "received:3\r\nfrom:f\r\nreceived:2\r\nreceived:1\r\n");
}
