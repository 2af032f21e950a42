// test/unit/lib/address/path_test.cc - MAIL FROM and RCPT TO arguments (RFC 5321, 4.1.2).
#include "lib/address/path.h"

#include "test/support/catch.h"

using address::parse_path;

namespace {

struct Row {
    const char* argument;
    const char* tolerant;  // text form, "!" when refused
    const char* strict;
    const char* parameters = "";
};

const Row kRows[] = {
    {"<user@example.test>", "user@example.test", "user@example.test"},
    {"<>", "", ""},
    {"<> SIZE=10", "", "", "SIZE=10"},
    {"<User@Example.Test> SIZE=10 BODY=8BITMIME", "User@Example.Test", "User@Example.Test", "SIZE=10 BODY=8BITMIME"},
    {" <user@example.test>", "user@example.test", "!"},
    {"user@example.test", "user@example.test", "!"},
    {" user@example.test SIZE=1", "user@example.test", "!", "SIZE=1"},
    {"< user@example.test >", "user@example.test", "!"},
    {"Some Name <user@example.test>", "user@example.test", "!"},
    {"<postmaster>", "postmaster", "postmaster"},
    {"<alice>", "alice", "!"},
    {"<@relay.test:user@example.test>", "user@example.test", "user@example.test"},
    {"<@a.test,@b.test:user@example.test>", "user@example.test", "user@example.test"},
    {"<\"a b\"@example.test>", "a b@example.test", "a b@example.test"},
    {"<\"a\\\"b\"@example.test>", "a\"b@example.test", "a\"b@example.test"},
    {"<\"a@b\"@example.test>", "a@b@example.test", "a@b@example.test"},
    {"<user@[192.0.2.1]>", "user@[192.0.2.1]", "user@[192.0.2.1]"},
    {"<user@[IPv6:2001:db8::1]>", "user@[IPv6:2001:db8::1]", "user@[IPv6:2001:db8::1]"},
    {"<a.b.@example.test>", "a.b.@example.test", "!"},
    {"<a..b@example.test>", "a..b@example.test", "!"},
    {"<user@example.test.>", "user@example.test", "!"},
    {"<user@example_x.test>", "user@example_x.test", "user@example_x.test"},
    {"<=@example.test>", "=@example.test", "=@example.test"},
    {"<a==b@example.test>", "a==b@example.test", "a==b@example.test"},
    {"<user%there@here.test>", "user%there@here.test", "user%there@here.test"},
    // What strangers have tried elsewhere.
    {"<;sleep 66;>", "!", "!"},
    {"<;for i in 0 1 2 3;do read r;done;sh;exit 0;@x>", "!", "!"},
    {"<\xff\xff\xff\xff\xff\xff>", "!", "!"},
    {"<\xff@example.test>", "!", "!"},
    {"<\"\"@example.test>", "!", "!"},
    {"<[127.0.0.1]:25!x@local>", "!", "!"},
    {"<x@[10.0.0.1]:22>", "!", "!"},
    {"<x@[10.0.0.1]>:22", "!", "!"},
    {"<@>", "!", "!"},
    {"<.>", "!", "!"},
    {"<@@@>", "!", "!"},
    {"<!@!@!>", "!", "!"},
    {"<user@local@remote>", "!", "!"},
    {"<@local:u>x", "!", "!"},
    {"<@local u@remote>", "!", "!"},
    {"<user@>", "!", "!"},
    {"<user@[1.2.3]>", "!", "!"},
    {"<user@[1.2.3.4>", "!", "!"},
    {"<user@-a.test>", "!", "!"},
    {"<user@a..test>", "!", "!"},
    {"<a b@example.test>", "!", "!"},
    {"<user@example.test", "!", "!"},
    {"<a@b.test><c@d.test>", "!", "!"},
    {"<a@b.test>x", "!", "!"},
    {"<\"unclosed@example.test>", "!", "!"},
    {"<\"a\rb\"@example.test>", "!", "!"},
    {"<user\r\n@example.test>", "!", "!"},
    {"", "!", "!"},
    {"<", "!", "!"},
    {"|sh@example.test", "|sh@example.test", "!"},
};

std::string show(const char* argument, bool strict, std::string* parameters = nullptr) {
    auto path = parse_path(argument, {.strict = strict});
    if (!path)
        return "!";
    if (parameters != nullptr)
        *parameters = path->parameters;
    return path->mailbox.text();
}

}  // namespace

TEST_CASE("paths", "[address][rfc5321:4.1.2]") {
    for (const Row& row : kRows) {
        CAPTURE(row.argument);
        std::string parameters;
        CHECK(show(row.argument, false, &parameters) == row.tolerant);
        CHECK(parameters == row.parameters);
        CHECK(show(row.argument, true) == row.strict);
    }
}

TEST_CASE("octets inside, and lengths", "[address][rfc5321:4.5.3.1]") {
    CHECK_FALSE(parse_path(std::string_view("<a\0b@example.test>", 18)).has_value());
    CHECK_FALSE(parse_path(std::string_view("<\"a\0b\"@example.test>", 20)).has_value());
    std::string label(63, 'd');
    CHECK(parse_path("<u@" + label + ".test>").has_value());
    CHECK_FALSE(parse_path("<u@d" + label + ".test>").has_value());
    CHECK(parse_path("<" + std::string(512, 'a') + "@example.test>").has_value());
    CHECK_FALSE(parse_path("<" + std::string(513, 'a') + "@example.test>").has_value());
    CHECK(parse_path("<" + std::string(64, 'a') + "@example.test>", {.strict = true}).has_value());
    CHECK_FALSE(parse_path("<" + std::string(65, 'a') + "@example.test>", {.strict = true}).has_value());
    CHECK_FALSE(parse_path("<" + std::string(1000000, 'a') + "@example.test>").has_value());
    CHECK_FALSE(parse_path("<" + std::string(1000000, '@') + ">").has_value());
}

TEST_CASE("UTF-8 only when asked for and well-formed", "[address][rfc6531:3.3]") {
    CHECK_FALSE(parse_path("<j\xc3\xbcrgen@example.test>").has_value());
    CHECK(parse_path("<j\xc3\xbcrgen@b\xc3\xbc\x63her.test>", {.utf8 = true}).has_value());
    for (const char* bad : {"<\xc3@example.test>", "<a\xc3\x28@example.test>", "<\xed\xa0\x80@example.test>",
             "<\xc0\xaf@example.test>", "<\xf4\x90\x80\x80@example.test>", "<a@\xff.test>", "<a\xe2\x82@b.test>"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_path(bad, {.utf8 = true}).has_value());
    }
}

TEST_CASE("the two written forms", "[address]") {
    struct Form {
        const char* text;
        const char* quoted;
    };
    for (const Form& form : {Form{"user@example.test", "user@example.test"}, {"a b@example.test", "\"a b\"@example.test"},
             {"a@b@example.test", "\"a@b\"@example.test"}, {"a\"b@x.test", "\"a\\\"b\"@x.test"}, {"", ""}, {"user", "user"},
             {".a@x.test", "\".a\"@x.test"}}) {
        CAPTURE(form.text);
        CHECK(address::quote(form.text) == form.quoted);
        CHECK(address::parse_text(form.text).text() == form.text);
    }
}
