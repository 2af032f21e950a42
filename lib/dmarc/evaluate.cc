#include "lib/dmarc/evaluate.h"

#include <algorithm>

#include "lib/dkim/signature.h"
#include "lib/dmarc/author.h"
#include "lib/text/text.h"

namespace dmarc {
namespace {

bool is_same_or_below(std::string_view name, std::string_view domain) {
    return name == domain ||
           (name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

Policy softer(Policy policy) { return policy == Policy::reject ? Policy::quarantine : Policy::none; }

// One author's verdict.
class Judge {
  public:
    Judge(Discovery& discovery, const Input& input, const Options& options)
        : discovery_(discovery), input_(input), options_(options) {}

    event::Task<Verdict> judge(std::string author) {
        verdict_ = Verdict{};
        verdict_.author_domain = author;
        Discovered found = co_await discovery_.find_policy(author);
        if (!found.trouble.empty()) {
            verdict_.code = Code::temperror;
            verdict_.reason = found.trouble;
            co_return verdict_;
        }
        if (!found.record) {
            verdict_.reason = "there is no DMARC record";
            co_return verdict_;
        }
        organization_ = found.organizational_domain;
        verdict_.policy_domain = found.domain;
        verdict_.record = std::move(*found.record);
        co_await choose_policy();
        co_await align_spf();
        co_await align_dkim();
        decide();
        co_return verdict_;
    }

  private:
    // p= for the domain itself, np= or sp= below it.
    event::Task<void> choose_policy() {
        const Record& record = verdict_.record;
        verdict_.published = record.policy;
        if (verdict_.policy_domain == verdict_.author_domain)
            co_return;
        if (record.subdomains) {
            verdict_.published = *record.subdomains;
            verdict_.tag = "sp";
        }
        if (!record.nonexistent || *record.nonexistent == verdict_.published)
            co_return;
        const std::optional<bool> there = co_await discovery_.exists(verdict_.author_domain);
        if (there && !*there) {
            verdict_.published = *record.nonexistent;
            verdict_.tag = "np";
        }
    }

    event::Task<bool> is_aligned(std::string name, Alignment alignment) {
        const auto domain = dkim::to_a_labels(name);
        if (!domain)
            co_return false;
        if (*domain == verdict_.author_domain)
            co_return true;
        // Both have the same organisational domain only if it is at or above both of them.
        if (alignment == Alignment::strict || !is_same_or_below(*domain, organization_))
            co_return false;
        const OrganizationalDomain theirs = co_await discovery_.find_organizational_domain(*domain);
        if (!theirs.trouble.empty())
            trouble_ = theirs.trouble;
        co_return theirs.trouble.empty() && theirs.domain == organization_;
    }

    event::Task<void> align_spf() {
        if (!input_.spf_passed)
            co_return;
        verdict_.spf_aligned = co_await is_aligned(input_.spf_domain, verdict_.record.spf);
    }

    event::Task<void> align_dkim() {
        if (input_.dkim == nullptr)
            co_return;
        for (const dkim::Result& result : *input_.dkim) {
            if (result.code != dkim::Code::pass)
                continue;
            verdict_.dkim_aligned = co_await is_aligned(result.domain, verdict_.record.dkim);
            if (verdict_.dkim_aligned)
                co_return;
        }
    }

    void decide() {
        if (verdict_.spf_aligned || verdict_.dkim_aligned) {
            verdict_.code = Code::pass;
            return;
        }
        if (!trouble_.empty()) {
            verdict_.code = Code::temperror;
            verdict_.reason = trouble_;
            return;
        }
        // A key that could not be fetched may be the one that would have passed (RFC 7489, 6.6.2, step 5).
        if (input_.dkim != nullptr) {
            for (const dkim::Result& result : *input_.dkim) {
                if (result.code == dkim::Code::temperror && is_same_or_below(text::lower(result.domain), organization_)) {
                    verdict_.code = Code::temperror;
                    verdict_.reason = "a signature of " + result.domain + ": " + result.reason;
                    return;
                }
            }
        }
        verdict_.code = Code::fail;
        verdict_.reason = "neither SPF nor DKIM passes for the domain of From";
        soften();
    }

    void override_with(std::string type, std::string comment, Policy policy) {
        if (policy == verdict_.disposition)
            return;
        verdict_.disposition = policy;
        verdict_.overrides.push_back({std::move(type), std::move(comment)});
    }

    void soften() {
        verdict_.disposition = verdict_.published;
        const Record& record = verdict_.record;
        if (discovery_.method() == Method::tree_walk) {
            if (record.testing)  // RFC 9989, 4.7: one step less
                override_with("policy_test_mode", "t=y", softer(verdict_.disposition));
        } else if (input_.dice >= record.percent) {
            // RFC 7489, 6.6.4: what is not sampled gets the next weaker policy.
            override_with("sampled_out", "pct=" + std::to_string(record.percent), softer(verdict_.disposition));
        }
        if (input_.arc != nullptr) {
            const std::string sealer = find_trusted_pass(*input_.arc, options_.trusted_sealers);
            if (!sealer.empty())
                override_with("trusted_forwarder", "arc=pass, sealed by " + sealer, Policy::none);
        }
        if (!input_.exempt.empty())
            override_with("local_policy", input_.exempt, Policy::none);
    }

    Discovery& discovery_;
    const Input& input_;
    const Options& options_;
    Verdict verdict_;
    std::string organization_;
    std::string trouble_;
};

// The verdict that holds where authors differ: the one that asks for more, and of those the worse one.
bool is_stricter(const Verdict& a, const Verdict& b) {
    if (a.disposition != b.disposition)
        return a.disposition > b.disposition;
    const auto rank = [](Code code) {
        return code == Code::fail        ? 4
               : code == Code::permerror ? 3
               : code == Code::temperror ? 2
               : code == Code::none      ? 1
                                         : 0;
    };
    return rank(a.code) > rank(b.code);
}

// Why nobody can say whose message this is, whatever its domains published.
std::string unreadable(const Authors& authors) {
    if (!authors.ambiguity.empty())
        return "From can be read in more than one way: " + std::string(authors.ambiguity);
    if (authors.unusable)
        return "From has an address without a domain beside others";
    if (authors.domains.size() > kMaxAuthors)
        return "From has more than " + std::to_string(kMaxAuthors) + " domains";
    return {};
}

}  // namespace

std::string_view code_name(Code code) {
    switch (code) {
    case Code::none: return "none";
    case Code::pass: return "pass";
    case Code::fail: return "fail";
    case Code::temperror: return "temperror";
    case Code::permerror: return "permerror";
    }
    return "permerror";
}

std::vector<std::string_view> from_bodies(const dkim::HeaderFields& fields) {
    std::vector<std::string_view> bodies;
    for (std::size_t place : fields.named("from"))
        bodies.push_back(fields.all()[place].body);
    return bodies;
}

event::Task<Verdict> evaluate(
    dns::Resolver& resolver, const PublicSuffixes& suffixes, const Input& input, const Options& options) {
    const Authors authors = find_authors(input.from);
    Verdict worst;
    if (authors.domains.empty()) {
        worst.code = Code::permerror;
        worst.reason = authors.any_field ? "From has no address with a domain" : "there is no From field";
        co_return worst;
    }
    Discovery discovery(resolver, suffixes, options.method);
    Judge judge(discovery, input, options);
    const std::size_t count = std::min(authors.domains.size(), kMaxAuthors);
    for (std::size_t i = 0; i < count; ++i) {
        Verdict verdict = co_await judge.judge(authors.domains[i]);
        if (i == 0 || is_stricter(verdict, worst))
            worst = std::move(verdict);
    }
    if (const std::string problem = unreadable(authors); !problem.empty()) {
        worst.code = Code::permerror;
        worst.reason = problem;
    }
    co_return worst;
}

authres::Result format_result(const Verdict& verdict) {
    authres::Result result;
    result.method = "dmarc";
    result.result = code_name(verdict.code);
    if (!verdict.policy_domain.empty()) {
        result.comment = std::string(verdict.tag) + "=" + std::string(policy_name(verdict.published));
        for (const Override& one : verdict.overrides)
            result.comment += ", " + one.type;
    }
    if (!verdict.author_domain.empty())
        result.properties.push_back({"header", "from", verdict.author_domain});
    return result;
}

std::string find_trusted_pass(const dkim::ArcVerdict& arc, const std::vector<std::string>& trusted_sealers) {
    if (arc.code != dkim::Code::pass)
        return {};
    for (std::size_t i = arc.sealers.size(); i-- > 0;) {
        const dkim::ArcSealer& sealer = arc.sealers[i];
        const bool trusted = std::any_of(trusted_sealers.begin(), trusted_sealers.end(),
            [&](const std::string& domain) { return text::equal_ignoring_case(domain, sealer.domain); });
        if (!trusted)
            return {};  // what stands below was handed on by somebody who may have made it up
        const auto results = authres::parse(sealer.results);
        if (!results)
            continue;
        for (const authres::Result& result : results->results)
            if (result.method == "dmarc" && result.result == "pass")
                return sealer.domain;
    }
    return {};
}

}  // namespace dmarc
