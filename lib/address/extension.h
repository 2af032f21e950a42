// lib/address/extension.h - user+extension.
//
// Standards   postconf(5): recipient_delimiter, owner_request_special
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace address {

struct Extended {
    std::string_view user;       // both point into the local part
    std::string_view extension;  // without the delimiter
    char delimiter;
};

struct ExtensionRules {
    std::string delimiters;  // recipient_delimiter: any of these
    bool owner_request_special = true;
    std::string double_bounce_sender = "double-bounce";
};

// Nothing when there is no extension: no delimiter, nothing in front of it, or one of the names that are never split
// (mailer-daemon, double-bounce, owner-list and list-request).
std::optional<Extended> split_extension(std::string_view local, const ExtensionRules& rules);

}  // namespace address
