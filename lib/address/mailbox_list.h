// lib/address/mailbox_list.h - a list of mailboxes as in a table's value, on the command line or in To: "alice,
// bob@example.test".
//
// Standards   RFC 5322, 3.4 and 4.4, by lib/message's parser
// Failure     what is no addr-spec is left out; the rest is found.
// Trust       as the text; time is linear in its length.
#pragma once

#include <string_view>
#include <vector>

#include "lib/address/mailbox.h"

namespace address {

std::vector<Mailbox> parse_mailbox_list(std::string_view text);

}  // namespace address
