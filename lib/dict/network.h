// lib/dict/network.h - address blocks: 192.0.2.0/24, 2001:db8::/32, single addresses.
//
// Failure     parse_network() tells in Postfix's words what is wrong; host bits behind the prefix are an error.
// Trust       addresses to be matched may come from strangers and be anything; what is no address matches nothing.
#pragma once

#include <array>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace dict {

struct IpAddress {
    int family = 0;  // AF_INET or AF_INET6
    std::array<unsigned char, 16> bytes{};

    bool operator==(const IpAddress&) const = default;
};
// "192.0.2.1", "2001:db8::1". Addresses of the kind ::ffff:192.0.2.1 give the IPv4 address.
std::optional<IpAddress> parse_ip(std::string_view text);

class Network {
  public:
    bool contains(const IpAddress& address) const;

  private:
    friend std::expected<Network, std::string> parse_network(std::string_view text);
    IpAddress base_;
    int prefix_ = 0;
};
// address, address/prefix, [address], [address]/prefix
std::expected<Network, std::string> parse_network(std::string_view text);

}  // namespace dict
