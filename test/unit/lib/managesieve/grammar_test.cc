#include "lib/managesieve/grammar.h"

#include <limits>

#include "test/support/catch.h"

using namespace managesieve;

TEST_CASE("commands with strings, literals and numbers", "[managesieve]") {
    const auto put = parse_command("putscript \"a \\\"b\\\" \\\\\" {5+}\r\nab\r\nc");
    REQUIRE(put);
    CHECK(put->name == "PUTSCRIPT");
    REQUIRE(put->has("ss"));
    CHECK(put->arguments[0].text == "a \"b\" \\");
    CHECK(put->arguments[1].text == "ab\r\nc");
    const auto space = parse_command("HAVESPACE \"x\" 4294967295");
    REQUIRE(space);
    CHECK(space->has("sn"));
    CHECK_FALSE(space->has("ss"));
    CHECK(space->arguments[1].number == 4294967295);
    CHECK(parse_command("LOGOUT")->has(""));
    CHECK(parse_command("NOOP {0+}\r\n")->arguments[0].text.empty());
}

TEST_CASE("what is no command says why", "[managesieve]") {
    for (const char* text : {"", " ", "PUT SCRIPT", "NOOP x", "NOOP \"a", "NOOP \"a\\n\"", "NOOP  \"a\"", "NOOP \"a\"\"b\"",
             "HAVESPACE \"x\" 4294967296", "HAVESPACE \"x\" 99999999999999999999", "NOOP {5+}\r\nab", "NOOP {x+}\r\n",
             "A1 NOOP", "NOOP \"a\" \"b\" \"c\" \"d\"", "VERYVERYVERYVERYVERYLONG"}) {
        const auto command = parse_command(text);
        INFO(text);
        REQUIRE_FALSE(command);
        CHECK_FALSE(command.error().empty());
    }
    CHECK_FALSE(parse_command(std::string("NOOP \"a\0b\"", 10)));
    CHECK_FALSE(parse_command("NOOP \"" + std::string(1025, 'x') + "\""));
}

TEST_CASE("a literal at the end of a line, and what only looks like one", "[managesieve]") {
    CHECK(literal_at_end("PUTSCRIPT \"x\" {12+}") == 12u);
    CHECK(literal_at_end("PUTSCRIPT \"x\" {12}\r") == 12u);
    CHECK(literal_at_end("AUTHENTICATE \"PLAIN\" {99999999999999999999+}") == std::numeric_limits<std::uint64_t>::max());
    for (const char* line :
        {"NOOP \"{12+}", "NOOP \"a\\\"{12}", "NOOP {-1}", "NOOP {}", "NOOP {+}", "NOOP 12}", "NOOP {12} "})
        CHECK_FALSE(literal_at_end(line));
}

TEST_CASE("replies and strings", "[managesieve]") {
    CHECK(format_string("a\"b\\c") == "\"a\\\"b\\\\c\"");
    CHECK(format_string("two\r\nlines") == "{10}\r\ntwo\r\nlines");
    CHECK(format_string(std::string(2000, 'x')).starts_with("{2000}\r\n"));
    CHECK(format_reply("OK", "", "") == "OK\r\n");
    CHECK(format_reply("NO", "QUOTA/MAXSIZE", "Too large.") == "NO (QUOTA/MAXSIZE) \"Too large.\"\r\n");
    Capabilities known;
    known.implementation = "Malleposte";
    known.sieve = {"fileinto", "vacation"};
    known.mechanisms = {"PLAIN"};
    known.starttls = true;
    known.max_redirects = 4;
    const std::string lines = format_capabilities(known);
    CHECK(lines.find("\"SIEVE\" \"fileinto vacation\"\r\n") != std::string::npos);
    CHECK(lines.find("\"STARTTLS\"\r\n") != std::string::npos);
    CHECK(lines.find("OWNER") == std::string::npos);
}
