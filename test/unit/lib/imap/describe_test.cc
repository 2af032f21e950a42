#include "lib/imap/describe.h"

#include "test/support/catch.h"

using namespace imap;

namespace {
std::string structure_of(std::string_view text, bool extended) {
    return format_body_structure(message::parse_structure(text), text, extended);
}
}  // namespace

TEST_CASE("ENVELOPE", "[imap][rfc3501:7.4.2]") {
    CHECK(format_envelope("From: Alice <a@example.test>\r\nSubject: hi \"x\"\r\nTo: g:b@c;\r\nDate: d\r\n\r\n") ==
          R"(("d" "hi \"x\"" (("Alice" NIL "a" "example.test")) (("Alice" NIL "a" "example.test")) )"
          R"((("Alice" NIL "a" "example.test")) ((NIL NIL "g" NIL)(NIL NIL "b" "c")(NIL NIL NIL NIL)) )"
          R"(NIL NIL NIL NIL))");
    CHECK(format_envelope("") == "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    CHECK(format_envelope("From:\r\nTo: \r\n\r\n") == "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
}

TEST_CASE("BODY and BODYSTRUCTURE", "[imap][rfc3501:7.4.2]") {
    CHECK(structure_of("A: b\r\n\r\nx\r\n", false) == R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1))");
    std::string mixed =
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/x-myown; charset=us-ascii\r\n\r\n"
        "hello\r\n\r\n--b--\r\n";
    CHECK(structure_of(mixed, false) == R"((("text" "x-myown" ("charset" "us-ascii") NIL NIL "7bit" 7 1) "mixed"))");
    CHECK(structure_of(mixed, true) ==
          R"((("text" "x-myown" ("charset" "us-ascii") NIL NIL "7bit" 7 1 NIL NIL NIL NIL) "mixed" )"
          R"(("boundary" "b") NIL NIL NIL))");
    CHECK(structure_of("Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nb\r\n", false) ==
          R"(("message" "rfc822" NIL NIL NIL "7bit" 17 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) )"
          R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1) 3))");
    CHECK(structure_of("Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n", false) ==
          R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed"))");
    CHECK(
        structure_of("Content-Type: image/png; name=\"a\\\"b\"\r\nContent-Disposition: attachment; filename=x\r\n"
                     "Content-Transfer-Encoding: base64\r\nContent-ID: <i>\r\n\r\nQQ==",
            true) == R"(("image" "png" ("name" "a\"b") "<i>" NIL "base64" 4 NIL ("attachment" ("filename" "x")) NIL NIL))");
}
