// lib/address/resolver.h - where a recipient's mail goes: transport, next hop, class.
//
//     Resolver resolver(params, config::own_addresses(main_cf));
//     std::expected<Route, dict::Failure> route = resolver.resolve(sender, recipient);
//
// Standards   trivial-rewrite(8), transport(5), ADDRESS_CLASS_README
// Failure     dict::Failure: a table cannot answer now; the message waits.
// Lifetime    keeps its tables open; belongs to one thread. stale() tells when they should be opened anew.
// Trust       recipients come from strangers. A local part that would route on from here is followed (user%there@here
//             is user@there), at most a few times, and marks the route as `routed`; whoever relays must refuse such
//             mail from strangers (allow_untrusted_routing).
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "lib/address/address_maps.h"
#include "lib/address/classes.h"
#include "lib/address/mailbox.h"
#include "lib/address/rewrite.h"
#include "lib/config/common_params.h"
#include "lib/dict/table_list.h"

namespace address {

struct Route {
    std::string transport;  // service in master.cf: "smtp", "lmtp", "error"
    std::string nexthop;    // "[mx.example.test]:25", "unix:private/lmtp"; the text for the error transport
    Mailbox recipient;      // after completion
    Class recipient_class = Class::other;
    bool routed = false;  // the sender chose the way: @, % or ! in the local part
};

class Resolver {
  public:
    Resolver(const config::CommonParams& params, std::vector<std::string> own_addresses);

    std::expected<Route, dict::Failure> resolve(const Mailbox& sender, const Mailbox& recipient) const;
    // Completion alone: myorigin, mydomain.
    Mailbox rewrite(Mailbox mailbox) const { return address::rewrite(std::move(mailbox), rewrite_rules_); }

    const Classes& classes() const { return classes_; }
    const RewriteRules& rewrite_rules() const { return rewrite_rules_; }
    const FindRules& find_rules() const { return find_rules_; }
    // Tables and lists that cannot work, for the log at start and for `malleposte check`.
    std::vector<std::string> problems() const;
    bool stale() const;

  private:
    struct Hop {
        std::string transport;
        std::string nexthop;
    };
    using HopResult = std::expected<Hop, dict::Failure>;

    std::expected<Class, dict::Failure> settle_recipient(Mailbox& recipient, bool& routed) const;
    HopResult default_hop(Class recipient_class, const Mailbox& sender, const Mailbox& recipient) const;
    std::expected<std::optional<std::string>, dict::Failure> sender_value(
        const dict::TableList& maps, const std::string& null_key, const Mailbox& sender) const;
    std::expected<std::optional<std::string>, dict::Failure> find_transport(const Mailbox& recipient) const;
    static Hop split_hop(std::string_view text);

    RewriteRules rewrite_rules_;
    FindRules find_rules_;
    Classes classes_;
    dict::TableList transport_maps_;
    dict::TableList sender_relayhost_maps_;
    dict::TableList sender_transport_maps_;
    std::string null_relayhost_key_;
    std::string null_transport_key_;
    std::string local_transport_;
    std::string virtual_transport_;
    std::string relay_transport_;
    std::string default_transport_;
    std::string relayhost_;
    std::string empty_address_recipient_;
    bool show_table_name_;
    bool resolve_dequoted_;
    bool resolve_null_domain_;
    bool resolve_numeric_domain_;
    bool transport_parents_;
};

// The rules for user+extension lookups that the parameters make.
FindRules find_rules(const config::CommonParams& params, const RewriteRules& rewrite_rules);

}  // namespace address
