#include "smtpd/authentication/gate.h"

#include <fmt/format.h>

#include <ctime>

#include "lib/dns/name.h"
#include "lib/dns/params.h"
#include "lib/text/text.h"
#include "smtpd/authentication/results.h"

namespace smtpd::authentication {

Gate::Gate(config::MainCf& main_cf, event::Loop& loop, std::string host, bool soft_bounce)
    : loop_(loop), host_(std::move(host)) {
    for (config::ParamSet* set : std::initializer_list<config::ParamSet*>{&params_, &dkim_params_, &dmarc_params_})
        for (const config::Problem& problem : set->load(main_cf))
            problems_.push_back(config::format_problem(problem));
    authserv_id_ = params_.authserv_id();
    suffixes_ = std::make_unique<dmarc::PublicSuffixes>();
    policy_ = std::make_unique<Policy>(params_, dkim_params_, dmarc_params_, soft_bounce);
    if (dmarc_params_.report_send() && policy_->wants_dmarc())
        report_link_ = std::make_unique<dmarc::ReportLink>(loop_);
}

std::vector<std::string> Gate::problems() const {
    std::vector<std::string> all = problems_;
    all.insert(all.end(), policy_->problems().begin(), policy_->problems().end());
    return all;
}

std::expected<void, std::string> Gate::open_dns(config::MainCf& main_cf, bool wanted) {
    if (!wanted && !wants_dns())
        return {};
    dns::Params params;
    for (const config::Problem& problem : params.load(main_cf))
        problems_.push_back(config::format_problem(problem));
    auto shared = dns::SharedResolver::open(loop_, params);
    if (!shared)
        return std::unexpected(shared.error());
    dns_ = std::move(*shared);
    return {};
}

void Gate::use_resolver(std::unique_ptr<dns::Resolver> resolver, question::DeskLimits limits) {
    dns_ = std::make_unique<dns::SharedResolver>(loop_, std::move(resolver), limits);
}

void Gate::report(const Findings& findings, Decision::Action action) const {
    if (report_link_ == nullptr || !findings.dmarc)
        return;
    // The report says what was done, and that it was not what the domain asked for.
    dmarc::Verdict verdict = *findings.dmarc;
    const dmarc::Policy done = action == Decision::Action::reject       ? dmarc::Policy::reject
                               : action == Decision::Action::quarantine ? dmarc::Policy::quarantine
                                                                        : dmarc::Policy::none;
    if (action == Decision::Action::defer)
        return;  // it comes again
    if (done != verdict.disposition)
        verdict.overrides.push_back({"local_policy", ""});
    verdict.disposition = done;
    dmarc::ObservedEnvelope envelope;
    envelope.client = dns::address_text(findings.envelope.client);
    envelope.sender_domain = findings.envelope.sender.substr(findings.envelope.sender.rfind('@') + 1);
    if (const spf::Verdict* spf = findings.spf()) {
        envelope.spf_domain = spf->domain;
        envelope.spf_of_helo = spf->identity == spf::Identity::helo;
        envelope.spf_result = spf::result_name(spf->result);
    }
    if (findings.dkim)
        envelope.dkim = &findings.dkim->signatures;
    auto observation = dmarc::make_observation(verdict, envelope, policy_->settings(0).dmarc.method, std::time(nullptr));
    if (observation)
        report_link_->tell(std::move(*observation));
}

void Gate::close() {
    report_link_.reset();
    dns_.reset();
}

Inspection::Inspection(const Gate& gate, const question::Asker& asker, dns::Seat* dns, Checked checked)
    : gate_(gate), asker_(asker), dns_(dns), checked_(std::move(checked)), filter_(gate.authserv_id()) {
    if (dns_ == nullptr || !gate.policy().wants_content())
        return;
    tools_.emplace(gate.tools(*dns_));
    verification_.emplace(*tools_, gate.policy().settings(std::time(nullptr)));
}

void Inspection::take(std::string_view octets, std::string& out) {
    // Signatures are about the message as it came.
    if (verification_)
        verification_->feed(octets);
    filter_.take(octets, out);
}

event::Task<Decision> Inspection::finish(std::string& out) {
    filter_.finish(out);
    Decision decision = checked_.spf;
    if (verification_) {
        const Policy& policy = gate_.policy();
        Exemption exemption = checked_.exemption;
        Policy::Found by_author = co_await policy.find_exemption(asker_, verification_->author_domain());
        if (by_author && !by_author->key.empty()) {
            exemption.dkim = exemption.dkim || by_author->dkim;
            exemption.dmarc = exemption.dmarc || by_author->dmarc;
            exemption.key = by_author->key;
        }
        std::string exempt = exemption.dmarc ? "mail_auth_exception_maps: " + exemption.key : "";
        const std::size_t limited_before = dns_->limited();
        co_await verification_->finish(checked_.findings, std::move(exempt));
        if (dns_->limited() > limited_before) {
            decision = policy.try_later();
        } else if (!by_author) {
            decision.action = Decision::Action::defer;
            decision.why = by_author.error().text;
            decision.reply = smtp::Reply(451, "4.3.0", "Temporary lookup failure");
        } else {
            Decision content = policy.decide_content(checked_.findings, exemption);
            if (content.action > decision.action)
                decision = std::move(content);
        }
    }
    decision_ = decision;
    gate_.report(checked_.findings, decision_.action);
    co_return decision;
}

bool Inspection::holds() const {
    return decision_.action == Decision::Action::quarantine && gate_.policy().holds_quarantined();
}

std::string Inspection::prepend() const {
    if (!asks())
        return {};
    std::string mark;
    if (decision_.action == Decision::Action::quarantine)
        mark = fmt::format("X-Quarantine: {}\r\n", text::printable(std::string_view(decision_.why).substr(0, 400)));
    return mark + format_fields(checked_.findings, gate_.authserv_id(), kPrependRoom - mark.size());
}

std::string Inspection::log_line() const {
    if (!asks())
        return {};
    static constexpr const char* kActions[] = {"accept", "quarantine", "defer", "reject"};
    std::string line = fmt::format(
        "{} action={}", summary(checked_.findings), kActions[static_cast<std::size_t>(decision_.action)]);
    if (filter_.removed() > 0)
        line += fmt::format(" forged_results={}", filter_.removed());
    if (!decision_.why.empty())
        line += ": " + decision_.why;
    return text::printable(line);
}

}  // namespace smtpd::authentication
