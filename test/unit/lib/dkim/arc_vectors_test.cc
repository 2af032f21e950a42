// The ARC test suite of the community, 88 chains to validate and 9 messages to seal, and where we differ from it.
#include <yaml-cpp/yaml.h>

#include "lib/authres/authres.h"
#include "lib/dkim/arc_seal.h"
#include "lib/dkim/tag_list.h"
#include "test/support/catch.h"
#include "test/support/shared_data.h"
#include "test/unit/lib/dkim/support.h"

using namespace dkim_test;

namespace {

// The suite was made for a draft; RFC 8617 decides where they differ.
struct Exception {
    const char* test;
    const char* ours;
    const char* sentence;
};
const Exception kExceptions[] = {
    // The suite gives these no result at all.
    {"cv_fail_i1_as_cv_fail", "Fail",
        "RFC 8617, 5.2, step 2: If the Chain Validation Status of the highest instance value ARC Set is \"fail\", then the "
        "Chain "
        "Validation Status is \"fail\", and the algorithm stops here."},
    {"cv_fail_i2_as1_fail", "Fail",
        "RFC 8617, 5.2, step 3: The \"cv\" value for all ARC-Seal header fields MUST NOT be \"fail\"."},
    // The suite wants Pass for a message signature that signs no field.
    {"ams_fields_h_empty", "Fail",
        "RFC 6376, 3.5: sig-h-tag = %x68 [FWS] \"=\" [FWS] hdr-name *( [FWS] \":\" [FWS] hdr-name )"},
};

const Exception* find_exception(const std::string& test) {
    for (const Exception& exception : kExceptions)
        if (test == exception.test)
            return &exception;
    return nullptr;
}

dns::ZoneData records_of(const YAML::Node& document) {
    dns::ZoneData data;
    for (const auto& record : document["txt-records"])
        data.add_txt(record.first.as<std::string>(), record.second.IsNull() ? "" : record.second.as<std::string>());
    return data;
}

std::string capitalised(dkim::Code code) {
    std::string name(dkim::code_name(code));
    name[0] = text::to_upper(name[0]);
    return name;
}

// A value as relaxed canonicalization has it, b= without blanks: what a signature means, however it is folded.
std::string meaning(std::string_view value) {
    const auto tags = dkim::TagList::parse(value);
    if (!tags)
        return "no tags: " + std::string(value);
    std::map<std::string, std::string> sorted;
    for (const dkim::Tag& tag : tags->tags())
        sorted[std::string(tag.name)] = dkim::without_blanks(tag.value);
    std::string out;
    for (const auto& [name, text] : sorted)
        out += name + "=" + text + ";";
    return out;
}

std::string squeezed(std::string_view value) {
    std::string out;
    for (std::string_view word : text::split(value, " \t\r\n"))
        out += (out.empty() ? "" : " ") + std::string(word);
    return out;
}

}  // namespace

TEST_CASE("the ARC suite's chains", "[dkim][arc][rfc8617:5.2]") {
    const auto path = test::find_conformance("arc/arc-validation.yml");
    if (path.empty()) {
        WARN("skipped: shared/conformance/arc is not there");
        return;
    }
    // A few names stand twice in the file; both cases count here.
    std::size_t cases = 0;
    std::set<std::string> names;
    for (const YAML::Node& document : YAML::LoadAllFromFile(path.string())) {
        dns::ZoneData data = records_of(document);
        for (const auto& test : document["tests"]) {
            const auto name = test.first.as<std::string>();
            names.insert(name);
            ++cases;
            // Small pieces, so that every border falls somewhere.
            const std::string message = with_crlf(test.second["message"].as<std::string>());
            const dkim::Verdict verdict = verify(message, data, {}, 7);
            std::string wanted = test.second["cv"].IsNull() ? "None" : test.second["cv"].as<std::string>();
            if (wanted.empty())
                wanted = "None";
            const Exception* exception = find_exception(name);
            INFO((exception != nullptr ? exception->sentence : ""));
            INFO(name << ": " << test.second["description"].as<std::string>() << ": " << verdict.arc.reason);
            CHECK(capitalised(verdict.arc.code) == (exception != nullptr ? exception->ours : wanted));
        }
    }
    CHECK(names.size() == 88);
    CHECK(cases == 92);
}

TEST_CASE("the ARC suite's seals", "[dkim][arc][rfc8617:5.1]") {
    const auto path = test::find_conformance("arc/arc-sign.yml");
    if (path.empty()) {
        WARN("skipped: shared/conformance/arc is not there");
        return;
    }
    std::size_t cases = 0;
    for (const YAML::Node& document : YAML::LoadAllFromFile(path.string())) {
        dns::ZoneData data = records_of(document);
        const auto key = dkim::PrivateKey::parse(document["privatekey"].as<std::string>());
        REQUIRE(key);
        for (const auto& test : document["tests"]) {
            ++cases;
            INFO(test.first.as<std::string>());
            const std::string message = with_crlf(test.second["message"].as<std::string>());
            dkim::ArcSealOptions options;
            options.now = test.second["t"].as<std::int64_t>();
            const auto names = test.second["sig-headers"].as<std::string>();
            for (std::string_view name : text::split(names, ":"))
                options.names.emplace_back(name);
            const auto server = test.second["srv-id"].as<std::string>();
            dkim::ArcSealMaker maker(
                {document["domain"].as<std::string>(), document["sel"].as<std::string>(), key->type(), ""}, options);
            maker.feed(message);
            const dkim::Verdict verdict = verify(message, data);
            const dkim::HeaderFields fields(std::string_view(message).substr(0, message.find("\r\n\r\n") + 2));
            const auto hash = maker.begin(verdict.arc, server, dkim::collect_results(fields, server));
            REQUIRE(hash);
            const std::string wanted_seal(text::trim(test.second["AS"].as<std::string>()));
            if (wanted_seal.empty()) {
                CHECK_FALSE(hash->has_value());
                continue;
            }
            REQUIRE(hash->has_value());
            const std::string seal_hash = maker.seal(key->sign(**hash).value());
            const std::string set = maker.finish(key->sign(seal_hash).value());
            const dkim::HeaderFields made(set);
            REQUIRE(made.all().size() == 3);
            CHECK(meaning(made.all()[0].body) == meaning(wanted_seal));
            CHECK(meaning(made.all()[1].body) == meaning(test.second["AMS"].as<std::string>()));
            CHECK(squeezed(made.all()[2].body) == squeezed(test.second["AAR"].as<std::string>()));
            CHECK(verify(set + message, data).arc.code == dkim::Code::pass);
            for (std::size_t at = 0; at < set.size(); at = set.find("\r\n", at) + 2)
                CHECK(set.find("\r\n", at) - at <= 998);
        }
    }
    CHECK(cases == 9);
}
