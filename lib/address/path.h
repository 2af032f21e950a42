// lib/address/path.h - the argument of MAIL FROM: and RCPT TO:.
//
//     <user@example.test>   <>   <@relay:user@example.test> (the route is dropped)   <"a b"@example.test>
//
// Not strict, also what clients have always sent: no angle brackets, blank space around the address, a dot too many in
// the local part, a trailing dot in the domain, a phrase or comment beside the brackets.
//
// Standards   RFC 5321, 4.1.2, 4.1.3, 4.5.3.1; RFC 6531
// Failure     a reason for the log; the reply is the caller's.
// Trust       the argument comes from strangers. Time is linear in its length; control characters, octets above 127
//             (unless utf8 and valid) and anything behind the address that is no parameter are refused.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "lib/address/mailbox.h"

namespace address {

struct PathOptions {
    bool strict = false;  // strict_rfc821_envelopes
    bool utf8 = false;    // the client has asked for SMTPUTF8
};

struct Path {
    Mailbox mailbox;         // empty for <>
    std::string parameters;  // what follows, "SIZE=1000 BODY=8BITMIME"
    bool had_route = false;
};

std::expected<Path, std::string> parse_path(std::string_view argument, const PathOptions& options = {});

// An addr-spec alone, as in a table or on a command line: user, user@domain, "quoted"@domain.
std::expected<Mailbox, std::string> parse_mailbox(std::string_view text, const PathOptions& options = {});

}  // namespace address
