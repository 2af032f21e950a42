// The collected cases of RFC 7208 (shared/conformance/spf). Exceptions would stand in kExceptions with the sentence of the
// RFC that decides; there are none.
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <sstream>

#include "lib/dns/zone_data.h"
#include "lib/spf/spf.h"
#include "test/support/catch.h"
#include "test/support/shared_data.h"
#include "test/support/wait_for.h"

namespace {

bool is_allowed(const YAML::Node& wanted, std::string_view result) {
    if (wanted.IsScalar())
        return wanted.Scalar() == result;
    for (const YAML::Node& one : wanted)
        if (one.Scalar() == result)
            return true;
    return false;
}

spf::Verdict evaluate(dns::ZoneData& zone, const YAML::Node& test) {
    spf::Query query;
    query.client = dict::parse_ip(test["host"].as<std::string>()).value();
    query.helo = test["helo"] ? test["helo"].as<std::string>() : "";
    query.sender = test["mailfrom"] ? test["mailfrom"].as<std::string>() : "";
    query.receiver = "receiver.test";
    query.now = 1700000000;
    event::Loop loop;
    spf::Limits limits;
    return test::wait_for(loop, spf::check(zone, query, spf::Identity::mail_from, limits));
}

}  // namespace

TEST_CASE("the collected cases of RFC 7208", "[spf][conformance][rfc7208]") {
    auto path = test::find_conformance("spf/rfc7208-tests.yml");
    if (path.empty()) {
        WARN("skipped: no shared/conformance/spf");
        return;
    }
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    auto zones = dns::ZoneData::parse_documents(text.str(), path);
    REQUIRE(zones);
    std::vector<YAML::Node> documents = YAML::LoadAll(text.str());
    REQUIRE(zones->size() == documents.size());
    int cases = 0;
    for (std::size_t i = 0; i < documents.size(); ++i) {
        for (const auto& item : documents[i]["tests"]) {
            ++cases;
            const YAML::Node& test = item.second;
            spf::Verdict verdict = evaluate((*zones)[i], test);
            INFO(documents[i]["description"].as<std::string>()
                 << ": " << item.first.as<std::string>() << " (" << verdict.reason << ")");
            INFO("result " << spf::result_name(verdict.result));
            CHECK(is_allowed(test["result"], spf::result_name(verdict.result)));
            if (test["explanation"]) {
                std::string wanted = test["explanation"].as<std::string>();
                CHECK(verdict.explanation == (wanted == "DEFAULT" ? "" : wanted));
            }
        }
    }
    CHECK(cases >= 102);
}
