// lib/address/header_addresses.h - the addresses in a To, Cc, Bcc, From, Sender or Reply-To field.
//
// Standards   RFC 5322, 3.4 and 4.4 (groups, comments, routes and the older forms people still send)
// Failure     what cannot be read is left out; the rest is found. Nothing here throws or logs.
// Trust       the field comes from strangers; time is linear in its length, nesting of comments is only counted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/address/mailbox.h"

namespace address {

struct HeaderAddress {
    Mailbox mailbox;
    std::string name;  // the phrase in front of <...>, unquoted; may be empty
    // Where the addr-spec stands in the field, so that it can be replaced: [begin, end)
    std::size_t begin = 0;
    std::size_t end = 0;
};

std::vector<HeaderAddress> parse_header_addresses(std::string_view field);

// A list as in a table's value or on the command line: "alice, bob@example.test". Same grammar.
std::vector<Mailbox> parse_address_list(std::string_view text);

}  // namespace address
