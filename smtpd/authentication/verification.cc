#include "smtpd/authentication/verification.h"

#include <algorithm>
#include <random>

#include "lib/dmarc/author.h"

namespace smtpd::authentication {

bool Findings::has_passing_signature() const {
    return dkim && std::any_of(dkim->signatures.begin(), dkim->signatures.end(),
                       [](const dkim::Result& result) { return result.code == dkim::Code::pass; });
}

bool Findings::has_dkim_trouble() const {
    return dkim && !has_passing_signature() &&
           std::any_of(dkim->signatures.begin(), dkim->signatures.end(),
               [](const dkim::Result& result) { return result.code == dkim::Code::temperror; });
}

event::Task<void> check_spf(dns::Resolver& resolver, spf::Limits limits, Findings& findings) {
    spf::Query query = findings.envelope;
    if (!findings.helo)
        findings.helo = co_await spf::check(resolver, query, spf::Identity::helo, limits);
    if (!query.sender.empty())
        findings.mail_from = co_await spf::check(resolver, query, spf::Identity::mail_from, limits);
}

Verification::Verification(const Tools& tools, Settings settings)
    : tools_(tools), settings_(settings), verifier_(tools.loop, tools.resolver, tools.keys, settings.dkim) {}

void Verification::feed(std::string_view octets) { verifier_.feed(octets); }

std::string Verification::author_domain() const {
    if (!verifier_.header_is_complete())
        return {};
    dmarc::Authors authors = dmarc::find_authors(dmarc::from_bodies(verifier_.fields()));
    // An exemption is for an author whom everybody sees.
    const bool clear = authors.domains.size() == 1 && !authors.unusable && authors.ambiguity.empty();
    return clear ? authors.domains.front() : std::string();
}

event::Task<void> Verification::finish(Findings& findings, std::string exempt) {
    dkim::Verdict signatures = co_await verifier_.finish();
    findings.dkim = std::move(signatures);
    if (!settings_.verify_dmarc)
        co_return;
    if (!verifier_.header_is_complete()) {
        // Nobody can tell who the author is: a long header must not be a way around his policy.
        findings.dmarc.emplace();
        findings.dmarc->code = dmarc::Code::permerror;
        findings.dmarc->reason = "the header is too long (dkim_header_limit)";
        co_return;
    }
    static thread_local std::minstd_rand random{std::random_device{}()};
    dmarc::Input input;
    input.from = dmarc::from_bodies(verifier_.fields());
    const spf::Verdict* spf = findings.spf();
    input.spf_passed = spf != nullptr && spf->result == spf::Result::pass;
    input.spf_domain = spf != nullptr ? spf->domain : std::string();
    input.dkim = &findings.dkim->signatures;
    input.arc = &findings.dkim->arc;
    input.exempt = std::move(exempt);
    input.dice = static_cast<unsigned>(random() % 100);
    findings.dmarc = co_await dmarc::evaluate(tools_.resolver, tools_.suffixes, input, settings_.dmarc);
}

}  // namespace smtpd::authentication
