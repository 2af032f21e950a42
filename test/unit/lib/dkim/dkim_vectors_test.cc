// Signed messages and key records of other implementations.
#include <fstream>
#include <sstream>

#include "test/support/catch.h"
#include "test/support/shared_data.h"
#include "test/unit/lib/dkim/support.h"

using namespace dkim_test;

namespace {

std::string slurp(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// "name value" a line.
void add_records(dns::ZoneData& data, std::string_view lines) {
    for (std::string_view line : text::split(lines, "\r\n")) {
        const std::size_t blank = line.find(' ');
        data.add_txt(line.substr(0, blank), line.substr(blank + 1));
    }
}

}  // namespace

TEST_CASE("the example of RFC 6376, signed with the keys of RFC 8032 and dkimpy", "[dkim][rfc6376:A][rfc8463:A]") {
    const auto folder = test::find_conformance("dkim/dkimpy");
    if (folder.empty()) {
        WARN("skipped: shared/conformance/dkim is not there");
        return;
    }
    dns::ZoneData data;
    const auto ed = dkim::PrivateKey::parse(slurp(folder / "rfc8032_7_1.key"));
    REQUIRE(ed);
    data.add_txt("brisbane._domainkey.football.example.com", key_record(*ed));
    data.add_txt("test._domainkey.football.example.com", text::trim(slurp(folder / "test.txt")));
    const std::string message = with_crlf(slurp(folder / "rfc6376.signed.msg"));
    const dkim::Verdict verdict = verify(message, data);
    REQUIRE(verdict.signatures.size() == 2);
    for (const dkim::Result& result : verdict.signatures) {
        INFO(result.algorithm << ": " << result.reason);
        CHECK(result.code == dkim::Code::pass);
        CHECK(result.domain == "football.example.com");
    }
    for (const dkim::Result& result : verify(message + "x\r\n", data).signatures)
        CHECK(result.code == dkim::Code::fail);
    // What is signed there is the unsigned file beside it.
    const std::string plain = with_crlf(slurp(folder / "rfc6376.msg"));
    CHECK(message.ends_with(plain));
}

TEST_CASE("an Ed25519 key and its record", "[dkim][rfc8463]") {
    const auto folder = test::find_conformance("dkim/dkimpy");
    if (folder.empty()) {
        WARN("skipped: shared/conformance/dkim is not there");
        return;
    }
    const auto key = dkim::PrivateKey::parse(slurp(folder / "ed25519test.key"));
    REQUIRE(key);
    dns::ZoneData data;
    data.add_txt("test._domainkey.example.com", text::trim(slurp(folder / "ed25519test.dns")));
    const std::string message = with_crlf(slurp(folder / "ed25519test.msg"));
    const dkim::Verdict verdict = verify(sign(message, {{*key, {"example.com", "test", dkim::KeyType::ed25519, ""}}}), data);
    REQUIRE(verdict.signatures.size() == 1);
    CHECK(verdict.signatures[0].code == dkim::Code::pass);
}

TEST_CASE("keys and records of dkimpy", "[dkim][rfc6376:3.6.1]") {
    const auto folder = test::find_conformance("dkim/dkimpy");
    if (folder.empty()) {
        WARN("skipped: shared/conformance/dkim is not there");
        return;
    }
    // A message signed with the published test key verifies against the good record, and against none of the bad ones.
    const auto key = dkim::PrivateKey::parse(slurp(folder / "test.private"));
    REQUIRE(key);
    const std::string message = with_crlf(slurp(folder / "test.message"));
    const std::string signed_message = sign(message, {{*key, {"example.com", "test", dkim::KeyType::rsa, ""}}});
    struct Case {
        const char* file;
        dkim::Code code;
    };
    for (const Case& c : {Case{"test.txt", dkim::Code::pass}, Case{"badk.txt", dkim::Code::permerror},
             Case{"badversion.txt", dkim::Code::permerror}}) {
        INFO(c.file);
        dns::ZoneData data;
        data.add_txt("test._domainkey.example.com", text::trim(slurp(folder / c.file)));
        const dkim::Verdict verdict = verify(signed_message, data);
        REQUIRE(verdict.signatures.size() == 1);
        CHECK(verdict.signatures[0].code == c.code);
    }
    // Ed25519 keys are kept as base64 there; the first is the one of RFC 8032, 7.1.
    const auto ed = dkim::PrivateKey::parse(slurp(folder / "rfc8032_7_1.key"));
    REQUIRE(ed);
    CHECK(text::encode_base64(ed->public_data()) == "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    REQUIRE(dkim::PrivateKey::parse(slurp(folder / "ed25519test.key")));
}

TEST_CASE("signed mail from the world", "[dkim][rfc6376]") {
    const auto folder = test::find_conformance("dkim/mail-auth");
    if (folder.empty()) {
        WARN("skipped: shared/conformance/dkim is not there");
        return;
    }
    for (const char* name : {"001.txt", "003.txt"}) {
        INFO(name);
        const std::string text = with_crlf(slurp(folder / name));
        const std::size_t border = text.find("\r\n\r\n");
        dns::ZoneData data;
        add_records(data, text.substr(0, border));
        const std::string message = text.substr(border + 4);
        for (std::size_t piece : {std::size_t{1}, std::size_t{13}, std::size_t{4096}}) {
            const dkim::Verdict verdict = verify(message, data, {}, piece);
            REQUIRE(verdict.signatures.size() == 2);
            for (const dkim::Result& result : verdict.signatures) {
                INFO(result.domain << ": " << result.reason);
                CHECK(result.code == dkim::Code::pass);
            }
        }
    }
}
