#include "lib/dsn/status_text.h"

#include "test/support/catch.h"

TEST_CASE("a status code with its words", "[dsn]") {
    struct Case {
        const char* in;
        const char* status;
        const char* text;
    };
    for (const Case& c : {Case{"5.1.1 no such user", "5.1.1", "no such user"}, Case{"4.4.1", "4.4.1", ""},
             Case{"no such user", "5.0.0", "no such user"}, Case{"3.1.1 x", "5.0.0", "3.1.1 x"},
             Case{"5.1 x", "5.0.0", "5.1 x"}, Case{"5.1.1111 x", "5.0.0", "5.1.1111 x"}, Case{"", "5.0.0", ""},
             Case{"5.1.1.1 x", "5.0.0", "5.1.1.1 x"}}) {
        const dsn::StatusText split = dsn::split_status_text(c.in, "5.0.0");
        INFO(c.in);
        CHECK(split.status == c.status);
        CHECK(split.text == c.text);
    }
}
