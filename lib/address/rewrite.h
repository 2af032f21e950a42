// lib/address/rewrite.h - brings an address into the form user@domain.
//
// Standards   ADDRESS_REWRITING_README, "Rewrite addresses to standard form"; trivial-rewrite(8)
// Failure     cannot fail; the null address stays as it is.
#pragma once

#include <string>

#include "lib/address/mailbox.h"
#include "lib/config/common_params.h"

namespace address {

struct RewriteRules {
    std::string myorigin;
    std::string mydomain;
    bool swap_bangpath = true;
    bool percent_hack = true;
    bool append_at_myorigin = true;
    bool append_dot_mydomain = false;
};

// myorigin may name a file that holds the domain, as /etc/mailname on Debian.
RewriteRules rewrite_rules(const config::CommonParams& params);

Mailbox rewrite(Mailbox mailbox, const RewriteRules& rules);

// Whether a local part says how to route on: holds @, % or !, as far as the rules give those a meaning.
bool has_routing(std::string_view local, const RewriteRules& rules);

}  // namespace address
