// test/unit/lib/address/path_text_test.cc - addresses as they go out (RFC 5321, 4.1.2).
#include "lib/address/path_text.h"

#include "lib/address/path.h"
#include "test/support/catch.h"

TEST_CASE("an address goes out as it came in", "[address][rfc5321:4.1.2]") {
    for (const char* path : {"<>", "<alice@example.test>", "<\"john doe\"@x.test>", "<\"a> SIZE=1 BODY=7BIT X=<b\"@x.test>",
             "<\"alice+x> NOTIFY=NEVER\"@example.test>", "<\"a\\\"b\\\\c\"@x.test>", "<\"a@b\"@x.test>", "<a@[192.0.2.1]>",
             "<postmaster>"}) {
        CAPTURE(path);
        const auto read = address::parse_path(path);
        REQUIRE(read);
        const std::string written = address::PathText(read->mailbox.text()).in_brackets();
        CHECK(written == path);
        CHECK(address::mail_from(read->mailbox.text()) == std::string("MAIL FROM:") + path);
        CHECK(address::rcpt_to(read->mailbox.text()) == std::string("RCPT TO:") + path);
    }
}

TEST_CASE("no octet of an address ends a line or a path", "[address][bad-input]") {
    CHECK(address::PathText("a\r\nDATA@x.test").in_brackets() == "<a?\?DATA@x.test>");
    CHECK(address::PathText("a@x> SIZE=1 <").in_brackets() == "<a@x??SIZE=1?\?>");
    CHECK(address::return_path_field("john doe@x.test") == "Return-Path: <\"john doe\"@x.test>\r\n");
    CHECK(address::delivered_to_field("john doe@x.test") == "Delivered-To: \"john doe\"@x.test\r\n");
    CHECK(address::return_path_field("") == "Return-Path: <>\r\n");
}
