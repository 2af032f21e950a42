// lib/address/resolver.h - where a recipient's mail goes: transport, next hop, class.
//
//     Resolver resolver(params, config::own_addresses(main_cf));
//     std::expected<Route, dict::Failure> route = co_await resolver.resolve(asker, sender, recipient);
//
// Standards   trivial-rewrite(8), transport(5), ADDRESS_CLASS_README
// Failure     dict::Failure: a table cannot answer now; the message waits.
// Lifetime    keeps its tables open; belongs to one thread. stale() tells when they should be opened anew. It outlives what
//             is being resolved: who replaces a resolver keeps the old one for those who still wait in it.
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

    event::Task<std::expected<Route, dict::Failure>> resolve(
        const question::Asker& asker, Mailbox sender, Mailbox recipient) const;
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

    event::Task<Classes::Found> settle_recipient(const question::Asker& asker, Mailbox& recipient, bool& routed) const;
    event::Task<HopResult> default_hop(
        const question::Asker& asker, Class recipient_class, const Mailbox& sender, const Mailbox& recipient) const;
    question::Pending<dict::Answer> sender_value(
        const question::Asker& asker, const dict::TableList& maps, const std::string& null_key, const Mailbox& sender) const;
    event::Task<dict::Answer> sender_entry(
        const question::Asker& asker, const dict::TableList& maps, const Mailbox& sender) const;
    event::Task<dict::Answer> find_transport(const question::Asker& asker, const Mailbox& recipient) const;
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
