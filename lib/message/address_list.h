// lib/message/address_list.h - address lists of From, To, Cc and their like.
//
// Lenient reading for display and search: whatever the header holds becomes some list. Encoded words
// stay encoded. Quoted strings lose their quotes, comments are dropped, except that a comment names
// an address that has no other name.
//
// Standards   RFC 5322, 3.4 and 4.4 (routes); RFC 3501, 7.4.2 (groups in ENVELOPE)
// Failure     none; at most kMaxAddresses entries, the rest is cut.
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
};

std::vector<Address> parse_address_list(std::string_view body);

}  // namespace message
