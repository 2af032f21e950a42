// lib/imap/mailbox_name.h - mailbox names: modified UTF-7, INBOX, patterns of LIST.
//
// Standards   RFC 3501, 5.1 and 5.1.3 (modified UTF-7), 6.3.8 (wildcards)
// Failure     decoding gives no value for what is not the one right spelling of a name.
// Trust       names and patterns come from strangers; matching takes name times pattern at most.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace imap {

// UTF-8 of a modified UTF-7 name; nothing if it is not well-formed or not the canonical form.
std::optional<std::string> decode_utf7(std::string_view name);
std::string encode_utf7(std::string_view utf8);

// "inbox" and "InBoX/x" become "INBOX" and "INBOX/x" (RFC 3501, 5.1).
std::string canonical_mailbox(std::string_view name, char separator);

// "*" matches anything, "%" anything without the separator.
bool matches_pattern(std::string_view name, std::string_view pattern, char separator);

}  // namespace imap
