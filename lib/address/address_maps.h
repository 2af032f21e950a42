// lib/address/address_maps.h - looks an address up in tables that are keyed by address.
//
// Order       user+extension@domain, user@domain, then for domains of this host user+extension and user, then @domain.
// Standards   virtual(5), canonical(5): "TABLE SEARCH ORDER"
// Failure     a table that cannot answer ends the search with dict::Failure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/address/classes.h"
#include "lib/address/extension.h"
#include "lib/address/mailbox.h"
#include "lib/dict/table_list.h"

namespace address {

struct FindRules {
    ExtensionRules extension;
    std::string myorigin;  // user@myorigin is found under "user" as well
};

struct FoundEntry {
    std::string value;
    // The part of the address that the key left out, with its delimiter: "+extension". Empty when the whole was found.
    std::string unmatched_extension;
    bool by_domain = false;  // found under @domain
};

using FindResult = std::expected<std::optional<FoundEntry>, dict::Failure>;

// The rules and classes outlive the search.
question::Pending<FindResult> find_address(const question::Asker& asker, const dict::TableList& maps, const Mailbox& mailbox,
    const Classes& classes, const FindRules& rules);

}  // namespace address
