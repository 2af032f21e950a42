#include "lib/message/structure.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "test/support/catch.h"

using namespace message;

namespace {

std::string_view body_of(const std::string& text, const Part* part) {
    return part ? std::string_view(text).substr(part->body.raw, part->end.raw - part->body.raw) : "(none)";
}

std::string with_crlf(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            result += '\r';
        result += text[i];
    }
    return result;
}

std::string without_cr(std::string text) {
    std::erase(text, '\r');
    return text;
}

const std::string kNested =
    "Content-Type: multipart/mixed; boundary=\"a\"\r\n\r\npreamble\r\n"
    "--a\r\nContent-Type: text/plain\r\n\r\none\r\n\r\n--a\r\n"
    "Content-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: multipart/alternative; boundary=ab\r\n\r\n"
    "--ab\r\n\r\nx\r\n--ab\r\nContent-Type: text/html\r\n\r\n<p>\r\n--ab--\r\nepilogue\r\n"
    "--a--\r\nend\r\n";

std::vector<std::uint32_t> path(std::initializer_list<std::uint32_t> numbers) { return numbers; }

}  // namespace

TEST_CASE("parts are found by IMAP's numbers", "[message][rfc3501:6.4.5]") {
    for (const std::string& text : {kNested, without_cr(kNested)}) {
        Structure s = parse_structure(text);
        std::string one = text.find('\r') != std::string::npos ? "one\r\n" : "one\n";
        CHECK(body_of(text, s.find(path({1}))) == one);
        CHECK(s.find(path({1}))->body_octets() == 5);
        CHECK(s.find(path({1}))->body_lines() == 1);
        REQUIRE(s.find(path({2})));
        CHECK(s.find(path({2}))->kind == Part::Kind::message);
        CHECK(body_of(text, s.find(path({2, 1}))) == "x");
        CHECK(body_of(text, s.find(path({2, 2}))) == "<p>");
        CHECK(s.find(path({3})) == nullptr);
        CHECK(s.find(path({2, 3})) == nullptr);
        CHECK(s.find(path({2, 1, 1})) == nullptr);
        CHECK(s.find(path({0})) == nullptr);
        CHECK(s.root().end.octets() == kNested.size());
    }
}

TEST_CASE("a plain message is its own first part", "[message]") {
    std::string text = "A: b\r\n\r\nbody\r\n";
    Structure s = parse_structure(text);
    CHECK(body_of(text, s.find(path({1}))) == "body\r\n");
    CHECK(s.find(path({1, 1})) == nullptr);
    CHECK(s.find(path({2})) == nullptr);
    std::string inner = "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ndeep\r\n";
    Structure m = parse_structure(inner);
    CHECK(body_of(inner, m.find(path({1}))) == "Subject: x\r\n\r\ndeep\r\n");
    CHECK(body_of(inner, m.find(path({1, 1}))) == "deep\r\n");
}

TEST_CASE("D3: boundaries match exactly", "[message]") {
    std::string text =
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=ab\n\n"
        "--ab\n\n1\n--abc\n--a-\n--ab  \n\n2\n--ab--\n--a\n\n3\n--a--\n";
    Structure s = parse_structure(text);
    CHECK(s.root().child_count == 2);
    CHECK(body_of(text, s.find(path({1, 1}))) == "1\n--abc\n--a-");
    CHECK(body_of(text, s.find(path({1, 2}))) == "2");
    CHECK(body_of(text, s.find(path({2}))) == "3");
    CHECK(parse_structure("Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx\n").parts.size() == 1);
    std::string longest = "Content-Type: multipart/mixed; boundary=" + std::string(65536, 'b') + "\n\n--" +
                          std::string(65536, 'b') + "\n\nx";
    CHECK(parse_structure(longest).parts.size() == 1);
}

TEST_CASE("D1, D2, D7: depth and number of parts are bounded", "[message]") {
    std::string deep;
    for (int i = 0; i < 100000; ++i)
        deep += "Content-Type: message/rfc822\n\n";
    CHECK(parse_structure(deep).parts.size() == 100);
    std::string nested;
    for (int i = 0; i < 20000; ++i)
        nested += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "\n\n--b" + std::to_string(i) + "\n";
    CHECK(parse_structure(nested).parts.size() <= 101);
    std::string wide = "Content-Type: multipart/mixed; boundary=b\n\n";
    for (int i = 0; i < 1000000; ++i)
        wide += "--b\n\n";
    Structure s = parse_structure(wide);
    CHECK(s.parts.size() == 10000);
    CHECK(s.parts.back().end.raw == wide.size());
    std::string cyclic =
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n--b--\n";
    CHECK(parse_structure(cyclic).parts.size() < 10);
}

TEST_CASE("every prefix of a message has a structure", "[message]") {
    for (std::size_t i = 0; i <= kNested.size(); ++i) {
        Structure s = parse_structure(std::string_view(kNested).substr(0, i));
        for (const Part& part : s.parts) {
            CHECK(part.header.raw <= part.body.raw);
            CHECK(part.body.raw <= part.end.raw);
            CHECK(part.end.raw <= i);
        }
    }
}

namespace {

using Triple = std::array<std::uint64_t, 3>;

std::uint64_t number_after(const std::string& json, std::size_t at) {
    std::size_t digits = json.find_first_of("0123456789", at);
    return std::strtoull(json.c_str() + digits, nullptr, 10);
}

// (header, body, end) of the parts of the outermost message in the reference tree.
std::set<Triple> reference_parts(const std::string& json) {
    std::set<Triple> triples;
    for (std::size_t at = json.find("\"offset_header\""); at != std::string::npos;
         at = json.find("\"offset_header\"", at + 1)) {
        std::size_t body = json.find("\"offset_body\"", at);
        std::size_t end = json.find("\"offset_end\"", at);
        triples.insert({number_after(json, at + 15), number_after(json, body + 13), number_after(json, end + 12)});
    }
    return triples;
}

std::string file_text(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("offsets agree with another parser's on the reference messages", "[message][conformance]") {
    const char* elsewhere = std::getenv("MALLEPOSTE_CONFORMANCE");
    std::filesystem::path root = elsewhere ? elsewhere : CONFORMANCE_DIR;
    if (!std::filesystem::exists(root / "mime")) {
        WARN("skipped: no reference messages in " << root);
        return;
    }
    for (const char* folder : {"rfc", "malformed", "thirdparty", "mimekit", "mikel"}) {
        for (const auto& entry : std::filesystem::directory_iterator(root / "mime" / folder)) {
            std::string extension = entry.path().extension();
            if (extension != ".eml" && extension != ".txt")
                continue;
            CAPTURE(entry.path().string());
            std::string text = file_text(entry.path());
            std::string crlf = with_crlf(text);
            Structure raw = parse_structure(text);
            Structure converted = parse_structure(crlf);
            REQUIRE(raw.parts.size() == converted.parts.size());
            for (std::size_t i = 0; i < raw.parts.size(); ++i) {
                CHECK(raw.parts[i].body.octets() == converted.parts[i].body.raw);
                CHECK(raw.parts[i].end.octets() == converted.parts[i].end.raw);
            }
            std::filesystem::path json = entry.path();
            json.replace_extension(".json");
            if (std::string_view(folder) != "rfc" || !std::filesystem::exists(json))
                continue;
            std::set<Triple> reference = reference_parts(file_text(json));
            for (const Part& part : raw.parts) {
                bool in_message = part.parent != Part::kNone && raw.parts[part.parent].kind == Part::Kind::message;
                bool epilogue = part.kind == Part::Kind::multipart;  // whether it counts differs
                if (in_message || epilogue)
                    continue;
                Triple ours{part.header.raw, part.body.raw, part.end.raw};
                CAPTURE(ours[0], ours[1], ours[2]);
                CHECK(reference.count(ours) == 1);
            }
        }
    }
}
