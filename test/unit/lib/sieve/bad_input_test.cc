// Scripts and messages that want too much: each is refused or stopped, and the message is kept.
#include <chrono>

#include "test/support/catch.h"
#include "test/unit/lib/sieve/sieve_fixture.h"

using sieve::Outcome;

namespace {

std::string repeat(std::string_view text, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

// Runs and says how long that took.
std::chrono::milliseconds timed(SieveFixture& sieve, const std::string& script, std::string& result) {
    auto begin = std::chrono::steady_clock::now();
    result = sieve.run(script);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

constexpr std::string_view kStopped = "failed: script:";

}  // namespace

TEST_CASE("nesting bombs", "[sieve][F17]") {
    SieveFixture sieve;
    for (const std::string& script :
        {repeat("if true {", 20'000) + repeat("}", 20'000), "if " + repeat("not ", 100'000) + "true { keep; }",
            "if " + repeat("anyof(", 50'000) + "true" + repeat(")", 50'000) + " { keep; }", "keep " + repeat("[", 100'000),
            repeat("{", 100'000), repeat("(", 100'000), repeat("}", 100'000), repeat(";", 100'000),
            repeat("keep ", 50'000)}) {
        REQUIRE_FALSE(sieve.compile(script));
        CHECK(sieve.compiled.problems.size() <= sieve.options.settings.limits.problems);
        CHECK(sieve.compiled.problems[0].line == 1);
    }
    CHECK(sieve.run(repeat("if true {", 32) + "discard;" + repeat("}", 32)) == "discard\n");
}

TEST_CASE("long chains and lists", "[sieve][F17]") {
    SieveFixture sieve;
    sieve.options.settings.limits.script_octets = 16 * 1024 * 1024;
    CHECK(sieve.run("if false { stop; }" + repeat(" elsif false { stop; }", 50'000) + " else { discard; }") == "discard\n");
    CHECK(sieve.run("if anyof (" + repeat("false, ", 100'000) + "true) { discard; }") == "discard\n");
    CHECK(sieve.run("if header \"subject\" [" + repeat("\"x\", ", 100'000) + "\"y\"] { discard; }") == "keep (implicit)\n");
    CHECK_FALSE(sieve.compile("redirect \"" + repeat("a", 100'000) + "\";"));
    CHECK(sieve.compiled.problems[0].token.size() < 100);
    CHECK_FALSE(sieve.compile(repeat("x", 100'000) + ";"));
    sieve.options.settings.limits.script_octets = 1000;
    REQUIRE_FALSE(sieve.compile(repeat("keep;", 201)));
    CHECK(sieve.first_problem() == "script: the script has 1005 octets; 1000 is the most");
}

TEST_CASE("patterns that take long", "[sieve][F6]") {
    SieveFixture sieve;
    sieve.message = "Subject: " + repeat("a", 5000) + "\r\n\r\n" + repeat("a", 100'000) + "\r\n";
    std::string result;
    CHECK(timed(sieve, "require \"regex\"; if header :regex \"subject\" \"^(a+)+$b\" { discard; }", result) <
          std::chrono::seconds(5));
    CHECK(result.starts_with(kStopped));
    CHECK(result.ends_with("keep (implicit)\n"));
    CHECK(timed(sieve, "require \"body\"; if body :raw :matches \"*a*a*a*a*a*a*a*b\" { discard; }", result) <
          std::chrono::seconds(5));
    CHECK(result == "keep (implicit)\n");
    CHECK_FALSE(sieve.compile(
        "require \"regex\"; if header :regex \"a\" \"" + repeat("(", 5000) + repeat(")", 5000) + "\" { stop; }"));
    CHECK_FALSE(sieve.compile("require \"regex\"; if header :regex \"a\" \"" + repeat("a", 50'000) + "\" { stop; }"));
}

TEST_CASE("loops over parts", "[sieve][F6][D1][D2]") {
    SieveFixture sieve;
    sieve.message = "Content-Type: multipart/mixed; boundary=x\r\n\r\n" + repeat("--x\r\n\r\n", 20'000);
    std::string require = "require [\"foreverypart\", \"variables\", \"mime\", \"body\"]; ";
    std::string result;
    CHECK(timed(sieve, require + "foreverypart { foreverypart { foreverypart { foreverypart { set \"a\" \"x\"; } } } }",
              result) < std::chrono::seconds(10));
    CHECK(result == "keep (implicit)\n");  // each inner loop goes through what is inside one part
    CHECK(timed(sieve, require + "if header :mime :anychild \"x\" \"y\" { discard; } if body :text \"y\" { discard; }",
              result) < std::chrono::seconds(10));
    CHECK(result == "keep (implicit)\n");
    std::string deep = "Content-Type: multipart/mixed; boundary=x\r\n\r\n";
    for (int i = 0; i < 20'000; ++i)
        deep += "--x\r\nContent-Type: message/rfc822\r\n\r\n";
    sieve.message = deep;
    CHECK(timed(sieve,
              require + "if body :content \"message\" :contains \"zzz\" { discard; } foreverypart { set \"a\" \"x\"; }",
              result) < std::chrono::seconds(10));
    CHECK(result == "keep (implicit)\n");
    sieve.options.settings.limits.instructions = 100'000;
    CHECK(sieve.run(require + "foreverypart { foreverypart { foreverypart { foreverypart { set \"a\" \"x\"; } } } }")
              .starts_with(kStopped));
    CHECK(sieve.outcome.keeps());
}

TEST_CASE("variables that grow", "[sieve][F15]") {
    SieveFixture sieve;
    std::string script = "require [\"variables\", \"reject\"]; set \"a\" \"0123456789\";" +
                         repeat("set \"a\" \"${a}${a}\";", 64) + "set :length \"b\" \"${a}\"; reject \"${b}\";";
    CHECK(sieve.run(script) == "reject \"4096\"\n");
    CHECK(sieve.run("require [\"variables\", \"reject\"]; set \"a\" \"" + repeat("\xc3\xa4", 4000) +
                    "\"; set :length \"b\" \"${a}\"; reject \"${b}\";") == "reject \"2048\"\n");
    std::string many = "require [\"variables\", \"reject\"]; set \"a\" \"" + repeat("x", 4000) + "\"; reject \"" +
                       repeat("${a}", 1000) + "\";";
    CHECK(sieve.run(many).starts_with(kStopped));
}

TEST_CASE("memory", "[sieve]") {
    SieveFixture sieve;
    sieve.options.settings.limits.memory_octets = 100'000;
    sieve.options.settings.header_octets = 100'000;
    CHECK(sieve.run("require [\"editheader\"];" + repeat("addheader \"X\" \"" + repeat("y", 1000) + "\";", 200))
              .starts_with(kStopped));
    sieve.message = "Content-Type: text/html\r\n\r\n" + repeat("&amp;", 100'000);
    CHECK(sieve.run("require \"body\"; if body :text \"x\" { discard; }").starts_with(kStopped));
}

TEST_CASE("redirect bombs", "[sieve][F13]") {
    SieveFixture sieve;
    std::string script;
    for (int i = 0; i < 100; ++i)
        script += "redirect \"u" + std::to_string(i) + "@b.example\";";
    CHECK(sieve.run(script) == "failed: script:1: number of redirect actions exceeds policy limit (4)\nkeep (implicit)\n");
    std::string files = "require \"fileinto\";";
    for (int i = 0; i < 100; ++i)
        files += "fileinto \"u" + std::to_string(i) + "\";";
    CHECK(sieve.run(files) == "failed: script:1: total number of actions exceeds policy limit (32)\nkeep (implicit)\n");
}

TEST_CASE("include loops and paths", "[sieve][F9]") {
    SieveFixture sieve;
    sieve.loader.scripts["a"] = "require \"include\"; include \"b\";";
    sieve.loader.scripts["b"] = "require \"include\"; include \"a\";";
    REQUIRE_FALSE(sieve.compile("require \"include\"; include \"a\";"));
    CHECK(sieve.first_problem().find("includes itself") != std::string::npos);
    for (int i = 0; i < 1000; ++i)
        sieve.loader.scripts["l" + std::to_string(i)] = "require \"include\"; include \"l" + std::to_string(i + 1) + "\";";
    REQUIRE_FALSE(sieve.compile("require \"include\"; include \"l0\";"));
    CHECK(sieve.first_problem().find("10 deep") != std::string::npos);
    sieve.loader.asked.clear();
    for (std::string name : {"../x", "/etc/passwd", "a/b", "..", ".", "", "a\\\\u0000", "x\x7f"}) {
        INFO(name);
        bool path = name != "a\\\\u0000";
        CHECK(sieve.compile("require \"include\"; include :optional :global \"" + name + "\";") == !path);
    }
    CHECK(sieve.loader.asked == std::vector<std::string>{"a\\u0000"});
    // Recursion by :once ends.
    sieve.loader.scripts["once"] = "require \"include\"; include :once \"once\"; keep;";
    CHECK(sieve.run("require \"include\"; include :once \"once\";") == "keep\n");
}

TEST_CASE("header injection", "[sieve][F14][D11]") {
    SieveFixture sieve;
    sieve.message = "Subject: =?utf-8?Q?x=0D=0ABcc:_v@a.example=00?=\r\nFrom: a@b.example\r\n\r\n";
    std::string require =
        "require [\"editheader\", \"variables\", \"vacation\", \"encoded-character\"]; "
        "if header :matches \"subject\" \"*\" { set \"s\" \"${1}\"; } ";
    std::string result = sieve.run(require + "addheader \"X\" \"${s}\";");
    CHECK(result.starts_with(kStopped));  // a NUL
    CHECK(sieve.run("require \"editheader\"; addheader \"X\" \"a\r\nBcc: v@a.example\";") ==
          "keep (implicit) (header edited)\n");
    sieve::Message message(sieve.message);
    CHECK(sieve.outcome.actions[0].content(message).starts_with("X: a\r\n\tBcc: v@a.example\r\nSubject:"));
    CHECK(sieve.run(require + "vacation :subject \"${s}\" \"away\";") ==
          "vacation :seconds 604800 :subject \"x Bcc: v@a.example \" \"away\"\nkeep (implicit)\n");
    CHECK_FALSE(sieve.compile("require \"editheader\"; addheader \"X: y\r\nBcc\" \"a\";"));
    CHECK(sieve.run("require [\"editheader\", \"variables\"]; set \"n\" \"X y\"; addheader \"${n}\" \"a\";")
              .starts_with(kStopped));
}

TEST_CASE("odd messages", "[sieve][D4][D8][D9][D10][D12][D19][D20]") {
    SieveFixture sieve;
    std::string script =
        "require [\"body\", \"mime\", \"variables\", \"date\"]; if address :matches [\"from\", \"to\"] \"*\" { set \"a\" "
        "\"${1}\"; } "
        "if header :contains \"subject\" \"x\" { discard; } if body :text :contains \"zzz\" { discard; } "
        "if header :mime :anychild :param \"x\" \"content-type\" \"zzz\" { discard; } if date \"date\" \"year\" \"1\" { "
        "discard; }";
    std::string many = "To: ";
    for (int i = 0; i < 100'000; ++i)
        many += "u" + std::to_string(i) + "@a.example, ";
    for (const std::string& message : std::vector<std::string>{"", "\r\n", ".", "From", "From: \"abc\\", "From: <a@b", "(",
             "From: " + repeat("(", 100'000) + "\r\n\r\n", many + "\r\n\r\n", repeat("Cc: a@b.example\r\n", 100'000),
             "To: undisclosed-recipients:;\r\n\r\n", ":\r\n : x\r\n\r\n", repeat("A", 70'000) + ": x\r\n\r\n",
             std::string("From: =?utf-8?Q?=00?=@a.example\r\nTo: \0\r\n\r\n\0", 43),
             "Content-Type: a/b; " + repeat("x*0=1; ", 50'000) + "\r\n\r\n",
             "Content-Type: text/plain; charset=" + repeat("x", 5000) + "\r\n\r\nzz",
             "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\n--\r\n",
             "Content-Transfer-Encoding: base64\r\n\r\n=\r\n=G1"}) {
        sieve.message = message;
        std::string result = sieve.run(script);
        CHECK(result == "keep (implicit)\n");
    }
}

TEST_CASE("forged programs", "[sieve]") {
    SieveFixture sieve;
    REQUIRE(
        sieve.compile("require [\"variables\", \"fileinto\", \"regex\"]; if header :regex \"a\" \"(b)\" { set \"x\" "
                      "\"${1}\"; fileinto \"${x}\"; }"));
    std::string good = sieve.compiled.program->encode();
    CHECK(sieve::Program::decode(good).has_value());
    CHECK(sieve::Program::decode("").error() == "this is no compiled script");
    CHECK(sieve::Program::decode(good.substr(0, 20)).error() == "this is no compiled script");
    std::string other_version = good;
    other_version[16] = 9;
    CHECK(sieve::Program::decode(other_version).error() == "it was compiled for version 9, this is version 1");
    for (std::size_t cut = 28; cut < good.size(); ++cut)
        CHECK_FALSE(sieve::Program::decode(good.substr(0, cut)).has_value());
    // Every octet changed, checksum put right: refused, or run within the limits.
    sieve.options.settings.limits.instructions = 1000;
    std::size_t refused = 0;
    for (std::size_t at = 28; at < good.size(); ++at) {
        for (int change : {1, 2, 64, 127, 128, 255}) {
            std::string forged = good;
            forged[at] = static_cast<char>(forged[at] ^ change);
            std::uint64_t hash = sieve::content_hash(std::string_view(forged).substr(28));
            for (int i = 0; i < 8; ++i)
                forged[20 + static_cast<std::size_t>(i)] = static_cast<char>(hash >> (8 * i));
            auto program = sieve::Program::decode(forged);
            if (!program) {
                ++refused;
                continue;
            }
            sieve::Message message(kMail);
            sieve::Interpreter interpreter(message, sieve.host, sieve.options.settings, {.trace = true, .foreign = nullptr});
            Outcome outcome = interpreter.run(**program);
            CHECK((outcome.status == Outcome::Status::done || outcome.keeps()));
        }
    }
    CHECK(refused > 100);
}
