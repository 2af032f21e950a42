#include "lib/message/charset.h"
#include "lib/message/content_type.h"
#include "lib/message/date.h"
#include "lib/message/encoded_word.h"
#include "lib/message/transfer.h"
#include "test/support/catch.h"

using namespace message;

TEST_CASE("dates", "[message][rfc5322:3.3]") {
    struct Case {
        const char* text;
        std::int64_t utc;
        std::int64_t day;
    };
    const Case cases[] = {
        {"Sat, 24 Mar 2007 23:00:00 +0200", 1174770000, 13596},
        {"Thu, 01 Jan 1970 00:00:00 +0000", 0, 0},
        {"1 Jan 70 00:00 GMT", 0, 0},
        {"(x) Thu (y), 1 (z) Jan 1970 00 : 00 : 00 -0100 (comment)", 3600, 0},
        {"Thu, 31 Dec 1998 23:59:60 EST", 915166799, 10591},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        auto date = parse_date(c.text);
        REQUIRE(date);
        CHECK(date->utc == c.utc);
        CHECK(date->local_day() == c.day);
    }
    // D18
    for (const char* bad : {"", "Thu, 99 Foo 999999999999 99:99:99 +9999", "1 Jan 99999 00:00:00 +0000",
             "31 Feb 2020 00:00:00 +0000", "1 13 2020 00:00", "x"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_date(bad));
    }
    CHECK_FALSE(parse_date("1 Jan " + std::string(2000, '9')));
    auto internal = parse_internal_date(" 1-Jan-1970 01:00:00 +0100");
    REQUIRE(internal);
    CHECK(internal->utc == 0);
    CHECK_FALSE(parse_internal_date("99-Foo-9999 99:99:99 +9999"));
    CHECK_FALSE(parse_internal_date("01-Jan-1970 01:00:00 +0100 "));
    CHECK(parse_search_day("2-Jan-1970") == 1);
    CHECK_FALSE(parse_search_day("2-Jan-70"));
    auto back = parse_internal_date(format_internal_date(1174770000));
    REQUIRE(back);
    CHECK(back->utc == 1174770000);
    auto mail = parse_date(format_date(1174770000));
    REQUIRE(mail);
    CHECK(mail->utc == 1174770000);
}

TEST_CASE("transfer encodings never run over their input", "[message]") {
    CHECK(decode_base64("aGVsbG8=") == "hello");
    CHECK(decode_base64("aGVs\r\nbG8") == "hello");
    CHECK(decode_base64("a") == "");
    CHECK(decode_quoted_printable("a=3Db=\r\nc= \nd") == "a=bcd");
    CHECK(decode_quoted_printable("=") == "");
    CHECK(decode_quoted_printable("=\r") == "");
    CHECK(decode_quoted_printable("=G1") == "=G1");
    CHECK(decode_q("a_=C3=A9") == "a \xC3\xA9");
}

TEST_CASE("encoded words", "[message][rfc2047:2]") {
    CHECK(decode_header(" =?iso-8859-1?Q?caf=E9?=\r\n =?iso-8859-1?q?_x?= y") == "caf\xC3\xA9 x y");
    CHECK(decode_header("=?utf-8?B?w6k=?= =?utf-8?B?w6k=?=") == "\xC3\xA9\xC3\xA9");
    CHECK(decode_header("=?utf-8?B?ww==?= =?utf-8?B?qQ==?=") == "\xC3\xA9");
    CHECK(decode_header("a =?x-none?Q?b?= c") == "a =?x-none?Q?b?= c");
    CHECK(decode_header("=?utf-8?Q?open") == "=?utf-8?Q?open");
    CHECK(decode_header("=?utf-8*en?Q?hi?=") == "hi");
    CHECK(decode_header("=?=?=?=?") == "=?=?=?=?");
}

TEST_CASE("character sets", "[message]") {
    CHECK(to_utf8("\xE9", "iso-8859-1") == "\xC3\xA9");
    CHECK(to_utf8("\x1B$B$\"", "iso-2022-jp") == "\xE3\x81\x82");
    CHECK_FALSE(to_utf8("a", "x-" + std::string(5000, 'y')));
    CHECK_FALSE(to_utf8("a", "no-such-charset"));
    CHECK(fold_for_search("\xC3\x89t\xC3\xA9") == fold_for_search("\xC3\xA9T\xC3\x89"));
    CHECK(is_known_charset("UTF-8"));
    CHECK_FALSE(is_known_charset("nope"));
}

TEST_CASE("values with parameters", "[message][rfc2231:3]") {
    auto type = parse_parameterized(" text/plain (x); charset=\"utf-8\"; Name = a.txt ; x");
    CHECK(type.value == "text/plain");
    CHECK(type.find("charset") == "utf-8");
    CHECK(type.find("name") == "a.txt");
    auto split = parse_parameterized("a/b; n*1=d; n*0=c; m*0*=utf-8''%C3; m*1*=%A9");
    CHECK(split.find("n") == "cd");
    REQUIRE(split.parameters.size() == 2);
    CHECK(decoded(split.parameters[0]) == "\xC3\xA9");
    std::string flood = "a/b";
    for (int i = 0; i < 500000; ++i)
        flood += "; x*" + std::to_string(i) + "=1";
    CHECK(parse_parameterized(flood + "; x*999999999=2").parameters.size() <= kMaxParameters);  // D6
}
