// The grammar of SMTP: commands, replies, and where a message ends.
#include <string>
#include <vector>

#include "lib/smtp/command.h"
#include "lib/smtp/data.h"
#include "lib/smtp/reply.h"
#include "test/support/catch.h"

namespace {

struct DataCase {
    const char* name;
    std::string input;
    std::string want;
    bool ended;
    bool bare_lf;
    bool bare_cr;
    std::string left;
};

const DataCase kDataCases[] = {
    {"an ordinary message", "a\r\nb\r\n.\r\n", "a\r\nb\r\n", true, false, false, ""},
    {"nothing at all", ".\r\n", "", true, false, false, ""},
    {"a stuffed dot", "..a\r\n...\r\n.\r\n", ".a\r\n..\r\n", true, false, false, ""},
    {"a dot that a careless client did not stuff", ".a\r\n.\r\n", "a\r\n", true, false, false, ""},
    {"commands behind the end stay", "a\r\n.\r\nQUIT\r\n", "a\r\n", true, false, false, "QUIT\r\n"},
    {"A1: LF dot CR LF is no end", "x\r\n\n.\r\nMAIL\r\n.\r\n", "x\r\n\r\n.\r\nMAIL\r\n", true, true, false, ""},
    {"A1: bare LF before the dot", "x\n.\r\nMAIL\r\n.\r\n", "x\r\n.\r\nMAIL\r\n", true, true, false, ""},
    {"A2: LF dot LF", "x\n.\nMAIL\n\r\n.\r\n", "x\r\n.\r\nMAIL\r\n\r\n", true, true, false, ""},
    {"A3: CR LF dot LF", "x\r\n.\nMAIL\r\n.\r\n", "x\r\n\r\nMAIL\r\n", true, true, false, ""},
    {"A4: CR dot CR", "x\r.\ry\r\n.\r\n", "x . y\r\n", true, false, true, ""},
    {"A4: CR LF dot CR then text", "x\r\n.\ry\r\n.\r\n", "x\r\n y\r\n", true, false, true, ""},
    {"A4: CR CR LF dot CR CR LF", "x\r\r\n.\r\r\ny\r\n.\r\n", "x \r\n \r\ny\r\n", true, false, true, ""},
    {"A4: a NUL beside the dot", std::string("x\r\n\0.\r\n.\r\n", 10), std::string("x\r\n\0.\r\n", 7), true, false, false,
        ""},
    {"no end yet", "a\r\n.", "a\r\n", false, false, false, ""},
    {"no end after dot CR", "a\r\n.\r", "a\r\n", false, false, false, ""},
};

void check(const DataCase& c, std::size_t step) {
    smtp::DataDecoder decoder;
    std::string out;
    std::size_t position = 0;
    while (position < c.input.size() && !decoder.ended()) {
        std::string_view part = std::string_view(c.input).substr(position, step);
        position += decoder.decode(part, out);
    }
    CHECK(out == c.want);
    CHECK(decoder.ended() == c.ended);
    CHECK(decoder.saw_bare_lf() == c.bare_lf);
    CHECK(decoder.saw_bare_cr() == c.bare_cr);
    CHECK(c.input.substr(position) == c.left);
}

}  // namespace

TEST_CASE("the end of data is found however it is cut", "[smtp][rfc5321:4.5.2]") {
    for (const DataCase& c : kDataCases) {
        DYNAMIC_SECTION(c.name) {
            for (std::size_t step : {1u, 2u, 3u, 5u, 1000u})
                check(c, step);
        }
    }
}

TEST_CASE("what is encoded decodes to the same lines", "[smtp][rfc5321:4.5.2]") {
    for (std::string text : {"", "a\r\n", ".\r\n", "..a\r\n.b", "a\n.\nMAIL\n", "a\r.\r\n", "x\r", "\r\n\r\n."}) {
        CAPTURE(text);
        for (std::size_t step : {1u, 2u, 1000u}) {
            smtp::DataEncoder encoder;
            std::string wire;
            for (std::size_t i = 0; i < text.size(); i += step)
                encoder.encode(std::string_view(text).substr(i, step), wire);
            encoder.finish(wire);
            smtp::DataDecoder decoder;
            std::string back;
            CHECK(decoder.decode(wire, back) == wire.size());
            CHECK(decoder.ended());
            CHECK_FALSE(decoder.saw_bare_lf());  // A5: none leaves this host
            CHECK_FALSE(decoder.saw_bare_cr());
        }
    }
}

TEST_CASE("what follows FROM: and TO:", "[smtp][rfc5321:4.1.1.2]") {
    CHECK(smtp::path_argument("FROM:<a@b> SIZE=1", "FROM", true) == "<a@b> SIZE=1");
    CHECK(smtp::path_argument("from : <a@b>", "FROM", false) == "<a@b>");
    CHECK_FALSE(smtp::path_argument("from : <a@b>", "FROM", true).has_value());
    CHECK_FALSE(smtp::path_argument("FROM <a@b>", "FROM", false).has_value());
    CHECK_FALSE(smtp::path_argument("TO:<a@b>", "FROM", false).has_value());
    CHECK_FALSE(smtp::path_argument("", "FROM", false).has_value());
}

TEST_CASE("parameters behind a path", "[smtp][rfc5321:4.1.1.11]") {
    auto parsed = smtp::parse_parameters("SIZE=1 body=8BITMIME AUTH=");
    REQUIRE(parsed.has_value());
    REQUIRE(parsed->size() == 3);
    CHECK((*parsed)[1].keyword == "body");
    CHECK((*parsed)[2].value == "");  // C15: ends in the last octet
    CHECK_FALSE(smtp::parse_parameters("=x").has_value());
    std::string many;
    for (std::size_t i = 0; i <= smtp::kMaxParameters; ++i)
        many += "X ";
    CHECK_FALSE(smtp::parse_parameters(many).has_value());  // C13
}

TEST_CASE("verbs ignore case and blanks", "[smtp]") {
    smtp::Command command = smtp::parse_command("  mail FROM:<a@b>  ");
    CHECK(command.verb == "MAIL");
    CHECK(command.argument == "FROM:<a@b>");
    CHECK(smtp::parse_command("").verb.empty());
}

TEST_CASE("a reply is one line for each text, whatever the text", "[smtp]") {
    smtp::Reply reply(250, "", "first");
    reply.lines.push_back("second\r\n550 forged");
    CHECK(smtp::format_reply(reply) == "250-first\r\n250 second  550 forged\r\n");
    CHECK(smtp::leading_status("5.1.1 no") == "5.1.1");
    CHECK(smtp::leading_status("5.1.1x") == "");
    CHECK(smtp::leading_status("1.2.3") == "");
}
