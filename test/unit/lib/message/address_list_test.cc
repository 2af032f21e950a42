#include "lib/message/address_list.h"

#include "test/support/catch.h"

using namespace message;

namespace {

std::string show(std::string_view body) {
    std::string text;
    for (const Address& a : parse_address_list(body)) {
        if (a.kind == Address::Kind::group_start)
            text += "{" + a.mailbox;
        else if (a.kind == Address::Kind::group_end)
            text += "}";
        else
            text += "[" + a.name.value_or("-") + "|" + a.route.value_or("-") + "|" + a.mailbox + "|" + a.host + "]";
    }
    return text;
}

struct Case {
    const char* body;
    const char* want;
};
const Case kCases[] = {
    {"a@example.test", "[-|-|a|example.test]"},
    {"Alice <a@example.test>, b@example.test", "[Alice|-|a|example.test][-|-|b|example.test]"},
    {"\"Last, First\" <a@b>", "[Last, First|-|a|b]"},
    {"J. R. Public <a@b>", "[J. R. Public|-|a|b]"},
    {"a@b (Alice)", "[Alice|-|a|b]"},
    {"<a (x)@ (y) b>", "[-|-|a|b]"},
    {"=?utf-8?q?=41?= <a@b>", "[=?utf-8?q?=41?=|-|a|b]"},
    {"g: a@b, C <c@d>;, e@f", "{g[-|-|a|b][C|-|c|d]}[-|-|e|f]"},
    {"undisclosed-recipients:;", "{undisclosed-recipients}"},
    {"<@x,@y:a@b>", "[-|@x,@y|a|b]"},
    {"\"a\\\"b\"@c", "[-|-|a\"b|c]"},
    {"a@[192.0.2.1]", "[-|-|a|[192.0.2.1]]"},
    {"", ""},
    {" , ,", ""},
    {"<>", "[-|-||]"},
    {"alone", "[-|-|alone|]"},
    {"\"abc\\", "[-|-|abc\\|]"},
    {"<a@b", "[-|-|a|b]"},
    {"(", ""},
    {"g: a@b", "{g[-|-|a|b]}"},
};

}  // namespace

TEST_CASE("address lists", "[message][rfc5322:3.4]") {
    for (const Case& c : kCases) {
        CAPTURE(c.body);
        CHECK(show(c.body) == c.want);
    }
}

TEST_CASE("D4, D8, D9, C19: hostile address lists are read in bounded time", "[message]") {
    std::string many;
    for (int i = 0; i < 100000; ++i)
        many += "a@b,";
    CHECK(parse_address_list(many).size() == kMaxAddresses);
    CHECK(parse_address_list(std::string(1000000, '(')).empty());
    std::string angles;
    for (int i = 0; i < 2000; ++i)
        angles += "<>";
    CHECK(parse_address_list(angles + " (long)").size() == 2000);
    for (const Case& c : kCases) {
        std::string_view body = c.body;
        for (std::size_t i = 0; i <= body.size(); ++i)
            parse_address_list(body.substr(0, i));
    }
}
