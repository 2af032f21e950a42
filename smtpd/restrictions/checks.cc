// The plain restrictions, by name.
#include <map>

#include "lib/config/place.h"
#include "lib/log/log.h"
#include "lib/text/text.h"
#include "smtpd/restrictions/entry.h"
#include "smtpd/services.h"

namespace smtpd {

Verdict dunno() { return {}; }

Verdict permit() {
    Verdict verdict;
    verdict.kind = Verdict::Kind::permit;
    return verdict;
}

Verdict reject(const Context& context, int code, std::string dsn, std::string text) {
    Verdict verdict;
    verdict.kind = Verdict::Kind::reject;
    if (context.services.params.soft_bounce() && code >= 500)
        code -= 100;
    if (!dsn.empty())
        dsn[0] = static_cast<char>('0' + code / 100);
    verdict.reply = smtp::Reply(code, std::move(dsn), std::move(text));
    return verdict;
}

Verdict trouble(const std::string& why) {
    logging::warning("{}", why);
    Verdict verdict;
    verdict.kind = Verdict::Kind::reject;
    verdict.reply = smtp::Reply(451, "4.3.0", "Temporary lookup failure");
    return verdict;
}

namespace {

std::string client_label(const Context& c) { return fmt::format("<{}[{}]>", c.facts.client_name, c.facts.client_address); }

// The words between the angle brackets and the reason, by what is being looked at.
std::string refused(const std::string& what, const std::string& value) {
    return fmt::format("<{}>: {} rejected: ", value, what);
}

Verdict in_mynetworks(const Context& c) {
    auto found = c.services.mynetworks.matches_client(c.facts.client_name, c.facts.client_address);
    if (!found)
        return trouble(found.error().text);
    return *found ? permit() : dunno();
}

Verdict is_own_interface(const Context& c) {
    static const std::vector<std::string> none;
    event::SocketAddress ignored;
    bool loopback = c.facts.client_address == "::1" || c.facts.client_address.starts_with("127.");
    if (loopback)
        return permit();
    auto local = c.services.resolver.classes().is_local("[" + c.facts.client_address + "]");
    return local && *local ? permit() : dunno();
}

// Whether the recipient's domain is one of ours, and nothing in its local part leads on from here.
std::expected<bool, dict::Failure> is_authorised_destination(const Context& c) {
    auto route = c.services.resolver.resolve(c.facts.sender, c.facts.recipient);
    if (!route)
        return std::unexpected(route.error());
    if (route->routed && !c.services.params.allow_untrusted_routing())
        return false;
    return route->recipient_class != address::Class::other;
}

Verdict check_destination(const Context& c, bool defer) {
    if (!c.facts.has_recipient)
        return dunno();
    auto ours = is_authorised_destination(c);
    if (!ours)
        return trouble(ours.error().text);
    if (*ours)
        return dunno();
    std::string text = fmt::format("<{}>: Relay access denied", c.facts.recipient_text);
    return defer ? reject(c, 454, "4.7.1", text) : reject(c, c.services.params.relay_domains_reject_code(), "5.7.1", text);
}

Verdict permit_destination(const Context& c) {
    if (!c.facts.has_recipient)
        return dunno();
    auto ours = is_authorised_destination(c);
    if (!ours)
        return trouble(ours.error().text);
    return *ours ? permit() : dunno();
}

bool is_fqdn(const std::string& domain) {
    return address::is_address_literal(domain) ||
           (domain.find('.') != std::string::npos && domain.front() != '.' && domain.back() != '.');
}

Verdict non_fqdn_helo(const Context& c) {
    const std::string& helo = c.facts.helo;
    if (helo.empty() || is_fqdn(helo))
        return dunno();
    return reject(c, c.services.params.non_fqdn_reject_code(), "5.5.2",
        refused("Helo command", helo) + "need fully-qualified hostname");
}

Verdict invalid_helo(const Context& c) {
    const std::string& helo = c.facts.helo;
    if (helo.empty() || address::is_address_literal(helo) || address::is_valid_domain(helo))
        return dunno();
    return reject(
        c, c.services.params.invalid_hostname_reject_code(), "5.5.2", refused("Helo command", helo) + "Invalid name");
}

Verdict non_fqdn_sender(const Context& c) {
    if (!c.facts.has_sender || c.facts.sender.empty() || is_fqdn(c.facts.sender.domain))
        return dunno();
    return reject(c, c.services.params.non_fqdn_reject_code(), "5.5.2",
        refused("Sender address", c.facts.sender_text) + "need fully-qualified address");
}

Verdict non_fqdn_recipient(const Context& c) {
    bool postmaster = text::equal_ignoring_case(c.facts.recipient_text, "postmaster");
    if (!c.facts.has_recipient || postmaster || is_fqdn(c.facts.recipient.domain))
        return dunno();
    return reject(c, c.services.params.non_fqdn_reject_code(), "5.5.2",
        refused("Recipient address", c.facts.recipient_text) + "need fully-qualified address");
}

Verdict unknown_client(const Context& c) {
    if (c.facts.client_name != "unknown")
        return dunno();
    return reject(c, c.services.params.unknown_client_reject_code(), "5.7.25",
        "Client host rejected: cannot find your hostname, [" + c.facts.client_address + "]");
}

std::string stage_subject(const Context& c) {
    switch (c.stage) {
    case Stage::helo: return refused("Helo command", c.facts.helo);
    case Stage::sender: return refused("Sender address", c.facts.sender_text);
    case Stage::relay:
    case Stage::recipient: return refused("Recipient address", c.facts.recipient_text);
    case Stage::data: return "<DATA>: Data command rejected: ";
    case Stage::end_of_data: return "<END-OF-MESSAGE>: End-of-data rejected: ";
    case Stage::client: break;
    }
    return client_label(c) + ": Client host rejected: ";
}

Verdict early_pipelining(const Context& c) {
    if (!c.facts.pipelined_too_early)
        return dunno();
    return reject(c, 503, "5.5.0", stage_subject(c) + "Improper use of SMTP command pipelining");
}

Verdict several_bounce_recipients(const Context& c) {
    bool null_sender = c.facts.has_sender && c.facts.sender.empty();
    bool before_all = c.stage != Stage::data && c.stage != Stage::end_of_data;
    if (!null_sender || c.facts.recipients + (before_all ? 1 : 0) < 2)
        return dunno();
    return reject(c, 550, "5.5.3", stage_subject(c) + "Multi-recipient bounce");
}

}  // namespace

Verdict Restrictions::unlisted_recipient(const Facts& facts, const Services& services) {
    std::vector<Verdict> notes;
    DnsAnswers answers;
    Context c{facts, services, Stage::recipient, notes, answers};
    if (!facts.has_recipient)
        return dunno();
    auto route = services.resolver.resolve(facts.sender, facts.recipient);
    if (!route)
        return trouble(route.error().text);
    address::Existence existence = services.recipients.check(*route);
    if (existence.known == address::Known::temporary)
        return trouble(existence.text);
    if (existence.known == address::Known::known)
        return dunno();
    return reject(c, existence.reply_code, "5.1.1", refused("Recipient address", facts.recipient_text) + existence.text);
}

Verdict Restrictions::unlisted_sender(const Facts& facts, const Services& services) {
    std::vector<Verdict> notes;
    DnsAnswers answers;
    Context c{facts, services, Stage::sender, notes, answers};
    if (!facts.has_sender || facts.sender.empty())
        return dunno();
    auto route = services.resolver.resolve(address::Mailbox(), facts.sender);
    if (!route)
        return trouble(route.error().text);
    address::Existence existence = services.recipients.check(*route);
    if (existence.known == address::Known::temporary)
        return trouble(existence.text);
    if (existence.known == address::Known::known)
        return dunno();
    return reject(c, existence.reply_code, "5.1.0", refused("Sender address", facts.sender_text) + existence.text);
}

std::function<Verdict(const Context&)> find_check(const std::string& name, const Params& params) {
    using Check = std::function<Verdict(const Context&)>;
    static const std::map<std::string, Check, std::less<>> kChecks{
        {"permit", [](const Context&) { return permit(); }},
        {"permit_mynetworks", in_mynetworks},
        {"permit_inet_interfaces", is_own_interface},
        {"permit_sasl_authenticated", [](const Context& c) { return c.facts.authenticated ? permit() : dunno(); }},
        {"permit_auth_destination", permit_destination},
        {"reject_unauth_destination", [](const Context& c) { return check_destination(c, false); }},
        {"defer_unauth_destination", [](const Context& c) { return check_destination(c, true); }},
        {"check_relay_domains", [](const Context& c) { return check_destination(c, false); }},
        {"reject_non_fqdn_helo_hostname", non_fqdn_helo},
        {"reject_non_fqdn_hostname", non_fqdn_helo},
        {"reject_invalid_helo_hostname", invalid_helo},
        {"reject_invalid_hostname", invalid_helo},
        {"reject_non_fqdn_sender", non_fqdn_sender},
        {"reject_non_fqdn_recipient", non_fqdn_recipient},
        {"reject_unknown_client_hostname", unknown_client},
        {"reject_unknown_client", unknown_client},
        {"reject_unauth_pipelining", early_pipelining},
        {"reject_multi_recipient_bounce", several_bounce_recipients},
        {"reject_plaintext_session",
            [](const Context& c) {
                return c.facts.tls ? dunno() : reject(c, 450, "4.7.1", "Session encryption is required");
            }},
        {"reject_unlisted_recipient",
            [](const Context& c) { return Restrictions::unlisted_recipient(c.facts, c.services); }},
        {"reject_unlisted_sender", [](const Context& c) { return Restrictions::unlisted_sender(c.facts, c.services); }},
    };
    auto found = kChecks.find(name);
    if (found != kChecks.end())
        return found->second;
    if (name == "reject")
        return [&params](const Context& c) {
            return reject(c, params.maps_rbl_reject_code(), "5.7.1", stage_subject(c) + "Access denied");
        };
    if (name == "defer")
        return [&params](const Context& c) {
            return reject(c, params.defer_code(), "4.7.1", stage_subject(c) + "Try again later");
        };
    return nullptr;
}

}  // namespace smtpd
