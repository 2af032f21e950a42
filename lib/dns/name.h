// lib/dns/name.h - domain names: what may be asked for, and their form in messages.
//
// As text a name has no last dot. In a name that came out of a message an octet that would make the text ambiguous
// is written as in zone files (`\.`, `\032`), so a stranger's name never looks like another one.
//
// Standards   RFC 1035, 2.3.4 and 3.1; RFC 3596, 2.5
// Failure     no value for what the DNS cannot hold.
// Trust       every argument may come from a stranger.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/dict/network.h"

namespace dns {

// Labels of 1 to 63 octets, at most 253 with the dots. Octets are not looked at: _spf, and worse, may be asked for.
bool can_be_asked(std::string_view name);

// The name in a message, uncompressed, of text as zone files write it (escapes, a last dot or none, "." the root).
std::optional<std::string> encode_name(std::string_view text);
// The first `octets` of it that are a name, as text; `used` tells how many those were.
std::optional<std::string> decode_name(std::string_view octets, std::size_t* used = nullptr);

// "1.2.0.192.in-addr.arpa", "1.0. ... .ip6.arpa"
std::string reverse_name(const dict::IpAddress& address);
// "192.0.2.1", "2001:db8::1"
std::string address_text(const dict::IpAddress& address);

}  // namespace dns
