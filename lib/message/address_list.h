// lib/message/address_list.h - the addresses of From, To, Cc and their like: the one parser of them.
//
// Whatever the field holds becomes some list, and everybody gets the same one: what DMARC judges, ENVELOPE shows, Sieve
// tests, cleanup completes and sendmail -t sends to. Encoded words stay encoded. Quoted strings lose their quotes, comments
// are dropped, except that a comment names an address that has no other name.
//
// Lenient and strict are one parse: `ambiguity` tells where two readers may find different addresses. Who decides about
// trust refuses such a field; who only shows it does not care. A form that is merely untidy (dots or brackets in a display
// name, a group that does not end) is not ambiguous.
//
// Standards   RFC 5322, 3.4 and 4.4 (groups, comments, routes, older forms); RFC 3501, 7.4.2 (groups in ENVELOPE)
// Failure     none; at most kMaxAddresses entries, the rest is cut and the field ambiguous.
// Trust       the text comes from strangers; the reader is iterative and linear.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace message {

inline constexpr std::size_t kMaxAddresses = 10'000;

struct Address {
    enum class Kind { mailbox, group_start, group_end };

    Kind kind = Kind::mailbox;
    std::optional<std::string> name;   // display name, or the comment in its place
    std::optional<std::string> route;  // "@a,@b" of a source route
    std::string mailbox;               // local part; the group's name for group_start
    std::string host;                  // domain; empty when missing
    // The addr-spec is one: a local part, and a domain if there is an "@". Others are only shown, never sent to.
    bool is_addr_spec = false;
    // Where the addr-spec stands in the field, so that it can be replaced: [begin, end)
    std::size_t begin = 0;
    std::size_t end = 0;
};

struct AddressList {
    std::vector<Address> addresses;
    std::string_view ambiguity;  // why readers may differ, a sentence's part in static storage; empty: they cannot
};

AddressList read_addresses(std::string_view body);

// The list alone, for showing and searching.
std::vector<Address> parse_address_list(std::string_view body);

}  // namespace message
