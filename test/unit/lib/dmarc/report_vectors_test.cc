// Reports of others: N.xml or N.eml is the report, N.json what a reader should find in it.
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <map>
#include <sstream>

#include "lib/dmarc/report_mail.h"
#include "lib/text/text.h"
#include "test/support/catch.h"
#include "test/support/shared_data.h"

using namespace dmarc;

namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// The expected files have words in the spelling of the program that wrote them; in the reports they are these. A word that
// its list does not have stands there as "Other" (sampled_out, which RFC 9990 dropped) or "Unspecified" (none).
std::string word(const YAML::Node& node) {
    if (!node || node.IsNull())
        return "";
    static const std::map<std::string, std::string> kWords = {
        {"Unspecified", ""}, {"Relaxed", "r"}, {"Strict", "s"}, {"AuthFailure", "auth-failure"}, {"BodyHash", "bodyhash"}};
    const auto text = node.as<std::string>();
    const auto found = kWords.find(text);
    return found == kWords.end() ? text::lower(text) : found->second;
}

std::string plain(const YAML::Node& node) { return !node || node.IsNull() ? "" : node.as<std::string>(); }

// false is also what stands there for a report without the element.
bool same_testing(const YAML::Node& node, const std::string& found) {
    return node.as<bool>() ? text::equal_ignoring_case(found, "y") : found.empty() || text::equal_ignoring_case(found, "n");
}

void check_extensions(const YAML::Node& wanted, const std::vector<ReportExtension>& found) {
    REQUIRE(found.size() == wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i].name == plain(wanted[i]["name"]));
        CHECK(found[i].definition == plain(wanted[i]["definition"]));
    }
}

void check_row(const YAML::Node& wanted, const ReportRow& row) {
    const YAML::Node evaluated = wanted["row"]["policy_evaluated"];
    CHECK(row.source_ip == plain(wanted["row"]["source_ip"]));
    CHECK(row.count == wanted["row"]["count"].as<std::uint64_t>());
    CHECK(row.disposition == word(evaluated["disposition"]));
    CHECK(row.dkim == word(evaluated["dkim"]));
    CHECK(row.spf == word(evaluated["spf"]));
    REQUIRE(row.reasons.size() == evaluated["reason"].size());
    for (std::size_t i = 0; i < row.reasons.size(); ++i) {
        const std::string type = word(evaluated["reason"][i]["type_"]);
        CHECK((row.reasons[i].type == type || (type == "other" && row.reasons[i].type == "sampled_out")));
        CHECK(row.reasons[i].comment == plain(evaluated["reason"][i]["comment"]));
    }
    CHECK(row.envelope_to == plain(wanted["identifiers"]["envelope_to"]));
    CHECK(row.envelope_from == plain(wanted["identifiers"]["envelope_from"]));
    CHECK(row.header_from == plain(wanted["identifiers"]["header_from"]));
    const YAML::Node dkim = wanted["auth_results"]["dkim"], spf = wanted["auth_results"]["spf"];
    REQUIRE(row.dkim_results.size() == dkim.size());
    for (std::size_t i = 0; i < dkim.size(); ++i) {
        CHECK(row.dkim_results[i].domain == plain(dkim[i]["domain"]));
        CHECK(row.dkim_results[i].selector == plain(dkim[i]["selector"]));
        CHECK(row.dkim_results[i].result == word(dkim[i]["result"]));
        CHECK(row.dkim_results[i].human_result == plain(dkim[i]["human_result"]));
    }
    REQUIRE(row.spf_results.size() == spf.size());
    for (std::size_t i = 0; i < spf.size(); ++i) {
        CHECK(row.spf_results[i].domain == plain(spf[i]["domain"]));
        CHECK(row.spf_results[i].scope == word(spf[i]["scope"]));
        CHECK(row.spf_results[i].result == word(spf[i]["result"]));
        CHECK(row.spf_results[i].human_result == plain(spf[i]["human_result"]));
    }
    check_extensions(wanted["extensions"], row.extensions);
}

void check_report(const YAML::Node& wanted, const Report& report) {
    const YAML::Node metadata = wanted["report_metadata"], policy = wanted["policy_published"];
    CHECK(std::stod(report.version.empty() ? "0" : report.version) == wanted["version"].as<double>());
    CHECK(report.org_name == plain(metadata["org_name"]));
    CHECK(report.email == plain(metadata["email"]));
    CHECK(report.extra_contact_info == plain(metadata["extra_contact_info"]));
    CHECK(report.report_id == plain(metadata["report_id"]));
    CHECK(report.begin == metadata["date_range"]["begin"].as<std::uint64_t>());
    CHECK(report.end == metadata["date_range"]["end"].as<std::uint64_t>());
    CHECK(report.errors.size() == metadata["error"].size());
    CHECK(report.generator == plain(metadata["generator"]));
    CHECK(report.domain == plain(policy["domain"]));
    CHECK(report.version_published == plain(policy["version_published"]));
    CHECK(report.adkim == word(policy["adkim"]));
    CHECK(report.aspf == word(policy["aspf"]));
    CHECK(report.p == word(policy["p"]));
    CHECK(report.sp == word(policy["sp"]));
    CHECK(report.np == word(policy["np"]));
    CHECK(report.discovery_method == word(policy["discovery_method"]));
    CHECK(report.fo == plain(policy["fo"]));
    CHECK(same_testing(policy["testing"], report.testing));
    REQUIRE(report.rows.size() == wanted["record"].size());
    for (std::size_t i = 0; i < report.rows.size(); ++i)
        check_row(wanted["record"][i], report.rows[i]);
    check_extensions(wanted["extensions"], report.extensions);
}

void check_list(const YAML::Node& wanted, const std::vector<std::string>& found) {
    REQUIRE(found.size() == wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(found[i] == plain(wanted[i]));
}

void check_feedback(const YAML::Node& wanted, const Feedback& found) {
    CHECK(found.type == word(wanted["feedback_type"]));
    CHECK(found.arrival_date == (wanted["arrival_date"].IsNull() ? 0 : wanted["arrival_date"].as<std::int64_t>()));
    check_list(wanted["authentication_results"], found.authentication_results);
    CHECK(found.incidents == wanted["incidents"].as<std::uint64_t>());
    CHECK(found.original_envelope_id == plain(wanted["original_envelope_id"]));
    CHECK(found.original_mail_from == plain(wanted["original_mail_from"]));
    CHECK(found.original_rcpt_to == plain(wanted["original_rcpt_to"]));
    check_list(wanted["reported_domain"], found.reported_domains);
    check_list(wanted["reported_uri"], found.reported_uris);
    CHECK(found.reporting_mta == plain(wanted["reporting_mta"]));
    CHECK(found.source_ip == plain(wanted["source_ip"]));
    CHECK(found.user_agent == plain(wanted["user_agent"]));
    CHECK(found.version == wanted["version"].as<std::uint64_t>());
    CHECK(found.source_port == wanted["source_port"].as<std::uint64_t>());
    CHECK(found.auth_failure == word(wanted["auth_failure"]));
    CHECK(found.delivery_result == word(wanted["delivery_result"]));
    CHECK(found.identity_alignment == word(wanted["identity_alignment"]));
    CHECK(found.dkim_adsp_dns == plain(wanted["dkim_adsp_dns"]));
    CHECK(found.dkim_canonicalized_body == plain(wanted["dkim_canonicalized_body"]));
    CHECK(found.dkim_canonicalized_header == plain(wanted["dkim_canonicalized_header"]));
    CHECK(found.dkim_domain == plain(wanted["dkim_domain"]));
    CHECK(found.dkim_identity == plain(wanted["dkim_identity"]));
    CHECK(found.dkim_selector == plain(wanted["dkim_selector"]));
    CHECK(found.dkim_selector_dns == plain(wanted["dkim_selector_dns"]));
    CHECK(found.spf_dns == plain(wanted["spf_dns"]));
    CHECK(found.headers == plain(wanted["headers"]));
    // The expected files leave the reported message out; whoever reads ours gets it.
    if (wanted["message"].IsNull())
        CHECK((found.message.empty() || found.message.find("Subject: Earn money") != std::string::npos));
    else
        CHECK(found.message == plain(wanted["message"]));
}

template <class Kind>
std::size_t for_each_report(const char* folder, void (*check)(const YAML::Node&, const Kind&)) {
    const fs::path path = test::find_conformance(folder);
    if (path.empty())
        return 0;
    std::size_t count = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
        if (entry.path().extension() == ".json")
            continue;
        INFO(entry.path().filename().string());
        const auto found = find_report(slurp(entry.path()));
        REQUIRE(found);
        REQUIRE(std::holds_alternative<Kind>(*found));
        check(YAML::LoadFile(fs::path(entry.path()).replace_extension(".json").string()), std::get<Kind>(*found));
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("aggregate reports of others", "[dmarc][rfc7489:C]") {
    if (test::find_conformance("reports/dmarc-feedback").empty()) {
        WARN("skipped: shared/conformance/reports is not there");
        return;
    }
    CHECK(for_each_report<Report>("reports/dmarc-feedback", check_report) == 4);
}

TEST_CASE("feedback reports of others", "[dmarc][rfc5965][rfc6591]") {
    if (test::find_conformance("reports/arf").empty()) {
        WARN("skipped: shared/conformance/reports is not there");
        return;
    }
    CHECK(for_each_report<Feedback>("reports/arf", check_feedback) == 3);
}

namespace {

std::size_t size_of(const YAML::Node& list) { return list ? list.size() : 0; }

std::uint64_t number(const YAML::Node& node) { return node ? node.as<std::uint64_t>() : 0; }

// yaml-cpp reads the same JSON, so it can be asked what is in it.
void check_tls_report(const YAML::Node& wanted, const TlsReport& found) {
    CHECK(found.organization == plain(wanted["organization-name"]));
    CHECK(found.contact == plain(wanted["contact-info"]));
    CHECK(found.report_id == plain(wanted["report-id"]));
    CHECK(found.begin == plain(wanted["date-range"]["start-datetime"]));
    CHECK(found.end == plain(wanted["date-range"]["end-datetime"]));
    REQUIRE(found.policies.size() == wanted["policies"].size());
    for (std::size_t i = 0; i < found.policies.size(); ++i) {
        const YAML::Node one = wanted["policies"][i], details = one["failure-details"];
        const TlsPolicy& policy = found.policies[i];
        CHECK(policy.type == plain(one["policy"]["policy-type"]));
        CHECK(policy.domain == plain(one["policy"]["policy-domain"]));
        REQUIRE(policy.strings.size() == size_of(one["policy"]["policy-string"]));
        for (std::size_t j = 0; j < policy.strings.size(); ++j)
            CHECK(policy.strings[j] == plain(one["policy"]["policy-string"][j]));
        CHECK(policy.successful == number(one["summary"]["total-successful-session-count"]));
        CHECK(policy.failed == number(one["summary"]["total-failure-session-count"]));
        REQUIRE(policy.failures.size() == size_of(details));
        for (std::size_t j = 0; j < policy.failures.size(); ++j) {
            CHECK(policy.failures[j].result_type == plain(details[j]["result-type"]));
            CHECK(policy.failures[j].sending_ip == plain(details[j]["sending-mta-ip"]));
            CHECK(policy.failures[j].receiving_ip == plain(details[j]["receiving-ip"]));
            CHECK(policy.failures[j].receiving_mx == plain(details[j]["receiving-mx-hostname"]));
            CHECK(policy.failures[j].sessions == details[j]["failed-session-count"].as<std::uint64_t>());
        }
    }
}

}  // namespace

TEST_CASE("TLS reports of others", "[dmarc][rfc8460:4]") {
    const fs::path folder = test::find_conformance("reports/tlsrpt");
    if (folder.empty()) {
        WARN("skipped: shared/conformance/reports is not there");
        return;
    }
    for (const char* name : {"rpt02.eml", "rpt02.json", "rpt03.json"}) {
        INFO(name);
        const auto found = find_report(slurp(folder / name));
        INFO((found ? "" : found.error()));
        REQUIRE(found);
        REQUIRE(std::holds_alternative<TlsReport>(*found));
        check_tls_report(
            YAML::LoadFile(fs::path(folder / name).replace_extension(".json").string()), std::get<TlsReport>(*found));
    }
}
