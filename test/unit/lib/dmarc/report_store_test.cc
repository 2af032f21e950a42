#include "lib/dmarc/report_store.h"

#include "lib/dmarc/consent.h"
#include "lib/dmarc/observation.h"
#include "lib/dns/zone_data.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

using namespace dmarc;
using ipc::records::DmarcObservation;

namespace {

constexpr std::int64_t kDay = 86'400;

DmarcObservation seen(std::int64_t day, const std::string& domain, const std::string& client) {
    DmarcObservation one;
    one.time = day * kDay + 5;
    one.policy.domain = domain;
    one.policy.p = "reject";
    one.policy.report_to.push_back({"r@" + domain, 0});
    one.row.source_ip = client;
    one.row.disposition = "none";
    one.row.header_from = domain;
    one.row.dkim_results.push_back({domain, "s", "pass"});
    return one;
}

event::Task<void> run(
    dns::Resolver& dns, std::string domain, std::vector<ReportUri> wanted, std::size_t limit, ReportTargets& out) {
    static const PublicSuffixes suffixes;
    out = co_await find_report_targets(dns, suffixes, std::move(domain), std::move(wanted), limit);
}

ReportTargets targets(dns::Resolver& dns, const std::string& domain, const std::string& list, std::size_t limit = 5) {
    event::Loop loop;
    ReportTargets out;
    loop.spawn(run(dns, domain, parse_report_uris(list), limit, out));
    loop.run_until_idle();
    return out;
}

std::string addresses(const ReportTargets& found) {
    std::string text;
    for (const ReportUri& uri : found.uris)
        text += (text.empty() ? "" : " ") + uri.address;
    return text;
}

}  // namespace

TEST_CASE("results are counted and kept apart by day and domain", "[dmarc]") {
    const test::TemporaryFolder folder;
    const std::string path = folder.path("dmarc");
    {
        auto store = ReportStore::open(path);
        REQUIRE(store);
        REQUIRE((*store)->add({seen(100, "one.test", "192.0.2.1"), seen(100, "one.test", "192.0.2.1"),
            seen(100, "one.test", "192.0.2.2"), seen(100, "on.test", "192.0.2.1"), seen(101, "one.test", "192.0.2.1")}));
        REQUIRE((*store)->add({seen(100, "one.test", "192.0.2.1")}));
        // Nonsense does not get in.
        DmarcObservation bad = seen(100, "bad..name", "192.0.2.1");
        DmarcObservation worse = seen(100, "bad.test", "not an address");
        REQUIRE((*store)->add({bad, worse}));
    }
    auto store = ReportStore::open(path);  // it is still there
    REQUIRE(store);
    CHECK((*store)->due_before(100)->empty());
    const auto due = (*store)->due_before(101);
    REQUIRE(due);
    REQUIRE(due->size() == 2);
    CHECK((*due)[0].domain == "on.test");
    CHECK((*due)[1].domain == "one.test");
    const auto report = (*store)->read((*due)[1]);
    REQUIRE(report);
    CHECK(report->policy.p == "reject");
    CHECK(report->policy.report_to.at(0).address == "r@one.test");
    REQUIRE(report->rows.size() == 2);
    std::uint64_t first = 0, second = 0;
    for (const CountedRow& row : report->rows)
        (row.row.source_ip == "192.0.2.1" ? first : second) = row.count;
    CHECK(first == 3);
    CHECK(second == 1);
    REQUIRE((*store)->remove((*due)[1]));
    REQUIRE((*store)->due_before(101)->size() == 1);
    CHECK_FALSE((*store)->read((*due)[1]));
    const auto later = (*store)->due_before(200);
    REQUIRE(later->size() == 2);
    CHECK((*store)->read((*later)[1])->rows.size() == 1);
}

TEST_CASE("I13: reports go elsewhere only with consent", "[dmarc][rfc7489:7.1]") {
    dns::ZoneData dns;
    dns.add_txt("example.com._report._dmarc.agrees.test", "v=DMARC1;");
    dns.add_txt("example.com._report._dmarc.moved.test", "v=DMARC1; rua=mailto:new@moved.test");
    dns.add_txt("example.com._report._dmarc.evil.test", "v=DMARC1; rua=mailto:v@victim.test");
    dns.add_txt("*._report._dmarc.everybody.test", "v=DMARC1");
    dns.add_txt("example.com._report._dmarc.other.test", "v=spf1 -all");
    dns.set_trouble("example.com._report._dmarc.broken.test", dns::Status::temporary_failure);
    CHECK(addresses(targets(dns, "example.com", "mailto:a@example.com,mailto:b@reports.example.com")) ==
          "a@example.com b@reports.example.com");
    CHECK(addresses(targets(dns, "mail.example.com", "mailto:a@example.com")) == "a@example.com");
    const ReportTargets victim = targets(dns, "example.com", "mailto:v@victim.test!10t");
    CHECK(victim.uris.empty());
    CHECK(victim.refused.at(0) == "v@victim.test: example.com._report._dmarc.victim.test does not agree");
    CHECK_FALSE(victim.undecided);
    CHECK(addresses(targets(dns, "example.com", "mailto:a@agrees.test,mailto:b@other.test,mailto:c@everybody.test")) ==
          "a@agrees.test c@everybody.test");
    CHECK(addresses(targets(dns, "example.com", "mailto:a@moved.test")) == "new@moved.test");
    CHECK(addresses(targets(dns, "example.com", "mailto:a@evil.test")) == "a@evil.test");
    CHECK(targets(dns, "example.com", "mailto:a@broken.test").undecided);
    const ReportTargets many = targets(
        dns, "example.com", "mailto:a@example.com,mailto:b@example.com,mailto:c@example.com", 2);
    CHECK(many.uris.size() == 2);
    CHECK(many.refused.size() == 1);
    CHECK(addresses(targets(dns, "bank.co.uk", "mailto:a@evil.co.uk")).empty());
}

TEST_CASE("a verdict as an observation", "[dmarc]") {
    Verdict verdict;
    CHECK_FALSE(make_observation(verdict, {}, Method::public_suffix_list, 1));
    verdict.code = Code::fail;
    verdict.policy_domain = "example.com";
    verdict.author_domain = "news.example.com";
    verdict.disposition = Policy::quarantine;
    verdict.overrides.push_back({"sampled_out", "pct=10"});
    CHECK_FALSE(make_observation(verdict, {}, Method::public_suffix_list, 1));
    verdict.record = *parse_record("v=DMARC1; p=reject; pct=10; adkim=s; rua=mailto:a@example.com!5k");
    ObservedEnvelope envelope;
    envelope.client = "192.0.2.1";
    envelope.spf_result = "softfail";
    envelope.spf_of_helo = true;
    const std::vector<dkim::Result> dkim(50, [] {
        dkim::Result result;
        result.domain = "example.com";
        return result;
    }());
    envelope.dkim = &dkim;
    const auto one = make_observation(verdict, envelope, Method::public_suffix_list, 1'700'000'000);
    REQUIRE(one);
    CHECK(one->policy.adkim == "s");
    CHECK(one->policy.report_to.at(0).max_octets == 5120);
    CHECK(one->row.disposition == "quarantine");
    CHECK(one->row.reasons.at(0).type == "sampled_out");
    CHECK(one->row.spf_scope == "helo");
    CHECK(one->row.dkim_results.size() == 10);
    verdict.code = Code::temperror;
    CHECK_FALSE(make_observation(verdict, envelope, Method::public_suffix_list, 1));
}
