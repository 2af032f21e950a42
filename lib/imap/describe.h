// lib/imap/describe.h - ENVELOPE, BODY and BODYSTRUCTURE of a message.
//
// Standards   RFC 3501, 7.4.2
// Failure     none; every message has some envelope and structure that a strict client can read.
// Trust       messages come from strangers; the lengths of the answers follow the parser's limits.
#pragma once

#include <string>
#include <string_view>

#include "lib/message/structure.h"

namespace imap {

// `("date" "subject" ((...)) ...)` of a header, which may be followed by more text.
std::string format_envelope(std::string_view header);

// `extended` is BODYSTRUCTURE, otherwise BODY. `text` is what the structure was made from.
std::string format_body_structure(const message::Structure& structure, std::string_view text, bool extended);

}  // namespace imap
