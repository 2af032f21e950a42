#include "cleanup/headers.h"

#include "cleanup/trace.h"
#include "test/support/catch.h"

using namespace cleanup;

namespace {

HeaderRules rules() {
    HeaderRules made;
    made.myhostname = "mx.example.test";
    return made;
}

// Feeds the message in pieces of `step` octets.
std::string filtered(const std::string& in, std::size_t step, const HeaderRules& with, bool local = false) {
    HeaderFacts facts;
    facts.queue_id = "ABCDEF1";
    facts.sender = "alice@example.test";
    facts.arrival = 1'790'000'000;
    facts.local_origin = local;
    MessageFilter filter{with, facts};
    std::string out;
    for (std::size_t at = 0; at < in.size(); at += step)
        filter.feed(std::string_view{in}.substr(at, step), out);
    filter.finish(out);
    return out;
}

struct Case {
    const char* name;
    std::string in;
    std::string want;
};

const Case kCases[] = {
    {"plain", "Subject: x\r\n\r\nbody\r\n", "Subject: x\r\n\r\nbody\r\n"},
    {"Bcc and Return-Path are taken out",
        "Bcc: eve@example.test,\r\n mallory@example.test\r\nreturn-path: <x>\r\nSubject: x\r\nContent-Length : "
        "5\r\n\r\nb\r\n",
        "Subject: x\r\n\r\nb\r\n"},
    {"body only", "no header at all: really?\r\nmore\r\n", "\r\nno header at all: really?\r\nmore\r\n"},
    {"header ends without an empty line", "Subject: x\r\nthe body begins\r\n", "Subject: x\r\n\r\nthe body begins\r\n"},
    {"begins with a blank", " odd\r\nSubject: x\r\n", "\r\n odd\r\nSubject: x\r\n"},
    {"header only", "Subject: x\r\n", "Subject: x\r\n"},
    {"empty", "", ""},
    {"last line without end", "Subject: x\r\n\r\nbody", "Subject: x\r\n\r\nbody\r\n"},
    {"lone CR and LF", "Subject: a\rBcc: v@a\r\n\r\nx\n.\nMAIL FROM\r\ny\rz\r\n",
        "Subject: a Bcc: v@a\r\n\r\nx\r\n.\r\nMAIL FROM\r\ny z\r\n"},
    {"CR CR LF", "A: b\r\n\r\nx\r\r\ny\r\n", "A: b\r\n\r\nx \r\ny\r\n"},
    {"NUL is kept", std::string{"Subject: a\0b\r\n\r\nc\0d\r\n", 21}, std::string{"Subject: a\0b\r\n\r\nc\0d\r\n", 21}},
    {"mailbox separator", "From alice Thu Jan 1\r\nSubject: x\r\n\r\nFrom x\r\n",
        "X-Mailbox-Line: From alice Thu Jan 1\r\nSubject: x\r\n\r\nFrom x\r\n"},
    {"colon only", ": x\r\n\r\ny\r\n", "\r\n: x\r\n\r\ny\r\n"},
};

}  // namespace

TEST_CASE("the header of a message is repaired", "[cleanup]") {
    for (const Case& c : kCases) {
        DYNAMIC_SECTION(c.name) {
            for (const std::size_t step : {1, 2, 3, 7, 4096})
                CHECK(filtered(c.in, step, rules()) == c.want);
        }
    }
}

TEST_CASE("one long field is cut, the rest of the message is not", "[cleanup]") {
    HeaderRules with = rules();
    with.header_size_limit = 4000;
    std::string field = "X-Long: ";
    for (int i = 0; i < 400; ++i)
        field += "0123456789 0123456789\r\n ";
    const std::string out = filtered(field + "end\r\nSubject: x\r\n\r\nbody\r\n", 1000, with);
    CHECK(out.size() < 4100);
    CHECK(out.ends_with("\r\nSubject: x\r\n\r\nbody\r\n"));

    std::string body(300'000, 'x');
    CHECK(filtered(body + "\r\n", 4096, with) == "\r\n" + body + "\r\n");
    CHECK(filtered("A: " + body + "\r\n\r\nb\r\n", 4096, with).ends_with("xx\r\n\r\nb\r\n"));
}

TEST_CASE("local mail gets what is missing", "[cleanup]") {
    const std::string out = filtered("Subject: x\r\n\r\nbody\r\n", 4096, rules(), true);
    CHECK(out.find("Subject: x\r\nMessage-Id: <20260921") == 0);
    CHECK(out.find(".ABCDEF1@mx.example.test>\r\nDate: ") != std::string::npos);
    CHECK(out.find("\r\nFrom: alice@example.test\r\n\r\nbody\r\n") != std::string::npos);

    const std::string whole = "From: a@b\r\nDate: x\r\nMessage-ID: <1@x>\r\n\r\nb\r\n";
    CHECK(filtered(whole, 4096, rules(), true) == whole);
    const std::string resent = filtered("Resent-To: a@b\r\n" + whole, 4096, rules(), true);
    CHECK(resent.find("Resent-Message-Id: ") != std::string::npos);
    CHECK(resent.find("Resent-From: alice@example.test") != std::string::npos);
}

TEST_CASE("Received fields are counted", "[cleanup]") {
    const HeaderRules with = rules();
    for (const int hops : {48, 49, 50}) {
        MessageFilter filter{with, {}};
        filter.count_hop();
        std::string out;
        for (int i = 0; i < hops; ++i)
            filter.feed("Received: from a\r\n\tby b; now\r\n", out);
        filter.finish(out);
        CHECK(filter.too_many_hops() == (hops >= 49));
    }
}

TEST_CASE("names before an address", "[cleanup]") {
    CHECK(format_phrase("Alice Example") == "Alice Example");
    CHECK(format_phrase(".(") == "\".(\"");
    CHECK(format_phrase("a\"b\\c") == "\"a\\\"b\\\\c\"");
    CHECK(format_phrase("x\r\nBcc: v@a") == "\"x  Bcc: v@a\"");
    CHECK(format_phrase("Zo\xc3\xab") == "=?utf-8?B?Wm/Dqw==?=");
    CHECK(format_phrase(std::string(5000, 'a')).size() == 1024);
}

TEST_CASE("Received is written as Postfix writes it", "[cleanup]") {
    ipc::records::CleanupOpen open;
    open.mail.client.name = "client.example.test";
    open.mail.client.address = "192.0.2.7";
    open.mail.client.helo = "helo.example.test";
    open.mail.client.protocol = "ESMTPSA";
    open.trace_comments = {"using TLSv1.3 with cipher X (256/256 bits)", "Authenticated sender: alice"};
    open.recipients.resize(1);
    open.recipients[0].address = "bob@example.test";
    const TraceSite site{"mx.example.test", "Malleposte"};
    setenv("TZ", "UTC", 1);
    tzset();
    CHECK(format_received(open, "ABCDEF1", site, 1'790'000'000) ==
          "Received: from helo.example.test (client.example.test [192.0.2.7])\r\n"
          "\t(using TLSv1.3 with cipher X (256/256 bits))\r\n"
          "\t(Authenticated sender: alice)\r\n"
          "\tby mx.example.test (Malleposte) with ESMTPSA id ABCDEF1\r\n"
          "\tfor <bob@example.test>; Mon, 21 Sep 2026 14:13:20 +0000 (UTC)\r\n");
    open.recipients.resize(2);
    CHECK(format_received(open, "ABCDEF1", site, 1'790'000'000).find("id ABCDEF1; Mon") != std::string::npos);
    open.mail.client.helo = "evil)\r\nBcc: x";
    CHECK(format_received(open, "ABCDEF1", site, 1'790'000'000).starts_with("Received: from evil???Bcc:?x (client"));
    ipc::records::CleanupOpen local;
    local.user_id = 1000;
    CHECK(format_received(local, "ABCDEF1", site, 1'790'000'000) ==
          "Received: by mx.example.test (Malleposte, from userid 1000)\r\n"
          "\tid ABCDEF1; Mon, 21 Sep 2026 14:13:20 +0000 (UTC)\r\n");
}

TEST_CASE("header addresses of local mail are completed", "[cleanup]") {
    HeaderFacts facts;
    facts.local_origin = true;
    facts.complete = [](const std::string& address) {
        return address.find('@') == std::string::npos ? address + "@here.test" : address;
    };
    const HeaderRules with = rules();
    MessageFilter filter{with, facts};
    std::string out;
    filter.feed(
        "From: alice (the one)\r\nTo: Bob <bob>, carol@away.test,\r\n dora\r\nCc: friends: eve, f@g.test;\r\n"
        "Subject: to bob\r\nDate: x\r\nMessage-Id: <1>\r\n\r\nTo: bob\r\n",
        out);
    filter.finish(out);
    CHECK(out ==
          "From: alice@here.test (the one)\r\nTo: Bob <bob@here.test>, carol@away.test,\r\n dora@here.test\r\n"
          "Cc: friends: eve@here.test, f@g.test;\r\nSubject: to bob\r\nDate: x\r\nMessage-Id: <1>\r\n\r\n"
          "To: bob\r\n");
}
