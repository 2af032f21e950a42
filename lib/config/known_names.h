// lib/config/known_names.h - the parameters that Postfix has, so that its main.cf is understood here.
//
// A name in this list that no program of ours declares is accepted in main.cf, and `malleposte check` says that it
// has no effect. Standards: postconf(5) of Postfix 3.7, and what later versions added.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace config {

bool is_postfix_name(std::string_view name);
std::span<const std::string_view> postfix_names();

// "lmtp_destination_concurrency_limit" is transport "lmtp" and suffix "destination_concurrency_limit": every
// service of master.cf that delivers mail has such parameters. Nothing for other names.
struct TransportName {
    std::string_view transport;
    std::string_view suffix;
};
std::optional<TransportName> split_transport_name(std::string_view name);

}  // namespace config
