// lib/address/mailbox.h - a mailbox: local part and domain.
//
// An address has two written forms. The one on the wire quotes the local part where RFC 5321 wants it:
// "a b"@example.test. The one in tables, queue files and records between our programs does not: a b@example.test;
// the domain begins behind the last "@". text() and quoted() give them, parse_text() reads the second.
//
// Standards   RFC 5321, 4.1.2, 4.1.3 and 4.5.3.1; RFC 6531, 3.3 (UTF-8)
// Failure     nothing here throws or logs.
// Lifetime    values own their text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace address {

struct Mailbox {
    std::string local;   // without quotes
    std::string domain;  // "example.test", "[192.0.2.1]", or empty: to be completed

    std::string text() const;  // "" for the null address
    std::string quoted() const;
    bool empty() const { return local.empty() && domain.empty(); }
    bool operator==(const Mailbox&) const = default;
};

// Splits at the last "@"; cannot fail.
Mailbox parse_text(std::string_view text);

// RFC 5321 quoting of a local part, where it needs any.
std::string quote_local(std::string_view local);
// The same for a whole address in text form, as for logs and SMTP commands.
std::string quote(std::string_view text);

// A name that can be in DNS: labels of letters, digits, "-" and "_", at most 63 octets each, 255 in all. With utf8 also
// labels in UTF-8.
bool is_valid_domain(std::string_view domain, bool utf8 = false);
// "[192.0.2.1]", "[IPv6:2001:db8::1]"
bool is_address_literal(std::string_view domain);
// The address inside a literal, without the "IPv6:"; nothing if it is none.
std::optional<std::string> literal_address(std::string_view domain);

bool is_valid_utf8(std::string_view text);

}  // namespace address
