#include "lib/dmarc/evaluate.h"

#include "lib/dmarc/author.h"
#include "lib/dns/zone_data.h"
#include "lib/event/loop.h"
#include "test/support/catch.h"

using namespace dmarc;

namespace {

event::Task<void> run(
    dns::Resolver& dns, const PublicSuffixes& suffixes, const Input& input, const Options& options, Verdict& verdict) {
    verdict = co_await evaluate(dns, suffixes, input, options);
}

Verdict judge(dns::Resolver& dns, const Input& input, const Options& options = {}) {
    static const PublicSuffixes suffixes;
    event::Loop loop;
    Verdict verdict;
    loop.spawn(run(dns, suffixes, input, options, verdict));
    loop.run_until_idle();
    return verdict;
}

dkim::Result dkim_result(dkim::Code code, const std::string& domain) {
    dkim::Result result;
    result.code = code;
    result.domain = domain;
    return result;
}

Input from(std::string_view body) {
    Input input;
    input.from.push_back(body);
    return input;
}

constexpr Method kMethods[] = {Method::public_suffix_list, Method::tree_walk};

}  // namespace

TEST_CASE("D12, I11: whose domain a From field has", "[dmarc][rfc7489:6.6.1]") {
    struct Case {
        const char* body;
        const char* domains;
        bool unusable;
    };
    const Case cases[] = {
        {" alice@example.test", "example.test", false},
        {" Alice <alice@Example.TEST>", "example.test", false},
        {" a@b.example <c@d.example>", "d.example", false},
        {" \"x@bank.example\" <y@evil.example>", "evil.example", false},
        {" <@bank.example:y@evil.example>", "evil.example", false},
        {" (x@bank.example) y@evil.example", "evil.example", false},
        {" =?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?==?utf-8?Q?=00?==?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?=@mailsploit.com",
            "mailsploit.com", false},
        {" a@one.example, b@two.example", "one.example two.example", false},
        {" a@one.example, b@ONE.example", "one.example", false},
        {" group: a@one.example, b@two.example;", "one.example two.example", false},
        {" undisclosed:;", "", true},
        {" a@example.test.", "example.test", false},
        {" a@bücher.example", "xn--bcher-kva.example", false},
        {" a@[192.0.2.1]", "", true},
        {" nobody", "", true},
        {" ", "", true},
        {" \"a@b\" c", "", true},
        {"\r\n\talice\r\n\t@example.test", "example.test", false},
        {" a@\"evil.example\"", "", true},
    };
    for (const Case& c : cases) {
        INFO(c.body);
        const Authors authors = find_authors({c.body});
        std::string found;
        for (const std::string& domain : authors.domains)
            found += (found.empty() ? "" : " ") + domain;
        CHECK(found == c.domains);
        CHECK(authors.unusable == c.unusable);
        CHECK(authors.any_field);
    }
    CHECK(find_authors({" a@one.example", " b@two.example"}).domains.size() == 2);
    CHECK_FALSE(find_authors({" <ceo@bank.example>: <x@evil.example>"}).ambiguity.empty());
    CHECK_FALSE(find_authors({" \"A\" <a@x.example> <e@y.example>"}).ambiguity.empty());
    CHECK_FALSE(find_authors({}).any_field);
}

TEST_CASE("alignment", "[dmarc][rfc7489:3.1]") {
    struct Case {
        const char* name;
        const char* record;  // at _dmarc.example.test
        const char* author;
        const char* spf;  // the domain that passed, or ""
        const char* dkim;
        Code code;
    };
    const Case cases[] = {
        {"nothing passes", "p=reject", "a@example.test", "", "", Code::fail},
        {"SPF for the same domain", "p=reject", "a@example.test", "example.test", "", Code::pass},
        {"DKIM for the same domain", "p=reject", "a@example.test", "", "example.test", Code::pass},
        {"DKIM in capitals", "p=reject", "a@example.test", "", "EXAMPLE.test", Code::pass},
        {"both for others", "p=reject", "a@example.test", "other.test", "third.test", Code::fail},
        {"below", "p=reject", "a@example.test", "bounces.example.test", "", Code::pass},
        {"below, strict", "p=reject; aspf=s", "a@example.test", "bounces.example.test", "", Code::fail},
        {"DKIM below, strict for SPF only", "p=reject; aspf=s", "a@example.test", "", "x.example.test", Code::pass},
        {"DKIM below, strict", "p=reject; adkim=s", "a@example.test", "", "x.example.test", Code::fail},
        {"author below", "p=reject", "a@news.example.test", "", "example.test", Code::pass},
        {"cousins", "p=reject", "a@news.example.test", "", "mail.example.test", Code::pass},
        {"ends alike", "p=reject", "a@example.test", "", "notexample.test", Code::fail},
        {"public suffix", "p=reject", "a@example.test", "test", "test", Code::fail},
    };
    for (Method method : kMethods) {
        for (const Case& c : cases) {
            DYNAMIC_SECTION(c.name << (method == Method::tree_walk ? ", walking" : "")) {
                dns::ZoneData dns;
                dns.add_txt("_dmarc.example.test", std::string("v=DMARC1; ") + c.record);
                Input input = from(c.author);
                input.spf_domain = c.spf;
                input.spf_passed = !input.spf_domain.empty();
                const std::vector<dkim::Result> dkim = {
                    dkim_result(dkim::Code::fail, "example.test"), dkim_result(dkim::Code::pass, c.dkim)};
                input.dkim = &dkim;
                Options options;
                options.method = method;
                const Verdict verdict = judge(dns, input, options);
                INFO(verdict.reason);
                CHECK(verdict.code == c.code);
                CHECK(verdict.disposition == (c.code == Code::fail ? Policy::reject : Policy::none));
            }
        }
    }
}

TEST_CASE("which policy holds", "[dmarc][rfc7489:6.6.3][rfc9091]") {
    struct Case {
        const char* name;
        const char* record;
        const char* author;
        Policy policy;
        const char* tag;
    };
    const Case cases[] = {
        {"p", "p=quarantine; sp=reject", "example.test", Policy::quarantine, "p"},
        {"sp", "p=quarantine; sp=reject", "a.example.test", Policy::reject, "sp"},
        {"p for subdomains", "p=quarantine", "a.b.example.test", Policy::quarantine, "p"},
        {"np for what is not there", "p=none; sp=none; np=reject", "missing.example.test", Policy::reject, "np"},
        {"np not for what is there", "p=none; sp=none; np=reject", "there.example.test", Policy::none, "sp"},
        {"own record below", "p=reject", "own.example.test", Policy::none, "p"},
    };
    for (Method method : kMethods) {
        for (const Case& c : cases) {
            DYNAMIC_SECTION(c.name << (method == Method::tree_walk ? ", walking" : "")) {
                dns::ZoneData dns;
                dns.add_txt("_dmarc.example.test", std::string("v=DMARC1; ") + c.record);
                dns.add_txt("_dmarc.own.example.test", "v=DMARC1; p=none");
                REQUIRE(dns.add("there.example.test", dns::Type::a, "192.0.2.1"));
                Options options;
                options.method = method;
                const std::string body = std::string("x@") + c.author;
                const Verdict verdict = judge(dns, from(body), options);
                CHECK(verdict.code == Code::fail);
                CHECK(verdict.published == c.policy);
                CHECK(verdict.disposition == c.policy);
                CHECK(verdict.tag == c.tag);
            }
        }
    }
}

TEST_CASE("the walk up the tree", "[dmarc][rfc9989:4.10]") {
    Options options;
    options.method = Method::tree_walk;
    const std::vector<dkim::Result> dkim = {dkim_result(dkim::Code::pass, "mail.example.co.example")};
    SECTION("psd=y: the organisation is one label below") {
        dns::ZoneData dns;
        dns.add_txt("_dmarc.co.example", "v=DMARC1; p=reject; psd=y");
        Input input = from("a@shop.example.co.example");
        input.dkim = &dkim;
        CHECK(judge(dns, input, options).code == Code::pass);
        Input other = from("a@evil.co.example");
        other.dkim = &dkim;
        const Verdict verdict = judge(dns, other, options);
        CHECK(verdict.code == Code::fail);
        CHECK(verdict.policy_domain == "co.example");
        Input suffix = from("a@co.example");
        suffix.dkim = &dkim;
        CHECK(judge(dns, suffix, options).code == Code::fail);
    }
    SECTION("psd=n: the organisation ends here") {
        dns::ZoneData dns;
        dns.add_txt("_dmarc.example.co.example", "v=DMARC1; p=reject");
        dns.add_txt("_dmarc.mail.example.co.example", "v=DMARC1; p=none; psd=n");
        Input input = from("a@example.co.example");
        input.dkim = &dkim;
        CHECK(judge(dns, input, options).code == Code::fail);
    }
    SECTION("long names: eight questions and no more") {
        dns::ZoneData dns;
        std::string name = "example.test";
        for (int i = 0; i < 20; ++i)
            name = "l" + std::to_string(i) + "." + name;
        dns.add_txt("_dmarc.example.test", "v=DMARC1; p=reject");
        const std::string body = "a@" + name;
        const Verdict verdict = judge(dns, from(body), options);
        CHECK(verdict.policy_domain == "example.test");
        CHECK(dns.questions() == 8);
    }
    SECTION("t=y asks for one step less") {
        dns::ZoneData dns;
        dns.add_txt("_dmarc.example.test", "v=DMARC1; p=reject; t=y; pct=0");
        const Verdict verdict = judge(dns, from("a@example.test"), options);
        CHECK(verdict.published == Policy::reject);
        CHECK(verdict.disposition == Policy::quarantine);
        REQUIRE(verdict.overrides.size() == 1);
        CHECK(verdict.overrides[0].type == "policy_test_mode");
    }
}

TEST_CASE("pct, ARC and exceptions soften a policy", "[dmarc][rfc7489:6.6.4]") {
    dns::ZoneData dns;
    dns.add_txt("_dmarc.example.test", "v=DMARC1; p=reject; pct=30");
    Input input = from("a@example.test");
    input.dice = 29;
    CHECK(judge(dns, input).disposition == Policy::reject);
    input.dice = 30;
    const Verdict sampled = judge(dns, input);
    CHECK(sampled.disposition == Policy::quarantine);
    CHECK(sampled.overrides.at(0).type == "sampled_out");
    input.dice = 0;

    dkim::ArcVerdict arc;
    arc.code = dkim::Code::pass;
    arc.sealers = {{1, "list.test", "s", "list.test; dmarc=pass header.from=example.test"},
        {2, "relay.test", "s", "relay.test; dmarc=fail header.from=example.test"}};
    input.arc = &arc;
    Options options;
    CHECK(judge(dns, input, options).disposition == Policy::reject);
    options.trusted_sealers = {"list.test"};
    CHECK(judge(dns, input, options).disposition == Policy::reject);  // relay.test handed it on
    options.trusted_sealers = {"RELAY.test", "list.test"};
    const Verdict forwarded = judge(dns, input, options);
    CHECK(forwarded.code == Code::fail);
    CHECK(forwarded.disposition == Policy::none);
    CHECK(forwarded.overrides.at(0).type == "trusted_forwarder");
    arc.code = dkim::Code::fail;
    CHECK(judge(dns, input, options).disposition == Policy::reject);

    input.exempt = "dmarc_exceptions";
    const Verdict exempt = judge(dns, input, options);
    CHECK(exempt.disposition == Policy::none);
    CHECK(exempt.overrides.at(0).type == "local_policy");
}

TEST_CASE("D13: several authors, no author", "[dmarc]") {
    dns::ZoneData dns;
    dns.add_txt("_dmarc.one.test", "v=DMARC1; p=none");
    dns.add_txt("_dmarc.two.test", "v=DMARC1; p=reject");
    const std::vector<dkim::Result> dkim = {dkim_result(dkim::Code::pass, "one.test")};
    Input input = from("a@one.test, b@two.test");
    input.dkim = &dkim;
    Verdict verdict = judge(dns, input);
    CHECK(verdict.code == Code::fail);
    CHECK(verdict.disposition == Policy::reject);
    CHECK(verdict.author_domain == "two.test");
    input.from = {"a@one.test", "b@two.test"};
    CHECK(judge(dns, input).disposition == Policy::reject);
    input.from = {"a@one.test"};
    CHECK(judge(dns, input).code == Code::pass);
    input.from = {"a@one.test, nobody"};
    CHECK(judge(dns, input).code == Code::permerror);
    input.from = {"a@one.test, b@[192.0.2.1]"};
    CHECK(judge(dns, input).code == Code::permerror);
    input.from = {"a@one.test, a@a1.test, a@a2.test, a@a3.test, a@a4.test, a@two.test"};
    CHECK(judge(dns, input).code != Code::pass);
    input.from = {};
    CHECK(judge(dns, input).reason == "there is no From field");
    input.from = {" undisclosed:;"};
    CHECK(judge(dns, input).code == Code::permerror);
}

TEST_CASE("a DNS in trouble decides nothing", "[dmarc]") {
    for (Method method : kMethods) {
        Options options;
        options.method = method;
        dns::ZoneData dns;
        CHECK(judge(dns, from("a@example.test"), options).code == Code::none);
        dns.set_trouble("_dmarc.example.test", dns::Status::temporary_failure);
        CHECK(judge(dns, from("a@example.test"), options).code == Code::temperror);
        CHECK(judge(dns, from("a@news.example.test"), options).code == Code::temperror);
        dns.set_trouble("_dmarc.example.test", dns::Status::bogus);
        CHECK(judge(dns, from("a@example.test"), options).code == Code::temperror);

        dns::ZoneData two;
        two.add_txt("_dmarc.example.test", "v=DMARC1; p=reject");
        two.add_txt("_dmarc.example.test", "v=spf1 -all");
        CHECK(judge(two, from("a@example.test"), options).code == Code::fail);
        // A key that could not be fetched may be the one that fits.
        const std::vector<dkim::Result> dkim = {dkim_result(dkim::Code::temperror, "example.test")};
        Input input = from("a@example.test");
        input.dkim = &dkim;
        CHECK(judge(two, input, options).code == Code::temperror);
        two.add_txt("_dmarc.example.test", "v=DMARC1; p=none");
        CHECK(judge(two, from("a@example.test"), options).code == Code::none);
    }
}

TEST_CASE("the verdict as Authentication-Results", "[dmarc][rfc7489:11.2]") {
    dns::ZoneData dns;
    dns.add_txt("_dmarc.example.test", "v=DMARC1; p=reject; pct=30");
    Input input = from("a@example.test");
    input.dice = 99;
    CHECK(authres::format_results({format_result(judge(dns, input))}, false) ==
          "dmarc=fail (p=reject, sampled_out) header.from=example.test");
    CHECK(authres::format_results({format_result(judge(dns, from("a@other.test")))}, false) ==
          "dmarc=none header.from=other.test");
}
