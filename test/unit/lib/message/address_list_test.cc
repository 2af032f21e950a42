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
    bool ambiguous = false;
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
    {"\"a\".b.\"c d\"@e", "[-|-|a.b.c d|e]"},
    {"a@[192.0.2.1]", "[-|-|a|[192.0.2.1]]"},
    {"john . doe @ example . test", "[-|-|john.doe|example.test]"},
    {"A [Team] <a@b>", "[A [Team]|-|a|b]"},
    {"News: Daily <a@b>", "{News[Daily|-|a|b]}"},
    {"a@b\r\n\t,\r\n c@d", "[-|-|a|b][-|-|c|d]"},
    {"\"c@d\" <a@b>", "[c@d|-|a|b]"},
    {"(c@d) <a@b>", "[c@d|-|a|b]"},
    {"a@b <A@B>", "[a@b|-|A|B]"},
    {"", ""},
    {" , ,", ""},
    {"<>", "[-|-||]"},
    {"alone", "[-|-|alone|]"},
    {"two words", "[-|-|two words|]"},
    {"g: a@b", "{g[-|-|a|b]}"},
    // What readers take differently.
    {"\"abc\\", "[-|-|abc\\|]", true},
    {"<a@b", "[-|-|a|b]", true},
    {"(", "", true},
    {"\"A\" <a@x.test> <e@y.test>", "[A|-|a|x.test][-|-|e|y.test]", true},
    {"<a@x.test> e@y.test", "[-|-|a|x.test][-|-|e|y.test]", true},
    {"<a@x.test> \"e\"", "[-|-|a|x.test]", true},
    {"<ceo@bank.test>: <x@attacker.test>", "[-|-|ceo|bank.test]{[-|-|x|attacker.test]}", true},
    {"ceo@bank.test: x@attacker.test;", "[-|-|ceo|bank.test]{[-|-|x|attacker.test]}", true},
    {"CEO ceo@bank.test, x@nodmarc.test", "[CEO|-|ceo|bank.test][-|-|x|nodmarc.test]", true},
    {"ceo@bank.test <x@attacker.test>", "[ceo@bank.test|-|x|attacker.test]", true},
    {"ceo@bank.test x@attacker.test", "[-|-|ceo@bank.test x|attacker.test]", true},
    {"a@b@c", "[-|-|a@b|c]", true},
    {"<a@b, <c@d>", "[-|-|a|b][-|-|c|d]", true},
    {"<a <b@c>", "[-|-|ab|c]", true},
    {"a@b; c@d", "[-|-|a|b][-|-|c|d]", true},
    {"g: h: a@b;", "{g[-|-|a|b]}", true},
    {"a@b (c <d@e>", "[c <d@e>|-|a|b]", true},
    {"\"a <b@c>", "[-|-|a <b@c>|]", true},
    {"a\\@b", "[-|-|a\\|b]", true},
    {"@b", "[-|-||b]", true},
    {"a@", "[-|-|a|]", true},
    {"a@b c", "[-|-|a|b]", true},
    {"a@\"b\"", "[-|-|a|]", true},
    {"a> <b@c>", "[a|-|b|c]", true},
};

}  // namespace

TEST_CASE("address lists, and where readers differ", "[message][rfc5322:3.4]") {
    for (const Case& c : kCases) {
        CAPTURE(c.body);
        CHECK(show(c.body) == c.want);
        CHECK(!read_addresses(c.body).ambiguity.empty() == c.ambiguous);
    }
    CHECK_FALSE(read_addresses(std::string_view("a\0b@c", 5)).ambiguity.empty());
}

TEST_CASE("the place of an address can be replaced", "[message]") {
    const std::string field = "Alice <alice>, bob (him), two words, <@x:c@d>, a@, <>";
    std::string found;
    for (const Address& one : parse_address_list(field)) {
        if (one.is_addr_spec)
            found += "[" + field.substr(one.begin, one.end - one.begin) + "]";
    }
    CHECK(found == "[alice][bob][c@d]");
}

TEST_CASE("D4, D8, D9, C19: hostile address lists are read in bounded time", "[message]") {
    std::string many;
    for (int i = 0; i < 100000; ++i)
        many += "a@b,";
    const AddressList list = read_addresses(many);
    CHECK(list.addresses.size() == kMaxAddresses);
    CHECK_FALSE(list.ambiguity.empty());
    CHECK(parse_address_list(std::string(1000000, '(')).empty());
    std::string angles;
    for (int i = 0; i < 2000; ++i)
        angles += "<>";
    CHECK(parse_address_list(angles + " (long)").size() == 2000);
    for (const char c : std::string("(<\"[@:;,\\>)"))
        CHECK(parse_address_list(std::string(200000, c)).size() <= 2);
    for (const Case& c : kCases) {
        std::string_view body = c.body;
        for (std::size_t i = 0; i <= body.size(); ++i)
            parse_address_list(body.substr(0, i));
    }
}
