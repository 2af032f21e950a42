// lib/dmarc/author.h - the domains that a message claims to come from: those of its From fields.
//
// What counts is the address between "<" and ">", raw: display names, encoded words, groups and comments do not. The parse
// is lib/message's, the one that ENVELOPE and Sieve have.
//
// Standards   RFC 7489, 6.6.1; RFC 5322, 3.6.2; RFC 5891 (U-labels become A-labels)
// Failure     an address without a domain, with a literal or with a name that cannot be one gives an unusable author.
// Trust       From is written by whoever wants to be believed: every address in every From field is taken.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dmarc {

struct Authors {
    std::vector<std::string> domains;  // A-labels, lower case, each once, in order
    bool any_field = false;            // there is a From field
    bool unusable = false;             // an address without a domain that the DNS could know, or no address at all
    std::string_view ambiguity;        // why readers may see other authors than these; empty: they do not
};

// `bodies` are what stands behind the colon of each From field.
Authors find_authors(const std::vector<std::string_view>& bodies);

}  // namespace dmarc
