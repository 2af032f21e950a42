#include "lib/address/resolver.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/dict/network.h"
#include "lib/text/text.h"

namespace address {
namespace {

// "a%b%c@here": how often we unwrap. More than this is somebody's game.
constexpr int kMaxRouting = 10;

bool contains(const config::List& list, std::string_view item) { return std::ranges::find(list, item) != list.end(); }

}  // namespace

FindRules find_rules(const config::CommonParams& params, const RewriteRules& rewrite_rules) {
    return {{params.recipient_delimiter(), params.owner_request_special(), params.double_bounce_sender()},
        rewrite_rules.myorigin};
}

Resolver::Resolver(const config::CommonParams& params, std::vector<std::string> own_addresses)
    : rewrite_rules_(address::rewrite_rules(params)),
      find_rules_(address::find_rules(params, rewrite_rules_)),
      classes_(params, std::move(own_addresses)),
      transport_maps_(dict::TableList::open("transport_maps", params.transport_maps())),
      sender_relayhost_maps_(
          dict::TableList::open("sender_dependent_relayhost_maps", params.sender_dependent_relayhost_maps())),
      sender_transport_maps_(dict::TableList::open(
          "sender_dependent_default_transport_maps", params.sender_dependent_default_transport_maps())),
      null_relayhost_key_(params.empty_address_relayhost_maps_lookup_key()),
      null_transport_key_(params.empty_address_default_transport_maps_lookup_key()),
      local_transport_(params.local_transport()),
      virtual_transport_(params.virtual_transport()),
      relay_transport_(params.relay_transport()),
      default_transport_(params.default_transport()),
      relayhost_(params.relayhost()),
      empty_address_recipient_(params.empty_address_recipient()),
      show_table_name_(params.show_user_unknown_table_name()),
      resolve_dequoted_(params.resolve_dequoted_address()),
      resolve_null_domain_(params.resolve_null_domain()),
      resolve_numeric_domain_(params.resolve_numeric_domain()),
      transport_parents_(contains(params.parent_domain_matches_subdomains(), "transport_maps")) {}

Resolver::Hop Resolver::split_hop(std::string_view text) {
    std::size_t colon = text.find(':');
    if (colon == std::string_view::npos)
        return {std::string(text::trim(text)), ""};
    return {std::string(text::trim(text.substr(0, colon))), std::string(text::trim(text.substr(colon + 1)))};
}

// Completes the recipient, follows routing through domains of this host, and finds the class of what is left.
event::Task<Classes::Found> Resolver::settle_recipient(
    const question::Asker& asker, Mailbox& recipient, bool& routed) const {
    if (recipient.empty())
        recipient = {empty_address_recipient_, ""};
    for (int i = 0;; ++i) {
        recipient = rewrite(std::move(recipient));
        if (resolve_numeric_domain_ && dict::parse_ip(recipient.domain))
            recipient.domain = recipient.domain.find(':') == std::string::npos ? "[" + recipient.domain + "]"
                                                                               : "[IPv6:" + recipient.domain + "]";
        dict::Matched local = resolve_null_domain_;
        if (!recipient.domain.empty())
            local = co_await classes_.is_local(asker, recipient.domain);
        if (!local)
            co_return std::unexpected(local.error());
        bool routes = resolve_dequoted_ && has_routing(recipient.local, rewrite_rules_);
        if (!*local) {
            routed = routed || routes;
            co_return co_await classes_.find(asker, recipient.domain);
        }
        // A routing local part of a domain that is ours: strip the domain and look at what is left.
        Mailbox inner = routes && i < kMaxRouting ? rewrite({recipient.local, ""}) : recipient;
        if (inner.local == recipient.local || inner.local.empty()) {
            routed = routed || routes;
            co_return co_await classes_.find(asker, recipient.domain);
        }
        routed = true;
        recipient = std::move(inner);
    }
}

question::Pending<dict::Answer> Resolver::sender_value(
    const question::Asker& asker, const dict::TableList& maps, const std::string& null_key, const Mailbox& sender) const {
    if (maps.empty())
        return std::optional<std::string>();
    if (sender.empty())
        return maps.lookup(asker, null_key);
    return sender_entry(asker, maps, sender);
}

event::Task<dict::Answer> Resolver::sender_entry(
    const question::Asker& asker, const dict::TableList& maps, const Mailbox& sender) const {
    FindResult found = co_await find_address(asker, maps, sender, classes_, find_rules_);
    if (!found)
        co_return std::unexpected(found.error());
    co_return *found ? std::optional<std::string>((*found)->value) : std::nullopt;
}

event::Task<Resolver::HopResult> Resolver::default_hop(
    const question::Asker& asker, Class recipient_class, const Mailbox& sender, const Mailbox& recipient) const {
    auto with_nexthop = [&](Hop hop) {
        if (hop.nexthop.empty())
            hop.nexthop = recipient.domain;
        return hop;
    };
    Hop hop;
    switch (recipient_class) {
    case Class::local: hop = split_hop(local_transport_); co_return with_nexthop(std::move(hop));
    case Class::virtual_mailbox: hop = split_hop(virtual_transport_); co_return with_nexthop(std::move(hop));
    case Class::virtual_alias:
        hop.transport = "error";
        hop.nexthop = std::string("5.1.1 User unknown") + (show_table_name_ ? " in virtual alias table" : "");
        co_return hop;
    case Class::relay:
    case Class::other: break;
    }
    std::string transport = recipient_class == Class::relay ? relay_transport_ : default_transport_;
    if (recipient_class == Class::other) {
        dict::Answer by_sender = co_await sender_value(asker, sender_transport_maps_, null_transport_key_, sender);
        if (!by_sender)
            co_return std::unexpected(by_sender.error());
        // transport(5)-like values; DUNNO keeps what is configured.
        if (*by_sender && !text::equal_ignoring_case(**by_sender, "DUNNO"))
            transport = **by_sender;
    }
    hop = split_hop(transport);
    if (!hop.nexthop.empty())
        co_return hop;
    dict::Answer by_sender = co_await sender_value(asker, sender_relayhost_maps_, null_relayhost_key_, sender);
    if (!by_sender)
        co_return std::unexpected(by_sender.error());
    if (*by_sender && !text::equal_ignoring_case(**by_sender, "DUNNO"))
        hop.nexthop = **by_sender;
    else
        hop.nexthop = relayhost_;
    co_return with_nexthop(std::move(hop));
}

// transport(5): user+extension@domain, user@domain, domain, .parents, *.
event::Task<dict::Answer> Resolver::find_transport(const question::Asker& asker, const Mailbox& recipient) const {
    constexpr auto kPart = dict::KeyKind::part;
    std::string key = recipient.text();
    dict::Answer answer = co_await transport_maps_.lookup(asker, key);
    auto open = [&] { return answer && !*answer; };
    std::optional<Extended> extended = split_extension(recipient.local, find_rules_.extension);
    if (open() && extended) {
        key = std::string(extended->user) + "@" + recipient.domain;
        answer = co_await transport_maps_.lookup(asker, key, kPart);
    }
    std::string_view domain = recipient.domain;
    if (open() && !domain.empty())
        answer = co_await transport_maps_.lookup(asker, domain, kPart);
    for (std::size_t dot = domain.find('.'); open() && dot != std::string_view::npos && domain.front() != '[';
         dot = domain.find('.', dot + 1)) {
        std::string_view parent = domain.substr(transport_parents_ ? dot + 1 : dot);
        answer = co_await transport_maps_.lookup(asker, parent, kPart);
    }
    if (open())
        answer = co_await transport_maps_.lookup(asker, "*", kPart);
    co_return answer;
}

event::Task<std::expected<Route, dict::Failure>> Resolver::resolve(
    const question::Asker& asker, Mailbox sender, Mailbox recipient) const {
    Route route;
    route.recipient = std::move(recipient);
    Classes::Found found = co_await settle_recipient(asker, route.recipient, route.routed);
    if (!found)
        co_return std::unexpected(found.error());
    route.recipient_class = *found;
    HopResult hop = co_await default_hop(asker, *found, sender, route.recipient);
    if (!hop)
        co_return std::unexpected(hop.error());
    dict::Answer entry = std::optional<std::string>();
    if (!transport_maps_.empty())
        entry = co_await find_transport(asker, route.recipient);
    if (!entry)
        co_return std::unexpected(entry.error());
    if (*entry) {
        // "transport:" starts over with the recipient's domain; ":nexthop" keeps the transport; ":" changes nothing.
        Hop wanted = split_hop(**entry);
        if (!wanted.transport.empty()) {
            hop->transport = wanted.transport;
            hop->nexthop = wanted.nexthop.empty() ? route.recipient.domain : wanted.nexthop;
        } else if (!wanted.nexthop.empty()) {
            hop->nexthop = wanted.nexthop;
        }
    }
    route.transport = std::move(hop->transport);
    route.nexthop = std::move(hop->nexthop);
    if (asker.record != nullptr)
        asker.record->decided(fmt::format("<{}> is of class {} and goes by {} to {}", route.recipient.text(),
            class_name(route.recipient_class), route.transport, route.nexthop));
    co_return route;
}

std::vector<std::string> Resolver::problems() const {
    std::vector<std::string> all = classes_.problems();
    for (const dict::TableList* list : {&transport_maps_, &sender_relayhost_maps_, &sender_transport_maps_}) {
        for (const std::string& problem : list->problems())
            all.push_back(list->name() + ": " + problem);
    }
    return all;
}

bool Resolver::stale() const {
    return classes_.stale() || transport_maps_.stale() || sender_relayhost_maps_.stale() || sender_transport_maps_.stale();
}

}  // namespace address
