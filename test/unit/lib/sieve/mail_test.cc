// What vacation, notify and redirect send.
#include "lib/sieve/notify.h"
#include "lib/sieve/vacation.h"
#include "test/support/catch.h"
#include "test/unit/lib/sieve/sieve_fixture.h"

using sieve::Action;

namespace {

sieve::VacationAnswer vacation(
    SieveFixture& sieve, const std::string& script, const std::string& from = "bob@example.test") {
    sieve.host.envelope_.from = from;
    sieve.run("require [\"vacation\", \"variables\"]; " + script);
    REQUIRE(sieve.outcome.actions.size() == 2);
    sieve::Message message(sieve.message);
    return answer(sieve.outcome.actions[0], message, sieve.host.envelope_, sieve.options.settings, sieve.host.now(), "4Xy1");
}

std::string mail(std::string_view fields) { return std::string(fields) + "\r\n\r\nx\r\n"; }

}  // namespace

TEST_CASE("an answer", "[sieve][rfc5230:5]") {
    SieveFixture sieve;
    sieve::VacationAnswer answer = vacation(sieve, "vacation \"Ich bin im B\xc3\xbcro.\n.\";");
    REQUIRE(answer.due);
    CHECK(answer.reply.from.empty());
    CHECK(answer.reply.recipients == std::vector<std::string>{"bob@example.test"});
    const std::string& text = answer.reply.content;
    CHECK(text.find("\r\nTo: <bob@example.test>\r\n") != std::string::npos);
    CHECK(text.find("\r\nFrom: alice+lists@example.test\r\n") != std::string::npos);
    CHECK(text.find("\r\nAuto-Submitted: auto-replied (vacation)\r\n") != std::string::npos);
    CHECK(text.find("\r\nIn-Reply-To: <1@example.test>\r\nReferences: <1@example.test>\r\n") != std::string::npos);
    CHECK(text.find("\r\nSubject: =?utf-8?B?") != std::string::npos);
    CHECK(text.ends_with("\r\nContent-Transfer-Encoding: 8bit\r\n\r\nIch bin im B\xc3\xbcro.\r\n.\r\n"));
    CHECK(answer.memory_key.starts_with("bob@example.test\n"));
}

TEST_CASE("what tells answers apart", "[sieve][rfc5230:4.2]") {
    SieveFixture sieve;
    auto key = [&](const std::string& script) { return vacation(sieve, script).memory_key; };
    CHECK(key("vacation \"a\";") != key("vacation \"b\";"));
    CHECK(key("vacation :subject \"x\" \"a\";") != key("vacation \"a\";"));
    CHECK(key("vacation :handle \"h\" \"a\";") == key("vacation :handle \"h\" \"b\";"));
    // A subject with the sender's own words is one answer, not many.
    std::string script =
        "if header :matches \"subject\" \"*\" { set \"s\" \"${1}\"; } vacation :subject \"Re: ${s}\" \"a\";";
    std::string first = key(script);
    sieve.message = mail("From: bob@example.test\r\nTo: alice+lists@example.test\r\nSubject: another");
    CHECK(key(script) == first);
}

TEST_CASE("a MIME answer brings only MIME fields", "[sieve][rfc5230:4.5]") {
    SieveFixture sieve;
    std::string text =
        vacation(sieve, "vacation :mime text:\nContent-Type: text/html\nBcc: v@a.example\n\n<b>x</b>\n.\n;").reply.content;
    CHECK(text.find("\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n") != std::string::npos);
    CHECK(text.find("Bcc") == std::string::npos);
}

TEST_CASE("who gets no answer", "[sieve][rfc5230:4.6][rfc3834][F12]") {
    struct Row {
        std::string_view name, from, fields;
    };
    const std::string to = "To: alice+lists@example.test\r\n";
    for (const Row& row : std::vector<Row>{{"bounce", "", "Subject: x"}, {"null", "<>", "Subject: x"},
             {"daemon", "MAILER-DAEMON@example.test", "Subject: x"}, {"itself", "alice+lists@example.test", "Subject: x"},
             {"owner", "owner-dev@example.test", "Subject: x"}, {"request", "dev-request@example.test", "Subject: x"},
             {"list", "bob@example.test", "List-Id: <dev.example.test>"},
             {"unsubscribe", "bob@example.test", "List-Unsubscribe: <mailto:x@y.example>"},
             {"bulk", "bob@example.test", "Precedence: BULK"},
             {"answered", "bob@example.test", "Auto-Submitted: auto-replied"},
             {"generated", "bob@example.test", "Auto-Submitted: auto-generated; x=y"},
             {"suppressed", "bob@example.test", "X-Auto-Response-Suppress: DR, All"}, {"broken", "bob@", "Subject: x"}}) {
        DYNAMIC_SECTION(row.name) {
            SieveFixture sieve;
            sieve.message = mail("From: bob@example.test\r\n" + to + std::string(row.fields));
            sieve::VacationAnswer answer = vacation(sieve, "vacation \"away\";", std::string(row.from));
            CHECK_FALSE(answer.due);
            CHECK_FALSE(answer.why_not.empty());
        }
    }
    SieveFixture sieve;
    sieve.message = mail("From: bob@example.test\r\nTo: everybody@example.test\r\nSubject: x");
    CHECK_FALSE(vacation(sieve, "vacation \"away\";").due);
    CHECK(vacation(sieve, "vacation :addresses \"Everybody@example.test\" \"away\";").due);
    sieve.message = mail("From: bob@example.test\r\nTo: undisclosed-recipients:;\r\nSubject: x");
    CHECK_FALSE(vacation(sieve, "vacation \"away\";").due);
    sieve.message = mail("From: bob@example.test\r\n" + to + "Auto-Submitted: no\r\nPrecedence: normal");
    CHECK(vacation(sieve, "vacation \"away\";").due);
}

TEST_CASE("bounds of the time between answers", "[sieve][rfc6131]") {
    SieveFixture sieve;
    sieve.options.settings.vacation_max = std::chrono::days(10);
    auto seconds = [&](const std::string& tag) {
        sieve.run("require \"vacation-seconds\"; vacation " + tag + " \"x\";");
        return sieve.outcome.actions.at(0).seconds.count();
    };
    CHECK(seconds("") == 7 * 86400);
    CHECK(seconds(":days 0") == 86400);
    CHECK(seconds(":days 18446744073709551615") == 10 * 86400);
    CHECK(seconds(":seconds 1") == 86400);
    sieve.options.settings.vacation_min = std::chrono::seconds(0);
    CHECK(seconds(":seconds 1") == 1);
}

TEST_CASE("mailto URIs", "[sieve][rfc6068]") {
    auto uri = sieve::parse_mailto(
        "mailto:a@b.example%2Cc@d.example?cc=Al%20%3Ce@f.example%3E&subject=a%26b&body=x%0D%0Ay&Keywords=z&From=evil@a."
        "example"
        "&Authentication-Results=mx%3Bdmarc%3Dpass&X-Spam-Flag=NO&Received=x");
    REQUIRE(uri.has_value());
    CHECK(uri->to == std::vector<std::string>{"a@b.example", "c@d.example"});
    CHECK(uri->cc == std::vector<std::string>{"Al <e@f.example>"});
    CHECK(uri->subject == "a&b");
    CHECK(uri->body == "x\r\ny");
    REQUIRE(uri->headers.size() == 1);
    CHECK(uri->headers[0].first == "Keywords");
    for (std::string bad : {"xmpp:a@b.example", "mailto:a@b.example;x", "mailto:a%2", "mailto:a@b.example?x",
             "mailto:a@b.example?x%0Ay=z", "mailto:nobody", "mailto:a@b.example?to=x", "mailto:%00@b.example"}) {
        INFO(bad);
        CHECK_FALSE(sieve::parse_mailto(bad).has_value());
    }
    std::string many = "mailto:a0@b.example";
    for (int i = 1; i < 100; ++i)
        many += ",a" + std::to_string(i) + "@b.example";
    CHECK_FALSE(sieve::parse_mailto(many).has_value());
}

TEST_CASE("notifications", "[sieve][rfc5436]") {
    SieveFixture sieve;
    sieve.run(
        "require \"enotify\"; notify :importance \"1\" :message \"a\r\nBcc: v@a.example\" "
        "\"mailto:a@b.example?Keywords=1%0D%0AEvil:%20x\";");
    sieve::Message message(sieve.message);
    std::vector<std::string> notified;
    auto send = [&] {
        return sieve::notification(
            sieve.outcome.actions.at(0), message, sieve.host.envelope_, sieve.options.settings, 0, "id", notified);
    };
    sieve::Sending sending = send();
    REQUIRE(sending.messages.size() == 1);
    const std::string& text = sending.messages[0].content;
    CHECK(text.find("\r\nSubject: a Bcc: v@a.example\r\n") != std::string::npos);
    CHECK(text.find("\r\nKeywords: 1 Evil: x\r\n") != std::string::npos);
    CHECK(text.find("\r\nAuto-Submitted: auto-notified; owner-email=\"alice+lists@example.test\"\r\n") != std::string::npos);
    CHECK(text.find("\r\nImportance: High\r\n") != std::string::npos);
    CHECK(send().messages.empty());  // nobody hears twice
    notified.clear();
    sieve.host.envelope_.from = "<>";
    CHECK(send().messages.at(0).from.empty());
}

TEST_CASE("scripts write in their user's own addresses", "[sieve][rfc5436]") {
    for (const auto& [given, want] : {std::pair("CEO <ceo@tenant.test>", "From: Postmaster "),
             std::pair("Me <alice+lists@example.test>", "From: Me <alice+lists@example.test>"),
             std::pair("\\\"Me, A.\\\" <alice+lists@example.test>", "From: \"Me, A.\" <alice+lists@example.test>"),
             std::pair("M\xc3\xab <alice+lists@example.test>", "From: =?utf-8?B?TcOr?= <alice+lists@example.test>")}) {
        CAPTURE(given);
        SieveFixture sieve;
        sieve.run(std::string("require \"enotify\"; notify :from \"") + given + "\" \"mailto:a@b.example\";");
        sieve::Message message(sieve.message);
        std::vector<std::string> notified;
        const sieve::Sending sending = sieve::notification(
            sieve.outcome.actions.at(0), message, sieve.host.envelope_, sieve.options.settings, 0, "id", notified);
        REQUIRE(sending.messages.size() == 1);
        CHECK(sending.messages[0].content.find(std::string("\r\n") + want) != std::string::npos);
        CHECK(sending.messages[0].content.find("tenant.test") == std::string::npos);
    }
}

TEST_CASE("redirects and their loops", "[sieve][rfc5228:10][F13]") {
    SieveFixture sieve;
    sieve.run("redirect \"bob@b.example\";");
    auto send = [&](const std::string& content) {
        sieve::Message message(content);
        return sieve::redirection(sieve.outcome.actions.at(0), message, sieve.host.envelope_, sieve.options.settings);
    };
    sieve::Sending sending = send(sieve.message);
    REQUIRE(sending.messages.size() == 1);
    CHECK(sending.messages[0].from == "sender@example.test");
    CHECK(sending.messages[0].content ==
          "X-Sieve: Malleposte\r\nX-Sieve-Redirected-From: alice+lists@example.test\r\n" + sieve.message);
    CHECK(send(sending.messages[0].content).messages.empty());
    std::string received;
    for (int i = 0; i < 51; ++i)
        received += "Received: by x\r\n";
    CHECK(send(received + "\r\nx").messages.empty());
    sieve.host.envelope_.from = "";
    sieve.options.settings.redirect_from = {sieve::EnvelopeSource::Kind::address, "me@example.test"};
    CHECK(send(sieve.message).messages.at(0).from.empty());  // RFC 5228, 4.2
    sieve.host.envelope_.from = "x@y.example";
    CHECK(send(sieve.message).messages.at(0).from == "me@example.test");
}
