#include "test/support/catch.h"
#include "test/unit/lib/sieve/sieve_fixture.h"

using sieve::Action;
using sieve::Outcome;

TEST_CASE("what cancels the implicit keep", "[sieve][rfc5228:2.10.2]") {
    SieveFixture sieve;
    CHECK(sieve.run("require \"fileinto\"; fileinto \"x\";") == "fileinto \"x\"\n");
    CHECK(sieve.run("require [\"fileinto\", \"copy\"]; fileinto :copy \"x\";") == "fileinto \"x\"\nkeep (implicit)\n");
    CHECK(sieve.run("require [\"fileinto\", \"copy\"]; fileinto :copy \"x\"; fileinto \"x\";") == "fileinto \"x\"\n");
    CHECK(sieve.run("redirect \"Al <a@b.example>\";") == "redirect \"a@b.example\"\n");
    CHECK(sieve.run("require \"reject\"; reject \"no\";") == "reject \"no\"\n");
    CHECK(sieve.run("require \"vacation\"; vacation \"away\";") == "vacation :seconds 604800 \"away\"\nkeep (implicit)\n");
}

TEST_CASE("the same action twice is done once", "[sieve][rfc5228:2.10.3]") {
    SieveFixture sieve;
    CHECK(sieve.run("require \"fileinto\"; fileinto \"x\"; fileinto \"x\"; keep; fileinto \"inbox\"; keep;") ==
          "fileinto \"x\"\nkeep\n");
    CHECK(sieve.run("redirect \"a@b.example\"; redirect \"A@B.example\";") == "redirect \"a@b.example\"\n");
    CHECK(sieve.run("require [\"fileinto\", \"imap4flags\"]; fileinto :flags \"a\" \"x\"; fileinto :flags \"b\" \"x\";") ==
          "fileinto :flags [\"b\"] \"x\"\n");
}

TEST_CASE("actions that cannot go together", "[sieve][rfc5429:2]") {
    SieveFixture sieve;
    for (std::string script : {"reject \"no\"; keep;", "keep; reject \"no\";", "reject \"a\"; reject \"b\";",
             "fileinto \"x\"; ereject \"no\";", "vacation \"x\"; reject \"no\";", "vacation \"x\"; vacation \"y\";"}) {
        INFO(script);
        std::string result = sieve.run("require [\"reject\", \"ereject\", \"vacation\", \"fileinto\"]; " + script);
        CHECK(result.starts_with("failed: script:1: "));
        CHECK(result.ends_with("\nkeep (implicit)\n"));
    }
}

TEST_CASE("flags", "[sieve][rfc5232]") {
    SieveFixture sieve;
    CHECK(sieve.run("require \"imap4flags\"; addflag [\"\\\\Seen\", \"a b\"]; removeflag \"A\"; keep;") ==
          "keep :flags [\"\\Seen\", \"b\"]\n");
    CHECK(sieve.run("require \"imap4flags\"; setflag \"\\\\Nonsense x(\"; keep;") == "keep\n");
    CHECK(sieve.outcome.warnings.size() == 2);
    sieve.host.flags = {"\\Flagged"};
    CHECK(sieve.run("require \"imap4flags\"; if hasflag \"\\\\flagged\" { addflag \"x\"; }") ==
          "keep (implicit) :flags [\"\\Flagged\", \"x\"]\n");
}

TEST_CASE("variables", "[sieve][rfc5229]") {
    SieveFixture sieve;
    auto value = [&](const std::string& commands) {
        return sieve.run(
            "require [\"variables\", \"fileinto\", \"regex\", \"enotify\"]; " + commands + " fileinto \"${a}\";");
    };
    CHECK(value("set :upper \"a\" \"xyz\";") == "fileinto \"XYZ\"\n");
    CHECK(value("set :length \"a\" \"B\xc3\xbcro\";") == "fileinto \"4\"\n");
    CHECK(value("set :quotewildcard \"a\" \"a*?\\\\\";") == "fileinto \"a\\*\\?\\\\\"\n");
    CHECK(value("set :quoteregex \"a\" \"a.b\";") == "fileinto \"a\\.b\"\n");
    CHECK(value("set :encodeurl \"a\" \"a b&\xc3\xbc\";") == "fileinto \"a%20b%26%C3%BC\"\n");
    CHECK(value("if header :matches \"subject\" \"* *\" { set \"a\" \"${2}-${1}\"; }") ==
          "fileinto \"meeting-B\xc3\xbcro\"\n");
    CHECK(value("if header :regex \"subject\" \"(m)(x)?e\" { set \"a\" \"${0}${1}${2}.\"; }") == "fileinto \"mem.\"\n");
    CHECK(value("set \"A\" \"x\"; set \"a\" \"${A}y\";") == "fileinto \"xy\"\n");
}

TEST_CASE("editheader", "[sieve][rfc5293]") {
    SieveFixture sieve;
    sieve.run(
        "require [\"editheader\", \"fileinto\"]; addheader \"X-New\" \"B\xc3\xbcro\"; fileinto \"x\"; deleteheader :index 1 "
        ":last \"X-Level\"; keep;");
    REQUIRE(sieve.outcome.actions.size() == 2);
    sieve::Message message(sieve.message);
    std::string first = sieve.outcome.actions[0].content(message);
    std::string second = sieve.outcome.actions[1].content(message);
    CHECK(first.starts_with("X-New: =?utf-8?B?QsO8cm8=?=\r\nFrom: "));
    CHECK(first.find("X-Level: 12\r\n") != std::string::npos);
    CHECK(second.find("X-Level: 12\r\n") == std::string::npos);
    CHECK(second.find("X-Level: 7\r\n") != std::string::npos);
    CHECK(second.ends_with("\r\n\r\nHello there.\r\n"));
    CHECK(
        sieve.run("require \"editheader\"; deleteheader \"Received\"; deleteheader \"Auto-Submitted\"; keep;") == "keep\n");
    CHECK(sieve.outcome.warnings.size() == 2);
}

TEST_CASE("parts", "[sieve][rfc5703]") {
    SieveFixture sieve;
    sieve.message =
        "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; "
        "charset=iso-8859-1\n\n"
        "B\xfcro\n--b\nContent-Type: text/html\n\n<p>a &lt; b</p><script>var x;</script>\n--b\nContent-Type: image/png\n"
        "Content-Disposition: attachment; filename*=utf-8''%e2%82%ac.png\nContent-Transfer-Encoding: "
        "base64\n\nAAAA\n--b--\n";
    CHECK(sieve.holds("\"body\"", "body :text :contains \"B\xc3\xbcro\""));
    CHECK(sieve.holds("\"body\"", "body :text :contains \"a < b\""));
    CHECK_FALSE(sieve.holds("\"body\"", "body :text :contains \"var x\""));
    CHECK(sieve.holds("\"body\"", "body :raw :contains \"AAAA\""));
    CHECK_FALSE(sieve.holds("\"body\"", "body :content \"image\" :contains \"AAAA\""));
    CHECK(
        sieve.holds("\"mime\"", "header :mime :anychild :param \"filename\" \"Content-Disposition\" \"\xe2\x82\xac.png\""));
    CHECK_FALSE(sieve.holds("\"mime\"", "header :mime :param \"filename\" :contains \"Content-Disposition\" \"png\""));
    CHECK(sieve.run("require [\"foreverypart\", \"mime\", \"extracttext\", \"variables\", \"fileinto\"]; foreverypart { "
                    "if header :mime :subtype \"Content-Type\" \"plain\" { extracttext :first 2 \"t\"; break; } } fileinto "
                    "\"${t}\";") == "fileinto \"B\xc3\xbc\"\n");
    sieve.message = "Subject: only a header\r\n";
    CHECK_FALSE(sieve.holds("\"body\"", "body :raw :matches \"*\""));
    sieve.message = "Subject: and an empty body\r\n\r\n";
    CHECK(sieve.holds("\"body\"", "body :raw :matches \"*\""));
}

TEST_CASE("included scripts", "[sieve][rfc6609]") {
    SieveFixture sieve;
    sieve.loader.scripts["lists"] =
        "require [\"fileinto\", \"variables\", \"include\"]; global \"box\"; fileinto \"${box}\"; return; discard;";
    sieve.loader.scripts["global/lists"] = "discard;";
    std::string head = "require [\"include\", \"variables\"]; global \"box\"; set \"box\" \"Lists\"; ";
    CHECK(sieve.run(head + "include \"lists\";") == "fileinto \"Lists\"\n");
    CHECK(sieve.compiled.program->dependencies().size() == 1);
    CHECK(sieve.compiled.program->dependencies()[0].hash == sieve::content_hash(sieve.loader.scripts["lists"]));
    CHECK(sieve.run(head + "include :global \"lists\";") == "discard\n");
    CHECK(sieve.run(head + "include :optional \"none\"; discard;") == "discard\n");
    CHECK(sieve.run(head + "include \"none\";").starts_with("compile: script:1:"));
    sieve.options.uploading = true;
    CHECK(sieve.run(head + "include \"none\";") ==
          "failed: script:1: there is no script \"none\" to include\nkeep (implicit)\n");
    CHECK(sieve.outcome.status == Outcome::Status::failed);
}

TEST_CASE("scripts one after the other", "[sieve]") {
    SieveFixture sieve;
    auto sequence = [&](std::vector<std::string> scripts) {
        std::vector<std::shared_ptr<const sieve::Program>> programs;
        for (const std::string& script : scripts) {
            REQUIRE(sieve.compile(script));
            programs.push_back(sieve.compiled.program);
        }
        sieve::Message message(sieve.message);
        sieve::Interpreter interpreter(message, sieve.host, sieve.options.settings);
        sieve.outcome = interpreter.run_all(programs);
        std::string out;
        for (const Action& action : sieve.outcome.actions)
            out += sieve::format_action(action) + "\n";
        return out;
    };
    CHECK(sequence({"require [\"fileinto\", \"copy\"]; fileinto :copy \"a\";", "require \"fileinto\"; fileinto \"b\";"}) ==
          "fileinto \"a\"\nfileinto \"b\"\n");
    CHECK(sequence({"discard;", "require \"fileinto\"; fileinto \"b\";"}) == "discard\n");
    CHECK(sequence({"require \"imap4flags\"; addflag \"x\"; keep;", "keep;"}) == "keep :flags [\"x\"]\n");
    CHECK(sequence({"require \"editheader\"; addheader \"X\" \"y\";", ""}) == "keep (implicit) (header edited)\n");
    CHECK(sequence({"require [\"fileinto\", \"copy\"]; fileinto :copy \"a\";", "require \"reject\"; reject \"no\";"}) ==
          "fileinto \"a\"\n");
    CHECK(sieve.outcome.warnings.size() == 1);
    CHECK(sequence({"require \"copy\"; redirect :copy \"a@b.example\";",
              "require \"variables\"; set \"x\" \"bad\"; redirect \"${x}\";"}) ==
          "redirect \"a@b.example\"\nkeep (implicit)\n");
    CHECK(sequence({}) == "keep (implicit)\n");
}

TEST_CASE("why something happened", "[sieve]") {
    SieveFixture sieve;
    sieve.trace = true;
    sieve.run("require \"fileinto\";\nif header :contains \"subject\" \"meeting\" {\n  fileinto \"Meetings\";\n}\n");
    REQUIRE(sieve.outcome.actions.size() == 1);
    const sieve::Cause& cause = sieve.outcome.actions[0].cause;
    CHECK(cause.line == 3);
    CHECK(cause.test_line == 2);
    CHECK(cause.test == "header :contains \"subject\" \"meeting\"");
    REQUIRE(sieve.outcome.trace.size() == 2);
    CHECK(sieve.outcome.trace[0].result);
    CHECK(sieve.outcome.trace[0].text.find("\"B\xc3\xbcro meeting\" and key \"meeting\"") != std::string::npos);
}
