#include "smtpd/authentication/forgery_filter.h"

#include "test/support/catch.h"

using smtpd::authentication::ForgeryFilter;

namespace {

std::string filtered(std::string_view message, std::size_t step, int* removed = nullptr) {
    ForgeryFilter filter("mx.example.test");
    std::string out;
    for (std::size_t at = 0; at < message.size(); at += step)
        filter.take(message.substr(at, step), out);
    filter.finish(out);
    if (removed != nullptr)
        *removed = filter.removed();
    return out;
}

}  // namespace

TEST_CASE("forged results are taken out", "[smtpd][rfc8601:5][bad-input]") {
    struct Case {
        const char *name, *message, *want;
        int removed;
    };
    const Case cases[] = {
        {"plain", "Authentication-Results: mx.example.test; dmarc=pass\r\nSubject: x\r\n\r\nhi\r\n",
            "Subject: x\r\n\r\nhi\r\n", 1},
        {"another host's stays", "Authentication-Results: mx.example.org; dmarc=pass\r\n\r\nhi\r\n",
            "Authentication-Results: mx.example.org; dmarc=pass\r\n\r\nhi\r\n", 0},
        {"case, comment, version 2", "A: 1\r\nauthentication-RESULTS: (x) MX.Example.Test (y) 2; spf=pass\r\nB: 2\r\n\r\n",
            "A: 1\r\nB: 2\r\n\r\n", 1},
        {"folded", "Authentication-Results:\r\n\tmx.example.test;\r\n spf=pass\r\nB: 2\r\n\r\n", "B: 2\r\n\r\n", 1},
        {"quoted", "Authentication-Results: \"mx.example.test\"; spf=pass\r\n\r\n", "\r\n", 1},
        {"blank before the colon", "Authentication-Results \t: mx.example.test; spf=pass\r\n\r\n", "\r\n", 1},
        {"at the end of a header without body", "A: 1\r\nAuthentication-Results: mx.example.test; spf=pass\r\n", "A: 1\r\n",
            1},
        {"without a line end", "A: 1\r\nAuthentication-Results: mx.example.test; spf=pass", "A: 1\r\n", 1},
        {"behind a bare LF", "A: 1\nAuthentication-Results: mx.example.test; spf=pass\nB: 2\n\nhi", "A: 1\nB: 2\n\nhi", 1},
        {"behind a bare CR", "A: 1\rAuthentication-Results: mx.example.test; spf=pass\rB: 2\r\n\r\nhi",
            "A: 1\rB: 2\r\n\r\nhi", 1},
        {"two of them",
            "Authentication-Results: mx.example.test; a=b\r\nAuthentication-Results: mx.example.test; c=d\r\n\r\n", "\r\n",
            2},
        {"in the body it is text", "A: 1\r\n\r\nAuthentication-Results: mx.example.test; spf=pass\r\n",
            "A: 1\r\n\r\nAuthentication-Results: mx.example.test; spf=pass\r\n", 0},
        {"a longer name is another field", "Authentication-Results-Old: mx.example.test; spf=pass\r\n\r\n",
            "Authentication-Results-Old: mx.example.test; spf=pass\r\n\r\n", 0},
        {"ARC's own field stays", "ARC-Authentication-Results: i=1; mx.example.test; spf=pass\r\n\r\n",
            "ARC-Authentication-Results: i=1; mx.example.test; spf=pass\r\n\r\n", 0},
        {"no header", "\r\nAuthentication-Results: mx.example.test; spf=pass\r\n",
            "\r\nAuthentication-Results: mx.example.test; spf=pass\r\n", 0},
        {"empty", "", "", 0},
    };
    for (const Case& c : cases) {
        for (std::size_t step : {1u, 2u, 3u, 7u, 1000u}) {
            DYNAMIC_SECTION(c.name << " in pieces of " << step) {
                int removed = 0;
                CHECK(filtered(c.message, step, &removed) == c.want);
                CHECK(removed == c.removed);
            }
        }
    }
}

TEST_CASE("a field without an end", "[smtpd][bad-input]") {
    std::string long_field = "Authentication-Results: other.test; " + std::string(200000, 'x') + "\r\n";
    CHECK(filtered(long_field + "B: 2\r\n\r\n", 4096) == "B: 2\r\n\r\n");
    std::string long_subject = "Subject: " + std::string(200000, 'x') + "\r\n\r\n";
    CHECK(filtered(long_subject, 4096) == long_subject);
}
