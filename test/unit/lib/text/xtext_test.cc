#include "lib/text/xtext.h"

#include "test/support/catch.h"

TEST_CASE("xtext hides no control character", "[text][rfc3461:4][C14]") {
    CHECK(text::decode_xtext("a+2Bb") == "a+b");
    CHECK(text::decode_xtext("+2B") == "+");
    CHECK(text::decode_xtext("") == "");
    for (const char* bad : {"x+0Aroot", "a+2", "a+", "a=b", "a b", "a+2b", "a+7F", "a\x7f", "a\x01", "zo\xc3\xab", "a+G0"})
        CHECK_FALSE(text::decode_xtext(bad).has_value());
    CHECK(text::decode_xtext(text::encode_xtext("a+b=c d")) == "a+b=c d");
    CHECK(text::encode_xtext("a b") == "a+20b");
}
