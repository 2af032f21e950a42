#include "lib/envelope/dsn.h"

#include "lib/envelope/envelope.h"
#include "test/support/catch.h"

using namespace envelope;

TEST_CASE("NOTIFY", "[envelope][rfc3461:4.1]") {
    CHECK(parse_notify("never") == kNotifyNever);
    CHECK(parse_notify("SUCCESS,failure,Delay") == (kNotifySuccess | kNotifyFailure | kNotifyDelay));
    CHECK(parse_notify("DELAY") == kNotifyDelay);
    for (const char* bad : {"", ",", "SUCCESS,", ",SUCCESS", "SUCCESS,,DELAY", "NEVER,SUCCESS", "SUCCESS,NEVER", "ALWAYS",
             "SUCCESS DELAY", " NEVER"})
        CHECK_FALSE(parse_notify(bad).has_value());
    for (std::uint32_t notify = 0; notify < 32; ++notify) {
        if (!is_notify(notify) || notify == 0)
            continue;
        CHECK(parse_notify(format_notify(notify)) == notify);
    }
    CHECK(is_notify(0));
    for (const std::uint32_t bad : {3u, 5u, 9u, 15u, 16u, 0xffffffffu})
        CHECK_FALSE(is_notify(bad));
    CHECK(without_success(kNotifySuccess) == kNotifyNever);
    CHECK(without_success(kNotifySuccess | kNotifyDelay) == kNotifyDelay);
    CHECK(without_success(0) == 0);
}

TEST_CASE("RET", "[envelope][rfc3461:4.3]") {
    CHECK(parse_ret("full") == Ret::full);
    CHECK(parse_ret("HDRS") == Ret::headers);
    CHECK_FALSE(parse_ret("").has_value());
    CHECK_FALSE(parse_ret("BOTH").has_value());
    CHECK(format_ret(Ret::headers) == "HDRS");
}

TEST_CASE("ENVID", "[envelope][rfc3461:4.4]") {
    CHECK(is_envid("QQ314159"));
    CHECK(is_envid("a+20b+2B"));
    CHECK(is_envid(std::string(100, 'x')));
    for (const char* bad : {"", "a b", "a=b", "a+2", "a+0Ab", "a+E9", "\xc3\xa9"})
        CHECK_FALSE(is_envid(bad));
    CHECK_FALSE(is_envid(std::string(101, 'x')));
}

TEST_CASE("ORCPT", "[envelope][rfc3461:4.2][rfc6533:3]") {
    CHECK(readable_orcpt("rfc822;alice+2Blist@example.test") == "rfc822;alice+list@example.test");
    CHECK(is_orcpt("utf-8;zo\\x{EB}@example.test"));
    CHECK(is_orcpt("x400;/CN=x") == false);  // "=" has to be encoded
    CHECK(is_orcpt("x400;/CN+3Dx"));
    for (const char* bad :
        {"", ";", "rfc822;", ";a@b", "alice@example.test", "rfc 822;a@b", "rfc822;a b", "rfc822;a+0Ab", "rfc822;a+2",
            "rfc822;a+E9", "utf-8;\\xEB@b", "utf-8;\\x{eb}@b", "utf-8;\\x{1234567}@b", "utf-8;\\x{", "a(b;c@d"})
        CHECK_FALSE(is_orcpt(bad));
    CHECK(is_orcpt("rfc822;" + std::string(493, 'x')));
    CHECK_FALSE(is_orcpt("rfc822;" + std::string(494, 'x')));
    CHECK(make_orcpt("a+b@example.test") == "rfc822;a+2Bb@example.test");
}

TEST_CASE("a recipient that is sent elsewhere remembers what was given", "[envelope]") {
    Recipient recipient;
    recipient.address = "list@example.test";
    CHECK(recipient.given() == "list@example.test");
    recipient.redirect("list@example.test");
    CHECK(recipient.original.empty());
    recipient.redirect("alice@example.test");
    CHECK(recipient.given() == "list@example.test");
    recipient.redirect("a@example.test");
    CHECK(recipient.given() == "list@example.test");
    recipient.redirect("list@example.test");
    CHECK(recipient.original.empty());
}
