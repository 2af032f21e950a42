#include "qmgr/bounce/report.h"

#include "test/support/catch.h"

using namespace bounce;
using ipc::records::BounceKind;
using ipc::records::BounceRequest;

namespace {

BounceRequest sample_request() {
    BounceRequest request;
    request.queue_id = "ABCDEF1";
    request.mail.sender = "alice@example.test";
    request.mail.arrival_us = 1'790'000'000'000'000;
    request.expires = 1'790'000'000 + 5 * 86400;
    request.recipients.resize(1);
    request.recipients[0].recipient.address = "bob@example.test";
    request.recipients[0].recipient.original = "Bob.List@example.test";
    request.recipients[0].dsn = "5.1.1";
    request.recipients[0].text = "host mx.example.test[192.0.2.1] said: 550 5.1.1 no such user";
    request.recipients[0].remote_mta = "mx.example.test";
    request.recipients[0].remote_reply = "550 5.1.1 no such user";
    return request;
}

const Site kSite{"mx.example.test", "Malleposte", "example.test"};

bool has(const Report& report, const std::string& text) { return report.head.find(text) != std::string::npos; }

// Lines end in CR LF only, and no line is longer than RFC 5322, 2.1.1 allows.
void check_lines(const std::string& text) {
    std::size_t start = 0;
    while (start < text.size()) {
        const std::size_t end = text.find("\r\n", start);
        REQUIRE(end != std::string::npos);
        CHECK(end - start <= 998);
        CHECK(text.substr(start, end - start).find_first_of("\r\n") == std::string::npos);
        start = end + 2;
    }
}

}  // namespace

TEST_CASE("a report about a failure", "[bounce][rfc3464]") {
    const Report report = compose(sample_request(), kSite, "alice@example.test", Audience::sender, Returned::message, "r");
    CHECK(
        report.head.starts_with("From: MAILER-DAEMON@example.test (Mail Delivery System)\r\n"
                                "Subject: Undelivered Mail Returned to Sender\r\nTo: alice@example.test\r\n"
                                "Auto-Submitted: auto-replied\r\n"));
    CHECK(has(report, "Content-Type: multipart/report; report-type=delivery-status;"));
    CHECK(has(report, "<bob@example.test> (expanded from <Bob.List@example.test>): "));
    CHECK(has(report, "Reporting-MTA: dns; mx.example.test\r\n"));
    CHECK(has(report, "\r\n\r\nFinal-Recipient: rfc822; bob@example.test\r\n"));
    CHECK(has(report,
        "Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.test\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"));
    CHECK(has(report, "Content-Type: message/rfc822\r\n"));
    CHECK(report.tail == "\r\n--" + report.boundary + "--\r\n");
    check_lines(report.head);
}

TEST_CASE("a warning about a delay", "[bounce]") {
    BounceRequest request = sample_request();
    request.kind = BounceKind::delay_warning;
    const Report report = compose(request, kSite, "alice@example.test", Audience::sender, Returned::header, "r");
    CHECK(has(report, "Subject: Delayed Mail (still being retried)\r\n"));
    CHECK(has(report, "THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE."));
    CHECK(has(report, "It will be retried until it is 5.0 day(s) old."));
    CHECK(has(report, "Action: delayed\r\n"));
    CHECK(has(report, "Will-Retry-Until: "));
    CHECK(has(report, "Content-Type: text/rfc822-headers\r\n"));
}

TEST_CASE("texts of strangers cannot add fields or parts", "[bounce]") {
    BounceRequest request = sample_request();
    std::string evil = "550 x\r\n\r\nAction: delivered\r\n--" + std::string(3000, 'y') + "\t\1\xff";
    evil.push_back('\0');
    request.recipients[0].remote_reply = evil;
    request.recipients[0].text = evil;
    request.recipients[0].remote_mta = "a\r\nX: y";
    request.recipients[0].recipient.orcpt = "rfc822;x+0D+0ABcc:+20v@c";
    request.mail.envid = "a+0D+0ABcc:x";
    request.mail.sender = "a\r\nBcc: b@c";
    const Report report = compose(request, kSite, "a\r\nBcc: b@c", Audience::sender, Returned::header, "r");
    check_lines(report.head);
    CHECK_FALSE(has(report, "\r\nAction: delivered"));
    CHECK_FALSE(has(report, "\r\nBcc:"));
    CHECK_FALSE(has(report, "\r\nX: y"));
    CHECK(report.head.find('\0') == std::string::npos);
    CHECK(report.head.size() < 8000);
}

TEST_CASE("who wants a report", "[bounce][rfc3461:4.1]") {
    BounceRequest request = sample_request();
    request.recipients.resize(5, request.recipients[0]);
    const std::uint32_t notify[] = {0, 1, 2, 4, 8};
    for (std::size_t i = 0; i < 5; ++i)
        request.recipients[i].recipient.notify = notify[i];
    CHECK(who_wants_report(request).size() == 2);  // not said; failure
    request.kind = BounceKind::delay_warning;
    CHECK(who_wants_report(request).size() == 2);  // not said; delay
    request.kind = BounceKind::success;
    CHECK(who_wants_report(request).size() == 1);  // success
}

TEST_CASE("a report about success", "[bounce][rfc3464:2.3.3]") {
    BounceRequest request = sample_request();
    request.kind = BounceKind::success;
    request.mail.envid = "QQ+2B314159";
    request.recipients.resize(3, request.recipients[0]);
    request.recipients[0].action = envelope::Action::delivered;
    request.recipients[0].recipient.orcpt = "rfc822;Bob+2BList@example.test";
    request.recipients[1].action = envelope::Action::relayed;
    request.recipients[2].action = envelope::Action::expanded;
    for (auto& each : request.recipients)
        each.dsn = "2.1.5";
    const Report report = compose(request, kSite, "alice@example.test", Audience::sender, Returned::header, "r");
    CHECK(has(report, "Subject: Successful Mail Delivery Report\r\n"));
    CHECK(has(report, "Original-Envelope-Id: QQ+314159\r\n"));
    CHECK(has(report, "Original-Recipient: rfc822; Bob+List@example.test\r\nAction: delivered\r\nStatus: 2.1.5\r\n"));
    CHECK(has(report, "Original-Recipient: rfc822; Bob.List@example.test\r\nAction: relayed\r\n"));
    CHECK(has(report, "Action: expanded\r\n"));
    CHECK_FALSE(has(report, "Will-Retry-Until"));
    CHECK_FALSE(has(report, "could not be delivered"));
    CHECK(has(report, "Content-Description: Message Headers\r\nContent-Type: text/rfc822-headers\r\n"));
    check_lines(report.head);
}

TEST_CASE("a reply without blanks is cut at the longest line that mail may have", "[bounce][rfc5322:2.1.1]") {
    BounceRequest request = sample_request();
    request.recipients[0].remote_reply = std::string(2000, 'x');
    request.recipients[0].text = std::string(2000, 'y');
    check_lines(compose(request, kSite, "a@b", Audience::sender, Returned::header, "r").head);
}

TEST_CASE("texts are cut between characters", "[bounce]") { CHECK(one_line("Zo\xc3\xab", 3) == "Zo"); }
