// test/unit/lib/address/isemail_test.cc - a collection of addresses with verdicts, where it is at hand
// (../shared/conformance/address); skipped, and said so, where it is not.
#include <fstream>
#include <iterator>

#include "lib/address/path.h"
#include "test/support/catch.h"
#include "test/support/shared_data.h"

namespace {

std::string inside(const std::string& text, const std::string& tag) {
    std::size_t begin = text.find("<" + tag + ">");
    std::size_t end = text.find("</" + tag + ">");
    if (begin == std::string::npos || end == std::string::npos)
        return {};
    return text.substr(begin + tag.size() + 2, end - begin - tag.size() - 2);
}

// Entities, and U+2400 + code for control characters.
std::string decode(const std::string& xml) {
    std::string out;
    for (std::size_t i = 0; i < xml.size(); ++i) {
        std::size_t end = xml.find(';', i);
        if (xml[i] != '&' || end == std::string::npos) {
            out += xml[i];
            continue;
        }
        std::string name = xml.substr(i + 1, end - i - 1);
        if (name == "amp")
            out += '&';
        else if (name == "lt")
            out += '<';
        else if (name == "gt")
            out += '>';
        else if (name == "quot")
            out += '"';
        else if (name.starts_with("#x"))
            out += static_cast<char>(std::stoi(name.substr(2), nullptr, 16) & 0xff);
        i = end;
    }
    return out;
}

}  // namespace

TEST_CASE("collected addresses get the verdict of RFC 5321", "[address]") {
    auto folder = test::find_conformance("address");
    if (folder.empty()) {
        WARN("skipped: ../shared/conformance/address is not here");
        return;
    }
    std::ifstream file(folder / "isemail-tests.xml");
    std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    int seen = 0;
    for (std::size_t at = all.find("<test id"); at != std::string::npos; at = all.find("<test id", at + 1)) {
        std::string test = all.substr(at, all.find("</test>", at) - at);
        std::string address = decode(inside(test, "address"));
        std::string category = inside(test, "category");
        std::string diagnosis = inside(test, "diagnosis");
        CAPTURE(address, category, diagnosis);
        auto parsed = address::parse_path("<" + address + ">", {.strict = true});
        ++seen;
        if (category == "ISEMAIL_ERR")
            CHECK_FALSE((parsed.has_value() && !address.empty()));
        else if (address.starts_with("\"\"@"))
            CHECK_FALSE(parsed.has_value());  // legal, but we name no mailbox by nothing
        else if (category == "ISEMAIL_VALID_CATEGORY" || category == "ISEMAIL_RFC5321" || category == "ISEMAIL_DNSWARN")
            CHECK(parsed.has_value());
        else if (category == "ISEMAIL_CFWS" || category == "ISEMAIL_DEPREC")
            CHECK_FALSE(parsed.has_value());
    }
    CHECK(seen > 70);
}
