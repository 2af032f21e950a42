#include "smtpd/authentication/policy.h"

#include <fmt/format.h>

#include "lib/dns/name.h"
#include "lib/log/log.h"
#include "lib/text/text.h"

namespace smtpd::authentication {
namespace {

using Action = Decision::Action;

std::string first_line(std::string_view text) {
    constexpr std::size_t kMost = 300;
    return text::printable(text.substr(0, kMost));
}

// The worse of two decisions; of two that are equally bad, the first.
Decision worse(Decision a, Decision b) { return static_cast<int>(b.action) > static_cast<int>(a.action) ? b : a; }

}  // namespace

Level Policy::level(const config::Param<std::string>& parameter) {
    const std::string& word = parameter();
    for (auto [name, value] : {std::pair{"none", Level::none}, {"tag", Level::tag}, {"quarantine", Level::quarantine},
             {"enforce", Level::enforce}})
        if (word == name)
            return value;
    problems_.push_back(
        fmt::format("{}: \"{}\" is none of none, tag, quarantine, enforce; tag is taken", parameter.name(), word));
    return Level::tag;
}

bool Policy::one_of(const config::Param<std::string>& parameter, std::string_view first, std::string_view second) {
    if (parameter() != first && parameter() != second)
        problems_.push_back(fmt::format(
            "{}: \"{}\" is neither {} nor {}; {} is taken", parameter.name(), parameter(), first, second, first));
    return parameter() != second;
}

Policy::Policy(const Params& params, const dkim::Params& dkim, const dmarc::Params& dmarc, bool soft_bounce)
    : params_(params),
      soft_bounce_(soft_bounce),
      spf_(level(params.spf_policy)),
      dkim_(level(params.dkim_policy)),
      dmarc_(level(params.dmarc_policy)),
      hold_(one_of(params.quarantine, "hold", "tag")),
      defers_(!one_of(params.temperror_action, "accept", "defer")),
      exceptions_(dict::TableList::open("mail_auth_exception_maps", params.exception_maps())) {
    problems_.insert(problems_.end(), exceptions_.problems().begin(), exceptions_.problems().end());
    settings_.verify_dmarc = dmarc_ != Level::none;
    settings_.dkim = dkim::options_of(dkim);
    settings_.dkim.max_header = static_cast<std::size_t>(params.header_limit());
    settings_.dkim.max_lookups = static_cast<std::size_t>(params.lookup_limit());
    if (auto options = dmarc::options_of(dmarc))
        settings_.dmarc = std::move(*options);
    else
        problems_.push_back(options.error() + "; public_suffix_list is taken");
}

Settings Policy::settings(std::int64_t now) const {
    Settings settings = settings_;
    settings.dkim.now = now;
    return settings;
}

spf::Limits Policy::spf_limits() const {
    spf::Limits limits;
    limits.time = params_.spf_time_limit();
    return limits;
}

event::Task<std::expected<bool, dict::Failure>> Policy::look_up(
    const question::Asker& asker, std::string key, Exemption& exemption) const {
    if (key.empty())
        co_return false;
    std::string lowered = text::lower(key);
    dict::Answer found = co_await exceptions_.lookup(asker, lowered);
    if (!found)
        co_return std::unexpected(found.error());
    if (!*found)
        co_return false;
    for (std::string_view word : text::split(**found, " ,\t")) {
        bool all = text::equal_ignoring_case(word, "OK"), known = all;
        for (auto [method, member] :
            {std::pair{"spf", &Exemption::spf}, {"dkim", &Exemption::dkim}, {"dmarc", &Exemption::dmarc}}) {
            bool named = text::equal_ignoring_case(word, method);
            known = known || named;
            exemption.*member = exemption.*member || all || named;
        }
        if (!known)
            logging::warning("mail_auth_exception_maps: {}: \"{}\" is none of OK, spf, dkim, dmarc", key, word);
    }
    exemption.key = key;
    co_return true;
}

event::Task<Policy::Found> Policy::find_exemption(const question::Asker& asker, Sender sender) const {
    Exemption exemption;
    for (const std::string* key : {&sender.client_address, &sender.client_name, &sender.address, &sender.domain}) {
        std::expected<bool, dict::Failure> found = co_await look_up(asker, *key, exemption);
        if (!found)
            co_return std::unexpected(found.error());
        if (*found)
            break;
    }
    co_return exemption;
}

event::Task<Policy::Found> Policy::find_exemption(const question::Asker& asker, std::string author_domain) const {
    Exemption exemption;
    std::expected<bool, dict::Failure> found = co_await look_up(asker, std::move(author_domain), exemption);
    if (!found)
        co_return std::unexpected(found.error());
    co_return exemption;
}

Decision Policy::try_later() const {
    return refuse(451, "4.7.0", "the authentication of this message could not be checked, try again later");
}

Decision Policy::refuse(int code, std::string status, std::string text) const {
    Decision decision;
    if (soft_bounce_ && code >= 500) {
        code -= 100;
        status[0] = '4';
    }
    decision.action = code >= 500 ? Action::reject : Action::defer;
    decision.why = text;
    decision.reply = smtp::Reply(code, std::move(status), std::move(text));
    return decision;
}

Decision Policy::trouble(std::string_view method, std::string status, const std::string& reason, Level level) const {
    if (!defers_ || level < Level::quarantine)
        return {};
    return refuse(
        451, std::move(status), fmt::format("{} cannot be checked now, try again later: {}", method, first_line(reason)));
}

// RFC 7208, 8.4 and 8.6; RFC 7372, 3.2
Decision Policy::decide_spf(const Findings& findings, const Exemption& exemption) const {
    if (exemption.spf || spf_ < Level::quarantine)
        return {};
    const spf::Verdict* failed = nullptr;
    const spf::Verdict* troubled = nullptr;
    for (const std::optional<spf::Verdict>* verdict : {&findings.mail_from, &findings.helo}) {
        if (!*verdict)
            continue;
        if ((*verdict)->result == spf::Result::fail && failed == nullptr)
            failed = &**verdict;
        if ((*verdict)->result == spf::Result::temperror && troubled == nullptr)
            troubled = &**verdict;
    }
    if (failed == nullptr)
        return troubled == nullptr ? Decision() : trouble("SPF", "4.7.24", troubled->reason, spf_);
    std::string client = dns::address_text(findings.envelope.client);
    // What the owner of the domain says is his word, not ours (RFC 7208, 6.2).
    std::string said = failed->explanation.empty()
                           ? ""
                           : fmt::format("; {} explained: {}", first_line(failed->domain), first_line(failed->explanation));
    Decision decision = refuse(550, "5.7.23",
        fmt::format("SPF: {} may not send mail of {} ({}){}", client, first_line(failed->domain),
            failed->identity == spf::Identity::helo ? "HELO" : "MAIL FROM", said));
    if (spf_ == Level::quarantine)
        decision.action = Action::quarantine;
    return decision;
}

// RFC 7372, 3.1
Decision Policy::decide_dkim(const Findings& findings) const {
    if (dkim_ < Level::quarantine || !findings.dkim || findings.has_passing_signature())
        return {};
    if (findings.has_dkim_trouble()) {
        if (defers_)
            return trouble("DKIM", "4.7.20", findings.dkim->signatures.front().reason, dkim_);
        return {};
    }
    std::string reason = findings.dkim->signatures.empty() ? "there is none" : findings.dkim->signatures.front().reason;
    Decision decision = refuse(550, "5.7.20", fmt::format("DKIM: no passing signature found: {}", first_line(reason)));
    if (dkim_ == Level::quarantine)
        decision.action = Action::quarantine;
    return decision;
}

// RFC 7489, 6.6.2 and 10.3; RFC 7372, 3.3
Decision Policy::decide_dmarc(const Findings& findings) const {
    if (dmarc_ < Level::quarantine || !findings.dmarc)
        return {};
    const dmarc::Verdict& verdict = *findings.dmarc;
    if (verdict.code == dmarc::Code::temperror)
        return trouble("DMARC", "4.7.26", verdict.reason, dmarc_);
    // No author, or none that can be told, is no reason to believe the message (RFC 7489, 6.6.1).
    bool nobody = verdict.code == dmarc::Code::permerror;
    if (verdict.disposition == dmarc::Policy::none && !nobody)
        return {};
    Decision decision = nobody ? refuse(550, "5.7.26",
                                     fmt::format(
                                         "DMARC: the author of this message cannot be told: {}", first_line(verdict.reason)))
                               : refuse(550, "5.7.26",
                                     fmt::format("DMARC: the policy of {} ({}={}) refuses this message: {}",
                                         first_line(verdict.policy_domain), verdict.tag,
                                         dmarc::policy_name(verdict.published), first_line(verdict.reason)));
    if (dmarc_ == Level::quarantine || (!nobody && verdict.disposition == dmarc::Policy::quarantine))
        decision.action = Action::quarantine;
    return decision;
}

Decision Policy::decide_content(const Findings& findings, const Exemption& exemption) const {
    Decision dkim = exemption.dkim ? Decision() : decide_dkim(findings);
    Decision dmarc = exemption.dmarc ? Decision() : decide_dmarc(findings);
    return worse(std::move(dmarc), std::move(dkim));
}

}  // namespace smtpd::authentication
