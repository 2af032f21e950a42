// test/unit/lib/message/writer_test.cc - what is written is read again by the readers beside it, and nothing else.
#include "lib/message/writer.h"

#include "lib/message/encoded_word.h"
#include "lib/message/header.h"
#include "lib/message/structure.h"
#include "test/support/catch.h"

using namespace message;

namespace {

// CR LF only, no line too long; in a header none of blanks alone, which some take for its end.
void check_lines(std::string_view text, bool header = true) {
    while (!text.empty()) {
        const std::size_t end = text.find("\r\n");
        REQUIRE(end != std::string_view::npos);
        const std::string_view line = text.substr(0, end);
        CHECK(line.size() <= kMaxLine);
        CHECK(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
        CHECK((!header || line.empty() || line.find_first_not_of(" \t") != std::string_view::npos));
        text.remove_prefix(end + 2);
    }
}

// The one field of a header, unfolded.
std::string only_field(const std::string& header) {
    check_lines(header);
    HeaderReader reader(header);
    const auto field = reader.next();
    REQUIRE(field);
    CHECK_FALSE(reader.next());
    CHECK(reader.consumed() == header.size());
    return unfold(field->body);
}

std::string text_field(std::string_view value) { return Writer().text("Subject", value).close(); }

}  // namespace

TEST_CASE("text is read again", "[message][rfc2047]") {
    for (const std::string& value : {std::string("short"), std::string("two  blanks"), std::string("Ärger im Büro"),
             std::string("=?utf-8?Q?as_it_is?="), std::string(200, 'x'), std::string(3000, 'x'),
             std::string(300, 'a') + " " + std::string(990, 'b') + " c", std::string("a: b, c")}) {
        CAPTURE(value);
        CHECK(decode_header(only_field(text_field(value))) == value);
    }
    std::string many;
    for (int i = 0; i < 500; ++i)
        many += i % 7 == 0 ? "€ " : "€";
    many += "!";
    const std::string field = text_field(many);
    CHECK(decode_header(only_field(field)) == many);
    for (std::size_t at = 0; at < field.size(); at = field.find("\r\n", at) + 2)
        CHECK(field.find("\r\n", at) - at <= kFoldAt);
    CHECK(field.starts_with("Subject: =?utf-8?B?"));
}

TEST_CASE("no value begins a field", "[message][rfc5322:2.2]") {
    using std::string_literals::operator""s;
    const std::string evil[] = {"a\r\nBcc: v@c", "a\nBcc: v@c", "a\rBcc: v@c", "a\r\n\r\nbody", "\r\nBcc: x", "a\0b\r\n"s,
        "a\r\n" + std::string(2000, ' ') + "b", "\xff\xfe\r\nx", "ü\r\nBcc: v@c", std::string(5000, 'y') + "\r\n.\r\n",
        std::string(3000, '\n'), std::string(2000, '\t') + "x", ""};
    for (const std::string& value : evil) {
        CAPTURE(value);
        only_field(text_field(value));
        only_field(Writer().structured("X-Value", value).close());
        only_field(Writer().addresses("To", {mailbox(value, value, value)}).close());
        only_field(Writer().addresses("To", {mailbox(value, value, value)}, NameForm::comment).close());
        only_field(Writer().message_id(value, value).close());
        only_field(Writer().content(value.substr(0, 100), {{"name", value}}).close());
        check_lines(Writer().multipart("mixed", value).part().close());
        check_lines(Writer().body(value).close(), false);
    }
    for (const std::string& name : {"a\r\nBcc"s, "a b"s, "a:b"s, ""s, "\xc3\xa4"s, std::string(1000, 'n')}) {
        CAPTURE(name);
        CHECK(Writer()
                  .text(name, "x")
                  .structured(name, "x")
                  .date(name, 0)
                  .addresses(name, {mailbox("a", "b")})
                  .close()
                  .empty());
    }
}

TEST_CASE("addresses are read again", "[message][rfc5322:3.4]") {
    struct Row {
        Address address;
        const char* want;
    };
    const Row rows[] = {
        {mailbox("a", "b.test"), "a@b.test"},
        {mailbox("a", "b.test", ""), "<a@b.test>"},
        {mailbox("a", "b.test", "A B"), "A B <a@b.test>"},
        {mailbox("a", "b.test", "B, A. <x@y>"), "\"B, A. <x@y>\" <a@b.test>"},
        {mailbox("a", "b.test", "say \"x\\\""), "\"say \\\"x\\\\\\\"\" <a@b.test>"},
        {mailbox("a", "b.test", "Zo\xc3\xab"), "=?utf-8?B?Wm/Dqw==?= <a@b.test>"},
        {mailbox("john doe", "b.test"), "\"john doe\"@b.test"},
        {mailbox("a\"@c", "b.test"), "\"a\\\"@c\"@b.test"},
        {mailbox("a..b", "b.test"), "\"a..b\"@b.test"},
        {mailbox("gr\xc3\xbc\xc3\x9f", "b.test"), "gr\xc3\xbc\xc3\x9f@b.test"},
    };
    std::vector<Address> all;
    for (const Row& row : rows) {
        CHECK(format_mailbox(row.address) == row.want);
        all.push_back(row.address);
    }
    const AddressList again = read_addresses(only_field(Writer().addresses("To", all).close()));
    CHECK(again.ambiguity.empty());
    REQUIRE(again.addresses.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(again.addresses[i].mailbox == all[i].mailbox);
        CHECK(again.addresses[i].host == all[i].host);
        CHECK(decode_header(again.addresses[i].name.value_or("")) == all[i].name.value_or(""));
    }
    CHECK(format_mailbox(mailbox("", "", "")) == "<>");
    CHECK(format_mailbox(mailbox("M-D", "b", "Mail (System)"), NameForm::comment) == "M-D@b (Mail \\(System\\))");
    CHECK(Writer().addresses("To", {}).close().empty());
    CHECK(Writer().addresses("To", {mailbox("a", "b"), mailbox("c", "d")}).close() == "To: a@b,\r\n\tc@d\r\n");
    // Where a name is folded a blank stays a blank.
    CHECK(
        unfold(
            Writer().addresses("To", {mailbox("a", "b.test", std::string(60, 'n') + " " + std::string(60, 'm'))}).close()) ==
        "To: " + std::string(60, 'n') + " " + std::string(60, 'm') + " <a@b.test>");
    // A domain cannot bring a second address.
    CHECK(read_addresses(format_mailbox(mailbox("a", "b>, <v@c"))).addresses.size() == 1);
}

TEST_CASE("folding", "[message][rfc5322:2.2.3]") {
    const std::string a(70, 'a');
    const std::string b(70, 'b');
    CHECK(fold("short") == "short\r\n");
    CHECK(fold(a + " " + b + " c", "    ") == a + "\r\n    " + b + " c\r\n");
    CHECK(fold(std::string(200, 'a')) == std::string(200, 'a') + "\r\n");
    CHECK(fold("Name: " + std::string(100, 'a') + " b") == "Name: " + std::string(100, 'a') + "\r\n b\r\n");
    CHECK(fold(std::string(1000, 'a')) == std::string(998, 'a') + "\r\n aa\r\n");
    for (const std::string& blanks : {std::string(3, ' '), std::string(39, ' ')}) {
        only_field(fold("Name: " + a + blanks + std::string(100, 'b')));
        only_field(fold("Name: " + blanks + std::string(100, 'b') + blanks + std::string(1000, 'c')));
    }
    std::string wide(997, 'a');
    CHECK(fold(wide + "\xc3\xab") == wide + "\r\n \xc3\xab\r\n");
}

TEST_CASE("parameters", "[message][rfc2045:5.1][rfc2231:4]") {
    const auto written = [](std::string_view value) {
        return Writer().parameterized("Content-Disposition", "attachment", {{"filename", std::string(value)}}).close();
    };
    CHECK(written("a.txt") == "Content-Disposition: attachment; filename=a.txt\r\n");
    CHECK(written("a \"b\"; c=d") == "Content-Disposition: attachment; filename=\"a \\\"b\\\"; c=d\"\r\n");
    for (const char* value : {"a b", "\xc3\xa4rger.txt", "x!y!z", "\\"}) {
        const ParameterizedValue read = parse_parameterized(only_field(written(value)));
        REQUIRE(read.parameters.size() == 1);
        CHECK(decoded(read.parameters[0]) == value);
    }
}

TEST_CASE("dates and ids", "[message][rfc5322:3.6.4]") {
    CHECK(Writer().message_id("a b<c>", "mx.test").close() == "Message-ID: <a-b-c-@mx.test>\r\n");
    CHECK(Writer().date("Date", 1'790'000'000).close().find(" Sep 2026 ") != std::string::npos);
}

TEST_CASE("a report of three parts", "[message][rfc6522]") {
    Writer mail;
    mail.text("Subject", "x").multipart("report", "b/1", {{"report-type", "delivery-status"}});
    mail.part().content("text/plain", {{"charset", "utf-8"}}).empty_line().body("one\ntwo\rthree\r\n\r\nfour");
    mail.part().content("message/delivery-status").empty_line().structured("Reporting-MTA", "dns; mx.test");
    mail.empty_line().structured("Final-Recipient", "rfc822; a@b");
    mail.part().content("application/gzip").structured("Content-Transfer-Encoding", "base64").empty_line();
    mail.base64(std::string(100, 'x'));
    const std::string whole = mail.close();
    check_lines(whole);
    CHECK(
        whole.starts_with("Subject: x\r\nMIME-Version: 1.0\r\n"
                          "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b/1\"\r\n\r\n--b/1\r\n"));
    CHECK(whole.find("\r\n\r\none\r\ntwo\r\nthree\r\n\r\nfour\r\n\r\n--b/1\r\n") != std::string::npos);
    CHECK(whole.find("dns; mx.test\r\n\r\nFinal-Recipient: rfc822; a@b\r\n\r\n--b/1\r\n") != std::string::npos);
    CHECK(whole.ends_with("\r\n\r\n--b/1--\r\n"));
    CHECK(parse_structure(whole).parts.size() == 4);
}
