// The restrictions that ask the DNS: unknown domains and hosts, lists of clients and domains.
#include <array>

#include "lib/address/mailbox.h"
#include "lib/dns/message.h"
#include "lib/dns/name.h"
#include "lib/log/log.h"
#include "lib/text/text.h"
#include "smtpd/restrictions/entry.h"
#include "smtpd/services.h"

namespace smtpd {
namespace {

using Pending = question::Pending<Verdict>;
using Entry = Restrictions::Entry;

// A name that the DNS cannot hold is answered without it; where it cannot be asked, that is trouble and no answer.
event::Task<dns::RawAnswer> ask(const Context& c, std::string name, dns::Type type) {
    dns::RawAnswer answer;
    if (!dns::can_be_asked(name)) {
        answer.status = dns::Status::does_not_exist;
        answer.reason = "the DNS cannot hold such a name";
        co_return answer;
    }
    if (c.inquiry.dns == nullptr) {
        answer.own_limit = true;
        answer.reason = "this process cannot ask the DNS";
        co_return answer;
    }
    co_return co_await c.inquiry.dns->query(text::lower(name), type);
}

// What the DNS knows about a name that takes part in mail.
enum class Presence { there, absent, null_mx, malformed, unclear };
using Types = std::array<dns::Type, 3>;
constexpr Types kOfDomain{dns::Type::mx, dns::Type::a, dns::Type::aaaa};
constexpr Types kOfHost{dns::Type::a, dns::Type::aaaa, dns::Type::mx};

Presence presence_by_mx(const dns::RawAnswer& answer) {
    bool null = false;
    for (const std::string& rdata : answer.records) {
        auto mx = dns::parse_mx(rdata);
        if (!mx)
            return Presence::malformed;
        null = null || mx->host.empty();
    }
    return null && answer.records.size() == 1 ? Presence::null_mx : Presence::there;  // RFC 7505
}

event::Task<Presence> presence_of(const Context& c, std::string domain, const Types& types) {
    for (dns::Type type : types) {
        dns::RawAnswer answer = co_await ask(c, domain, type);
        if (answer.status == dns::Status::temporary_failure || answer.status == dns::Status::bogus)
            co_return Presence::unclear;
        if (answer.status != dns::Status::found)
            continue;
        co_return type == dns::Type::mx ? presence_by_mx(answer) : Presence::there;
    }
    co_return Presence::absent;
}

struct Subject {
    bool is_sender;
    const address::Mailbox& mailbox;
    const std::string& text;
};

Verdict refuse_domain(const Context& c, const Subject& subject, Presence presence) {
    std::string label = fmt::format("<{}>: {} address rejected: ", subject.text, subject.is_sender ? "Sender" : "Recipient");
    std::string status = subject.is_sender ? "5.1.8" : "5.1.2";
    int code = c.services.params.unknown_address_reject_code();
    switch (presence) {
    case Presence::there: return dunno();
    case Presence::absent: return reject(c, code, status, label + "Domain not found");
    case Presence::malformed: return reject(c, code, status, label + "Malformed DNS server reply");
    case Presence::unclear: return reject(c, 450, status, label + "Domain not found");
    case Presence::null_mx: break;
    }
    // RFC 7504, RFC 7505, 4.2
    return reject(c, subject.is_sender ? 550 : 556, subject.is_sender ? "5.7.27" : "5.1.10",
        fmt::format("{}Domain {} does not accept mail (nullMX)", label, subject.mailbox.domain));
}

event::Task<Verdict> check_domain(const Context& c, const Subject subject) {
    const std::string& domain = subject.mailbox.domain;
    if (subject.mailbox.empty() || domain.empty() || address::is_address_literal(domain))
        co_return dunno();
    address::Mailbox sender;
    if (!subject.is_sender)
        sender = c.facts.sender;
    std::expected<address::Route, dict::Failure> route = co_await c.services.resolver.resolve(
        c.asker(), std::move(sender), subject.mailbox);
    if (!route)
        co_return trouble(route.error().text);
    if (route->recipient_class != address::Class::other)
        co_return dunno();  // ours, whatever the DNS says
    Presence presence = co_await presence_of(c, domain, kOfDomain);
    co_return refuse_domain(c, subject, presence);
}

event::Task<Verdict> check_helo(const Context& c) {
    const std::string& helo = c.facts.helo;
    Presence presence = co_await presence_of(c, helo, kOfHost);
    if (presence == Presence::there || presence == Presence::null_mx)
        co_return dunno();
    int code = presence == Presence::unclear ? 450 : c.services.params.unknown_hostname_reject_code();
    co_return reject(c, code, "5.7.1", fmt::format("<{}>: Helo command rejected: Host not found", helo));
}

event::Task<Verdict> check_reverse_name(const Context& c, dict::IpAddress address) {
    dns::RawAnswer answer = co_await ask(c, dns::reverse_name(address), dns::Type::ptr);
    if (answer.status == dns::Status::found)
        co_return dunno();
    int code = answer.status == dns::Status::does_not_exist ? c.services.params.unknown_client_reject_code() : 450;
    co_return reject(
        c, code, "5.7.25", "Client host rejected: cannot find your reverse hostname, [" + c.facts.client_address + "]");
}

// RFC 5782, 2.1: "2.0.0.127.list.example.test" for 127.0.0.2.
std::string list_name(const dict::IpAddress& address, const std::string& list) {
    std::string name = dns::reverse_name(address);
    for (std::string_view suffix : {".in-addr.arpa", ".ip6.arpa"})
        if (name.ends_with(suffix))
            name.resize(name.size() - suffix.size());
    return name + "." + list;
}

// What a list is asked about: the key in front of its domain, and how a refusal calls it.
struct Listed {
    std::string name, what, value;
};

std::optional<Listed> subject_of(About about, const std::string& list, const Facts& facts) {
    auto domain = [&](const std::string& name, std::string what, const std::string& value) -> std::optional<Listed> {
        if (name.empty() || name == "unknown" || address::is_address_literal(name) || !address::is_valid_domain(name))
            return std::nullopt;
        return Listed{name + "." + list, std::move(what), value};
    };
    switch (about) {
    case About::client: {
        auto address = dict::parse_ip(facts.client_address);
        if (!address)
            return std::nullopt;
        return Listed{list_name(*address, list), "Client host", facts.client_address};
    }
    case About::client_name: return domain(facts.client_name, "Client host", facts.client_name);
    case About::helo: return domain(facts.helo, "Helo command", facts.helo);
    case About::sender:
        return facts.has_sender ? domain(facts.sender.domain, "Sender address", facts.sender_text) : std::nullopt;
    case About::recipient:
        return facts.has_recipient ? domain(facts.recipient.domain, "Recipient address", facts.recipient_text)
                                   : std::nullopt;
    case About::login:
    case About::nothing: break;
    }
    return std::nullopt;
}

bool is_listed(const dns::RawAnswer& answer, const ReplyFilter& filter) {
    for (const std::string& rdata : answer.records)
        if (auto address = dns::parse_address(rdata); address && filter.matches(*address))
            return true;
    return false;
}

// Why, in the list's own words; empty where it gives none.
event::Task<std::string> listing_text(const Context& c, std::string name) {
    dns::RawAnswer answer = co_await ask(c, std::move(name), dns::Type::txt);
    if (answer.status != dns::Status::found)
        co_return std::string();
    co_return text::printable(dns::parse_txt(answer.records[0]).value_or("").substr(0, 300));
}

// What the entry's list has about its subject.
struct Listing {
    bool listed = false;
    bool limited = false;  // it was not asked
};

event::Task<Listing> ask_list(const Context& c, const Entry& entry, const Listed& subject) {
    Listing listing;
    dns::RawAnswer answer = co_await ask(c, subject.name, dns::Type::a);
    if (answer.status == dns::Status::temporary_failure || answer.status == dns::Status::bogus) {
        // A list that does not answer lists nobody; one that we did not ask may.
        listing.limited = answer.own_limit;
        logging::warning("{}: {}: {}", entry.name, subject.name, answer.reason);
        co_return listing;
    }
    listing.listed = is_listed(answer, entry.filter);
    co_return listing;
}

event::Task<Verdict> check_list(const Context& c, const Entry& entry, Listed subject, bool permits) {
    Listing listing = co_await ask_list(c, entry, subject);
    if (listing.limited)
        co_return trouble(entry.name + ": the list could not be asked");
    if (!listing.listed)
        co_return dunno();
    if (permits)
        co_return permit();
    std::string reason = co_await listing_text(c, subject.name);
    std::string text = fmt::format("Service unavailable; {} [{}] blocked using {}{}{}", subject.what, subject.value,
        entry.list, reason.empty() ? "" : "; ", reason);
    co_return reject(c, c.services.params.maps_rbl_reject_code(), "5.7.1", std::move(text));
}

Pending ask_about(const Context& c, const Entry& entry, bool permits) {
    std::optional<Listed> subject = subject_of(entry.row->about, entry.list, c.facts);
    if (!subject)
        return dunno();
    return check_list(c, entry, std::move(*subject), permits);
}

}  // namespace

Pending unknown_sender_domain(const Context& c, const Entry&) {
    if (!c.facts.has_sender)
        return dunno();
    return check_domain(c, {true, c.facts.sender, c.facts.sender_text});
}

Pending unknown_recipient_domain(const Context& c, const Entry&) {
    if (!c.facts.has_recipient)
        return dunno();
    return check_domain(c, {false, c.facts.recipient, c.facts.recipient_text});
}

Pending unknown_helo(const Context& c, const Entry&) {
    if (c.facts.helo.empty() || address::is_address_literal(c.facts.helo))
        return dunno();
    return check_helo(c);
}

// Any name at all, whether it leads back or not.
Pending unknown_reverse_client(const Context& c, const Entry&) {
    auto address = dict::parse_ip(c.facts.client_address);
    if (!address || c.facts.client_name != "unknown")
        return dunno();
    return check_reverse_name(c, *address);
}

Pending reject_listed(const Context& c, const Entry& entry) { return ask_about(c, entry, false); }
Pending permit_listed(const Context& c, const Entry& entry) { return ask_about(c, entry, true); }

}  // namespace smtpd
