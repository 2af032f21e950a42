#include "lib/dmarc/inflate.h"
#include "lib/dmarc/json.h"
#include "lib/dmarc/report_mail.h"
#include "lib/dmarc/report_reader.h"
#include "lib/dmarc/report_writer.h"
#include "lib/message/header.h"
#include "lib/message/transfer.h"
#include "lib/text/text.h"
#include "test/support/catch.h"

using namespace dmarc;

namespace {

Report sample() {
    Report report;
    report.org_name = "Example & <Sons>";
    report.email = "reports@mx.example.test";
    report.report_id = "1700000000.1.example.com";
    report.begin = 1'700'000'000;
    report.end = 1'700'086'399;
    report.domain = "example.com";
    report.adkim = "r";
    report.aspf = "s";
    report.p = "reject";
    report.sp = "none";
    report.pct = "100";
    ReportRow row;
    row.source_ip = "2001:db8::1";
    row.count = 17;
    row.disposition = "none";
    row.dkim = "pass";
    row.spf = "fail";
    row.reasons.push_back({"local_policy", "a <comment> & more\r\n\x01"});
    row.header_from = "example.com";
    row.envelope_from = "bounces.example.com";
    row.dkim_results.push_back({"example.com", "s1", "pass", ""});
    row.dkim_results.push_back({"other.example", "s2", "fail", "the body is not what was signed"});
    row.spf_results.push_back({"bounces.example.com", "mfrom", "softfail", ""});
    report.rows.assign(3, row);
    return report;
}

}  // namespace

TEST_CASE("what is written is read again", "[dmarc][rfc7489:C]") {
    const Report report = sample();
    const std::string xml = write_report(report);
    const auto again = read_report(xml);
    INFO((again ? "" : again.error()));
    REQUIRE(again);
    CHECK(write_report(*again) == xml);
    CHECK(again->org_name == report.org_name);
    REQUIRE(again->rows.size() == 3);
    CHECK(again->rows[2].count == 17);
    CHECK(again->rows[0].reasons[0].comment == "a <comment> & more???");
    CHECK(again->rows[0].dkim_results[1].human_result == "the body is not what was signed");

    ReportMail mail{"mx.example.test", "reports@mx.example.test", {"a@example.com", "b@example.com"}, 1'700'100'000,
        "1@mx.example.test"};
    const std::string message = write_report_mail(report, mail, gzip(xml));
    CHECK(message.find("\r\nTo: a@example.com,\r\n\tb@example.com\r\n") != std::string::npos);
    message::HeaderReader header(message);
    std::string subject;
    while (const auto field = header.next())
        subject = field->name == "Subject" ? message::unfold(field->body) : subject;
    CHECK(subject == "Report Domain: example.com Submitter: mx.example.test Report-ID: <" + report.report_id + ">");
    CHECK(message.find("filename=\"mx.example.test!example.com!1700000000!1700086399.xml.gz\"") != std::string::npos);
    const auto found = find_report(message);
    REQUIRE(found);
    CHECK(write_report(std::get<Report>(*found)) == xml);
    for (std::size_t at = 0; at < message.size(); at = message.find("\r\n", at) + 2)
        REQUIRE(message.find("\r\n", at) - at <= 200);
}

TEST_CASE("I14: reports that want to break their reader", "[dmarc]") {
    const auto error = [](std::string_view xml) {
        const auto report = read_report(xml);
        return report ? std::string("read") : report.error();
    };
    CHECK(error("<!DOCTYPE feedback [<!ENTITY a \"aaaa\">]><feedback>&a;</feedback>") ==
          "line 1: a document type has no place in a report");
    CHECK(error("<!DOCTYPE feedback SYSTEM \"file:///etc/passwd\"><feedback/>") ==
          "line 1: a document type has no place in a report");
    CHECK(error("<feedback>&unknown;</feedback>") == "line 1: undefined entity");
    CHECK(error("") == "line 1: no element found");
    CHECK(error("<html></html>") == "line 1: the outermost element is not feedback");
    CHECK(error("<feedback>") == "line 1: no element found");
    std::string deep = "<feedback>";
    for (int i = 0; i < 100'000; ++i)
        deep += "<a>";
    CHECK(error(deep) == "line 1: elements stand more than 32 deep");
    std::string many = "<feedback>";
    for (std::size_t i = 0; i <= kMaxReportRows; ++i)
        many += "<record/>";
    CHECK(error(many + "</feedback>") == "line 1: more than 100000 records");
    const auto text = read_report(
        "<feedback><report_metadata><org_name>" + std::string(3'000'000, 'x') + "</org_name></report_metadata></feedback>");
    REQUIRE(text);
    CHECK(text->org_name.size() == kMaxReportText);
    const auto number = read_report(
        "<feedback><record><row><count>99999999999999999999999</count></row></record></feedback>");
    REQUIRE(number);
    CHECK(number->rows[0].count == 0);
    const auto reasons = read_report("<feedback><record><row><policy_evaluated>" + [] {
        std::string text;
        for (int i = 0; i < 1000; ++i)
            text += "<reason><type>other</type></reason>";
        return text;
    }() + "</policy_evaluated></row></record></feedback>");
    REQUIRE(reasons);
    CHECK(reasons->rows[0].reasons.size() == 100);
}

TEST_CASE("I14: packed files stop at the limit", "[dmarc]") {
    const std::string bomb = gzip(std::string(100'000'000, 'a'));
    CHECK(bomb.size() < 200'000);
    const auto unpacked = unpack(bomb);
    REQUIRE_FALSE(unpacked);
    CHECK(unpacked.error() == "it unpacks to more than 67108864 octets");
    CHECK_FALSE(unpack(gzip("hello").substr(0, 12)));
    CHECK(unpack(gzip("hello")).value() == "hello");
    CHECK(unpack("<feedback/>").value() == "<feedback/>");
    CHECK_FALSE(unpack("\x1f\x8b garbage"));
    CHECK_FALSE(unpack("PK\x03\x04"));
    CHECK_FALSE(unpack(std::string("PK\x03\x04") + std::string(26, '\xff')));
    std::string stored("PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0\x05\0\0\0\x01\0\0\0ahello", 36);
    CHECK(unpack(stored).value() == "hello");
    CHECK(unpack(stored, 4).error() == "it unpacks to more than 4 octets");
    std::string encrypted = stored;
    encrypted[6] = 1;
    CHECK(unpack(encrypted).error() == "the zip file is encrypted");
}

TEST_CASE("mail without a report", "[dmarc]") {
    for (std::string_view text :
        {std::string_view(""), std::string_view("From: a@example.test\r\n\r\nhello\r\n"), std::string_view("\0\1\2", 3)}) {
        const auto found = find_report(text);
        REQUIRE_FALSE(found);
        CHECK(found.error() == "there is no report in it");
    }
    CHECK(find_report("Content-Type: message/feedback-report\r\n\r\nVersion: 1\r\n").error() ==
          "message/feedback-report has no Feedback-Type");
}

TEST_CASE("JSON, and what is none", "[dmarc][rfc8259]") {
    const auto good = parse_json(
        R"( {"a": [1, -2.5e+3, true, null, "x\"\\\/\n\u00e9\ud83d\ude00\ud800"], "a": 2, "": {}} )");
    REQUIRE(good);
    CHECK((*good)["a"].items.size() == 5);
    CHECK((*good)["a"].items[0].count() == 1);
    CHECK((*good)["a"].items[1].count() == 0);
    CHECK((*good)["a"].items[4].string() == "x\"\\/\n\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd");
    CHECK((*good)["missing"]["deeper"].string().empty());
    for (std::string_view bad : {"", "{", "[1,]", "{\"a\"}", "{\"a\":}", "01", "1.", "1e", "-", "\"", "\"\\x\"", "\"\\u12\"",
             "\"\x01\"", "tru", "nul", "{} x", "[1 2]", "{a:1}", "'x'"}) {
        INFO(bad);
        CHECK_FALSE(parse_json(bad));
    }
    CHECK(parse_json(std::string(100'000, '[')).error() == "octet 33: nested too deep");
    std::string many = "[0";
    for (std::size_t i = 0; i <= kMaxJsonValues; ++i)
        many += ",0";
    CHECK_FALSE(parse_json(many + "]"));
    CHECK(find_report("{\"policies\": 1}").error() == "there is no list of policies");
}
