#include "lib/dict/network.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "lib/text/text.h"

namespace dict {
namespace {

constexpr std::array<unsigned char, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<IpAddress> parse_unmapped(std::string_view text) {
    if (text.empty() || text.size() > INET6_ADDRSTRLEN)
        return std::nullopt;
    std::string copy(text);
    IpAddress address;
    if (::inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) {
        address.family = AF_INET;
        return address;
    }
    if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) {
        address.family = AF_INET6;
        return address;
    }
    return std::nullopt;
}

bool bit(const IpAddress& address, int index) {
    return (address.bytes[static_cast<std::size_t>(index) / 8] & (0x80 >> (index % 8))) != 0;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
    std::optional<IpAddress> address = parse_unmapped(text);
    if (address && address->family == AF_INET6 &&
        std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address->bytes.begin())) {
        IpAddress v4;
        v4.family = AF_INET;
        std::copy(address->bytes.begin() + 12, address->bytes.end(), v4.bytes.begin());
        return v4;
    }
    return address;
}

bool Network::contains(const IpAddress& address) const {
    if (address.family != base_.family)
        return false;
    std::size_t whole = static_cast<std::size_t>(prefix_) / 8;
    if (std::memcmp(address.bytes.data(), base_.bytes.data(), whole) != 0)
        return false;
    int rest = prefix_ % 8;
    if (rest == 0)
        return true;
    unsigned mask = 0xff00u >> rest & 0xff;
    return (address.bytes[whole] & mask) == (base_.bytes[whole] & mask);
}

std::expected<Network, std::string> parse_network(std::string_view text) {
    std::string_view address = text;
    std::string_view prefix;
    bool has_prefix = false;
    if (address.starts_with('[')) {
        std::size_t close = address.find(']');
        if (close == std::string_view::npos)
            return std::unexpected(fmt::format("missing ']' character after \"{}\"", text));
        prefix = address.substr(close + 1);
        address = address.substr(1, close - 1);
        if (!prefix.empty() && prefix.front() != '/')
            return std::unexpected(fmt::format("garbage after \"[{}]\"", address));
        has_prefix = !prefix.empty();
        if (has_prefix)
            prefix.remove_prefix(1);
    } else if (std::size_t slash = address.find('/'); slash != std::string_view::npos) {
        prefix = address.substr(slash + 1);
        address = address.substr(0, slash);
        has_prefix = true;
    }
    std::optional<IpAddress> base = parse_unmapped(address);
    if (!base)
        return std::unexpected(fmt::format("bad {} pattern: \"{}\"", has_prefix ? "net/mask" : "address", text));
    int bits = base->family == AF_INET ? 32 : 128;
    Network network;
    network.base_ = *base;
    network.prefix_ = bits;
    if (has_prefix) {
        std::optional<std::uint64_t> length = text::parse_number(prefix);
        if (!length || *length > static_cast<std::uint64_t>(bits))
            return std::unexpected(fmt::format("bad net/mask pattern: \"{}\"", text));
        network.prefix_ = static_cast<int>(*length);
    }
    IpAddress masked = *base;
    for (int i = network.prefix_; i < bits; ++i) {
        if (bit(*base, i))
            masked.bytes[static_cast<std::size_t>(i) / 8] &= static_cast<unsigned char>(~(0x80 >> (i % 8)));
    }
    if (masked != *base) {
        char right[INET6_ADDRSTRLEN] = "";
        ::inet_ntop(masked.family, masked.bytes.data(), right, sizeof right);
        return std::unexpected(
            fmt::format("non-null host address bits in \"{}\", perhaps you should use \"{}/{}\" "
                        "instead",
                text, right, network.prefix_));
    }
    return network;
}

}  // namespace dict
