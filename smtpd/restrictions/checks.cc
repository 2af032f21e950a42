// The plain restrictions: those that need neither an argument nor the DNS.
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
    verdict.trouble = true;
    return verdict;
}

namespace {

std::string client_label(const Context& c) { return fmt::format("<{}[{}]>", c.facts.client_name, c.facts.client_address); }

// The words between the angle brackets and the reason, by what is being looked at.
std::string refused(const std::string& what, const std::string& value) {
    return fmt::format("<{}>: {} rejected: ", value, what);
}

event::Task<Verdict> ask_mynetworks(const Context& c) {
    dict::Matched found = co_await c.services.mynetworks.matches_client(
        c.asker(), c.facts.client_name, c.facts.client_address);
    if (!found)
        co_return trouble(found.error().text);
    co_return *found ? permit() : dunno();
}

// Whether the recipient's domain is one of ours, and nothing in its local part leads on from here.
using Authorised = std::expected<bool, dict::Failure>;
event::Task<Authorised> is_authorised_destination(const Context& c) {
    std::expected<address::Route, dict::Failure> route = co_await c.services.resolver.resolve(
        c.asker(), c.facts.sender, c.facts.recipient);
    if (!route)
        co_return std::unexpected(route.error());
    if (route->routed && !c.services.params.allow_untrusted_routing())
        co_return false;
    co_return route->recipient_class != address::Class::other;
}

event::Task<Verdict> check_destination(const Context& c, bool defer) {
    if (!c.facts.has_recipient)
        co_return dunno();
    Authorised ours = co_await is_authorised_destination(c);
    if (!ours)
        co_return trouble(ours.error().text);
    if (*ours)
        co_return dunno();
    std::string text = fmt::format("<{}>: Relay access denied", c.facts.recipient_text);
    int code = defer ? 454 : c.services.params.relay_domains_reject_code();
    co_return reject(c, code, defer ? "4.7.1" : "5.7.1", std::move(text));
}

event::Task<Verdict> ask_destination(const Context& c) {
    Authorised ours = co_await is_authorised_destination(c);
    if (!ours)
        co_return trouble(ours.error().text);
    co_return *ours ? permit() : dunno();
}

bool is_fqdn(const std::string& domain) {
    return address::is_address_literal(domain) ||
           (domain.find('.') != std::string::npos && domain.front() != '.' && domain.back() != '.');
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

// Whether an address of one of our domains exists.
event::Task<Verdict> check_existence(
    const Context& c, const address::Mailbox& sender, const address::Mailbox& mailbox, std::string label, std::string dsn) {
    std::expected<address::Route, dict::Failure> route = co_await c.services.resolver.resolve(c.asker(), sender, mailbox);
    if (!route)
        co_return trouble(route.error().text);
    address::Existence existence = co_await c.services.recipients.check(c.asker(), *route);
    if (existence.known == address::Known::temporary)
        co_return trouble(existence.text);
    if (existence.known == address::Known::known)
        co_return dunno();
    co_return reject(c, existence.reply_code, std::move(dsn), label + existence.text);
}

event::Task<Verdict> check_sender_existence(const Context& c) {
    const address::Mailbox nobody;
    co_return co_await check_existence(c, nobody, c.facts.sender, refused("Sender address", c.facts.sender_text), "5.1.0");
}

event::Task<Verdict> check_recipient_existence(const Context& c) {
    co_return co_await check_existence(
        c, c.facts.sender, c.facts.recipient, refused("Recipient address", c.facts.recipient_text), "5.1.1");
}

}  // namespace

using Pending = question::Pending<Verdict>;
using Entry = Restrictions::Entry;

Pending always_permit(const Context&, const Entry&) { return permit(); }

Pending always_reject(const Context& c, const Entry&) {
    return reject(c, c.services.params.reject_code(), "5.7.1", stage_subject(c) + "Access denied");
}

Pending always_defer(const Context& c, const Entry&) {
    return reject(c, c.services.params.defer_code(), "4.7.1", stage_subject(c) + "Try again later");
}

Pending in_mynetworks(const Context& c, const Entry&) { return ask_mynetworks(c); }

Pending is_own_interface(const Context& c, const Entry&) {
    bool loopback = c.facts.client_address == "::1" || c.facts.client_address.starts_with("127.");
    return loopback || c.services.resolver.classes().is_own_address(c.facts.client_address) ? permit() : dunno();
}

Pending is_authenticated(const Context& c, const Entry&) { return c.facts.authenticated ? permit() : dunno(); }

Pending permit_destination(const Context& c, const Entry&) {
    if (!c.facts.has_recipient)
        return dunno();
    return ask_destination(c);
}

Pending reject_destination(const Context& c, const Entry&) { return check_destination(c, false); }
Pending defer_destination(const Context& c, const Entry&) { return check_destination(c, true); }

Pending non_fqdn_helo(const Context& c, const Entry&) {
    const std::string& helo = c.facts.helo;
    if (helo.empty() || is_fqdn(helo))
        return dunno();
    return reject(c, c.services.params.non_fqdn_reject_code(), "5.5.2",
        refused("Helo command", helo) + "need fully-qualified hostname");
}

Pending invalid_helo(const Context& c, const Entry&) {
    const std::string& helo = c.facts.helo;
    if (helo.empty() || address::is_address_literal(helo) || address::is_valid_domain(helo))
        return dunno();
    return reject(
        c, c.services.params.invalid_hostname_reject_code(), "5.5.2", refused("Helo command", helo) + "Invalid name");
}

Pending non_fqdn_sender(const Context& c, const Entry&) {
    if (!c.facts.has_sender || c.facts.sender.empty() || is_fqdn(c.facts.sender.domain))
        return dunno();
    return reject(c, c.services.params.non_fqdn_reject_code(), "5.5.2",
        refused("Sender address", c.facts.sender_text) + "need fully-qualified address");
}

Pending non_fqdn_recipient(const Context& c, const Entry&) {
    bool postmaster = text::equal_ignoring_case(c.facts.recipient_text, "postmaster");
    if (!c.facts.has_recipient || postmaster || is_fqdn(c.facts.recipient.domain))
        return dunno();
    return reject(c, c.services.params.non_fqdn_reject_code(), "5.5.2",
        refused("Recipient address", c.facts.recipient_text) + "need fully-qualified address");
}

Pending unknown_client(const Context& c, const Entry&) {
    if (c.facts.client_name != "unknown")
        return dunno();
    return reject(c, c.services.params.unknown_client_reject_code(), "5.7.25",
        "Client host rejected: cannot find your hostname, [" + c.facts.client_address + "]");
}

Pending early_pipelining(const Context& c, const Entry&) {
    if (!c.facts.pipelined_too_early)
        return dunno();
    return reject(c, 503, "5.5.0", stage_subject(c) + "Improper use of SMTP command pipelining");
}

Pending several_bounce_recipients(const Context& c, const Entry&) {
    bool null_sender = c.facts.has_sender && c.facts.sender.empty();
    bool before_all = c.stage != Stage::data && c.stage != Stage::end_of_data;
    if (!null_sender || c.facts.recipients + (before_all ? 1 : 0) < 2)
        return dunno();
    return reject(c, 550, "5.5.3", stage_subject(c) + "Multi-recipient bounce");
}

Pending plaintext_session(const Context& c, const Entry&) {
    return c.facts.tls ? dunno() : reject(c, 450, "4.7.1", "Session encryption is required");
}

Pending unlisted_recipient(const Context& c, const Entry&) {
    if (!c.facts.has_recipient)
        return dunno();
    return check_recipient_existence(c);
}

Pending unlisted_sender(const Context& c, const Entry&) {
    if (!c.facts.has_sender || c.facts.sender.empty())
        return dunno();
    return check_sender_existence(c);
}

}  // namespace smtpd
