// The restrictions that ask the DNS: unknown domains and hosts, lists of clients and domains.
#include "lib/address/mailbox.h"
#include "lib/dns/message.h"
#include "lib/dns/name.h"
#include "lib/log/log.h"
#include "lib/text/text.h"
#include "smtpd/restrictions/dns_answers.h"
#include "smtpd/restrictions/entry.h"
#include "smtpd/restrictions/reply_filter.h"
#include "smtpd/services.h"

namespace smtpd {
namespace {

using Check = std::function<Verdict(const Context&)>;

Verdict pending() {
    Verdict verdict;
    verdict.kind = Verdict::Kind::pending;
    return verdict;
}

// What the DNS knows about a name that takes part in mail.
enum class Presence { there, absent, null_mx, malformed, unclear, pending };

Presence presence_of(const Context& c, const std::string& domain, std::initializer_list<dns::Type> types) {
    for (dns::Type type : types) {
        const dns::RawAnswer* answer = c.dns.find(domain, type);
        if (answer == nullptr)
            return Presence::pending;
        if (answer->status == dns::Status::temporary_failure || answer->status == dns::Status::bogus)
            return Presence::unclear;
        if (answer->status != dns::Status::found)
            continue;
        if (type != dns::Type::mx)
            return Presence::there;
        bool null = false;
        for (const std::string& rdata : answer->records) {
            auto mx = dns::parse_mx(rdata);
            if (!mx)
                return Presence::malformed;
            null = null || mx->host.empty();
        }
        return null && answer->records.size() == 1 ? Presence::null_mx : Presence::there;  // RFC 7505
    }
    return Presence::absent;
}

struct Subject {
    bool is_sender;
    const address::Mailbox& mailbox;
    const std::string& text;
};

Verdict unknown_domain(const Context& c, const Subject& subject) {
    const std::string& domain = subject.mailbox.domain;
    if (subject.mailbox.empty() || domain.empty() || address::is_address_literal(domain))
        return dunno();
    auto route = subject.is_sender ? c.services.resolver.resolve(address::Mailbox(), subject.mailbox)
                                   : c.services.resolver.resolve(c.facts.sender, subject.mailbox);
    if (!route)
        return trouble(route.error().text);
    if (route->recipient_class != address::Class::other)
        return dunno();  // ours, whatever the DNS says
    std::string label = fmt::format("<{}>: {} address rejected: ", subject.text, subject.is_sender ? "Sender" : "Recipient");
    std::string status = subject.is_sender ? "5.1.8" : "5.1.2";
    switch (presence_of(c, domain, {dns::Type::mx, dns::Type::a, dns::Type::aaaa})) {
    case Presence::there: return dunno();
    case Presence::pending: return pending();
    case Presence::absent:
        return reject(c, c.services.params.unknown_address_reject_code(), status, label + "Domain not found");
    case Presence::malformed:
        return reject(c, c.services.params.unknown_address_reject_code(), status, label + "Malformed DNS server reply");
    case Presence::unclear: return reject(c, 450, status, label + "Domain not found");
    case Presence::null_mx: break;
    }
    // RFC 7504, RFC 7505, 4.2
    return reject(c, subject.is_sender ? 550 : 556, subject.is_sender ? "5.7.27" : "5.1.10",
        fmt::format("{}Domain {} does not accept mail (nullMX)", label, domain));
}

Verdict unknown_sender_domain(const Context& c) {
    return c.facts.has_sender ? unknown_domain(c, {true, c.facts.sender, c.facts.sender_text}) : dunno();
}

Verdict unknown_recipient_domain(const Context& c) {
    return c.facts.has_recipient ? unknown_domain(c, {false, c.facts.recipient, c.facts.recipient_text}) : dunno();
}

Verdict unknown_helo(const Context& c) {
    const std::string& helo = c.facts.helo;
    if (helo.empty() || address::is_address_literal(helo))
        return dunno();
    Presence presence = presence_of(c, helo, {dns::Type::a, dns::Type::aaaa, dns::Type::mx});
    if (presence == Presence::pending)
        return pending();
    if (presence == Presence::there || presence == Presence::null_mx)
        return dunno();
    int code = presence == Presence::unclear ? 450 : c.services.params.unknown_hostname_reject_code();
    return reject(c, code, "5.7.1", fmt::format("<{}>: Helo command rejected: Host not found", helo));
}

// Any name at all, whether it leads back or not.
Verdict unknown_reverse_client(const Context& c) {
    auto address = dict::parse_ip(c.facts.client_address);
    if (!address || c.facts.client_name != "unknown")
        return dunno();
    const dns::RawAnswer* answer = c.dns.find(dns::reverse_name(*address), dns::Type::ptr);
    if (answer == nullptr)
        return pending();
    if (answer->status == dns::Status::found)
        return dunno();
    int code = answer->status == dns::Status::does_not_exist ? c.services.params.unknown_client_reject_code() : 450;
    return reject(
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

std::optional<Listed> subject_of(const std::string& check, const std::string& list, const Facts& facts) {
    if (check == "reject_rbl_client" || check == "permit_dnswl_client" || check == "reject_rbl") {
        auto address = dict::parse_ip(facts.client_address);
        if (!address)
            return std::nullopt;
        return Listed{list_name(*address, list), "Client host", facts.client_address};
    }
    auto domain = [&](const std::string& name, std::string what, const std::string& value) -> std::optional<Listed> {
        if (name.empty() || name == "unknown" || address::is_address_literal(name) || !address::is_valid_domain(name))
            return std::nullopt;
        return Listed{name + "." + list, std::move(what), value};
    };
    if (check.ends_with("rhsbl_client") || check == "permit_rhswl_client")
        return domain(facts.client_name, "Client host", facts.client_name);
    if (check.ends_with("rhsbl_helo"))
        return domain(facts.helo, "Helo command", facts.helo);
    if (check.ends_with("rhsbl_sender"))
        return facts.has_sender ? domain(facts.sender.domain, "Sender address", facts.sender_text) : std::nullopt;
    return facts.has_recipient ? domain(facts.recipient.domain, "Recipient address", facts.recipient_text) : std::nullopt;
}

// Why, in the list's own words; empty where it gives none.
std::optional<std::string> listing_text(const Context& c, const std::string& name) {
    const dns::RawAnswer* answer = c.dns.find(name, dns::Type::txt);
    if (answer == nullptr)
        return std::nullopt;
    if (answer->status != dns::Status::found)
        return "";
    return text::printable(dns::parse_txt(answer->records[0]).value_or("").substr(0, 300));
}

Verdict ask_list(const std::string& check, const std::string& list, const ReplyFilter& filter, const Context& c) {
    std::optional<Listed> subject = subject_of(check, list, c.facts);
    if (!subject)
        return dunno();
    const dns::RawAnswer* answer = c.dns.find(subject->name, dns::Type::a);
    if (answer == nullptr)
        return pending();
    if (answer->status == dns::Status::temporary_failure || answer->status == dns::Status::bogus) {
        logging::warning("{}: {}: {}", check, subject->name, answer->reason);
        return dunno();  // a list that does not answer lists nobody
    }
    bool listed = false;
    for (const std::string& rdata : answer->records) {
        auto address = dns::parse_address(rdata);
        listed = listed || (address && filter.matches(*address));
    }
    if (!listed)
        return dunno();
    if (check.starts_with("permit_"))
        return permit();
    std::optional<std::string> reason = listing_text(c, subject->name);
    if (!reason)
        return pending();
    std::string text = fmt::format("Service unavailable; {} [{}] blocked using {}{}{}", subject->what, subject->value, list,
        reason->empty() ? "" : "; ", *reason);
    return reject(c, c.services.params.rbl_reject_code(), "5.7.1", std::move(text));
}

}  // namespace

bool is_list_check(const std::string& name) {
    for (std::string_view known : {"reject_rbl_client", "reject_rbl", "permit_dnswl_client", "permit_rhswl_client",
             "reject_rhsbl_client", "reject_rhsbl_helo", "reject_rhsbl_sender", "reject_rhsbl_recipient"})
        if (name == known)
            return true;
    return false;
}

std::expected<Check, std::string> make_list_check(const std::string& name, const std::string& argument) {
    std::size_t equals = argument.find('=');
    std::string list = argument.substr(0, equals);
    auto filter = ReplyFilter::parse(equals == std::string::npos ? "" : std::string_view(argument).substr(equals + 1));
    if (!filter)
        return std::unexpected(fmt::format("{} {}: {}", name, argument, filter.error()));
    if (!dns::can_be_asked(list))
        return std::unexpected(fmt::format("{} {}: \"{}\" is no domain", name, argument, list));
    return [name, list, filter = *filter](const Context& c) { return ask_list(name, list, filter, c); };
}

Check find_dns_check(const std::string& name) {
    if (name == "reject_unknown_sender_domain")
        return unknown_sender_domain;
    if (name == "reject_unknown_recipient_domain")
        return unknown_recipient_domain;
    if (name == "reject_unknown_helo_hostname" || name == "reject_unknown_hostname")
        return unknown_helo;
    if (name == "reject_unknown_reverse_client_hostname")
        return unknown_reverse_client;
    return nullptr;
}

}  // namespace smtpd
