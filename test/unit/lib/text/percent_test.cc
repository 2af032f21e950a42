#include "lib/text/percent.h"

#include "test/support/catch.h"

TEST_CASE("what a percent sign stands for", "[text][rfc3986:2.1]") {
    CHECK(text::decode_percent("a%2Cb%2c") == "a,b,");
    CHECK(text::decode_percent("%00") == std::string(1, '\0'));
    for (const char* bad : {"%", "%2", "a%", "%g0", "%0g", "%%20"})
        CHECK_FALSE(text::decode_percent(bad));
    CHECK(text::percent_octet("x%41", 1) == 'A');
    CHECK_FALSE(text::percent_octet("x%41", 0));
    CHECK_FALSE(text::percent_octet("x%41", 9));
}
