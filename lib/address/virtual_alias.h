// lib/address/virtual_alias.h - virtual_alias_maps: one recipient becomes others.
//
// Standards   virtual(5)
// Failure     Temporary when a table cannot answer; too_large when a limit is passed, which is the administrator's
//             mistake: the message is refused with "try later" either way, never delivered half.
// Trust       the recipient comes from strangers, the tables are the administrator's.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "lib/address/resolver.h"

namespace address {

struct ExpansionFailure {
    enum class Kind { table, too_large } kind;
    std::string text;
};

class VirtualAliases {
  public:
    VirtualAliases(const config::CommonParams& params, const Resolver& resolver);

    // The recipients that this one stands for, completed; itself when no table knows it. Each once.
    using Expanded = std::expected<std::vector<Mailbox>, ExpansionFailure>;
    event::Task<Expanded> expand(const question::Asker& asker, Mailbox recipient) const;
    // One step: what the tables say about this address.
    using Step = std::expected<std::optional<std::vector<Mailbox>>, dict::Failure>;
    event::Task<Step> find(const question::Asker& asker, Mailbox recipient) const;

    const dict::TableList& maps() const { return maps_; }

  private:
    const Resolver& resolver_;
    dict::TableList maps_;
    std::size_t expansion_limit_;
    std::size_t recursion_limit_;
    std::size_t length_limit_;
    bool propagate_extension_;
};

// The addresses in a table's value: "a@example.test, b", "@other.test" (same user there), with the unmatched
// extension appended where the parameters ask for it. For every map of virtual(5) and canonical(5) kind.
std::vector<Mailbox> values_to_mailboxes(
    const FoundEntry& found, const Mailbox& looked_up, bool propagate_extension, const RewriteRules& rules);

}  // namespace address
