#include "lib/dns/name.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include "lib/text/text.h"

namespace dns {
namespace {

constexpr std::size_t kMaxLabel = 63, kMaxWire = 255, kMaxText = 253;

// The octet at `at`, which may be written \c or \DDD; moves behind it.
std::optional<char> unescape(std::string_view text, std::size_t& at) {
    if (text[at] != '\\')
        return text[at++];
    if (++at >= text.size())
        return std::nullopt;
    if (!text::is_digit(text[at]))
        return text[at++];
    auto value = text::parse_number(text.substr(at, 3));
    if (at + 3 > text.size() || !value || *value > 255)
        return std::nullopt;
    at += 3;
    return static_cast<char>(*value);
}

void append_octet(std::string& text, char c) {
    auto octet = static_cast<unsigned char>(c);
    if (octet <= ' ' || octet >= 0x7f)
        text += fmt::format("\\{:03}", octet);
    else if (c == '.' || c == '\\' || c == '"' || c == ';')
        text.append({'\\', c});
    else
        text += c;
}

}  // namespace

bool can_be_asked(std::string_view name) {
    if (name.empty() || name.size() > kMaxText)
        return false;
    std::size_t length = 0;
    for (char c : name) {
        if (c == '.') {
            if (length == 0)
                return false;
            length = 0;
        } else if (++length > kMaxLabel) {
            return false;
        }
    }
    return length > 0;
}

std::optional<std::string> encode_name(std::string_view text) {
    if (text == ".")
        return std::string(1, '\0');
    std::string wire, label;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '.') {
            if (label.empty())
                return std::nullopt;
            wire += static_cast<char>(label.size());
            wire += label;
            label.clear();
            ++at;
            continue;
        }
        std::optional<char> octet = unescape(text, at);
        if (!octet || label.size() == kMaxLabel)
            return std::nullopt;
        label += *octet;
    }
    if (!label.empty()) {
        wire += static_cast<char>(label.size());
        wire += label;
    }
    wire += '\0';
    if (wire.size() == 1 || wire.size() > kMaxWire)
        return std::nullopt;
    return wire;
}

std::optional<std::string> decode_name(std::string_view octets, std::size_t* used) {
    std::string name;
    for (std::size_t at = 0; at < octets.size() && at < kMaxWire;) {
        auto length = static_cast<unsigned char>(octets[at++]);
        if (length == 0) {
            if (used != nullptr)
                *used = at;
            return name;
        }
        if (length > kMaxLabel || at + length > octets.size())
            return std::nullopt;
        if (!name.empty())
            name += '.';
        for (char c : octets.substr(at, length))
            append_octet(name, c);
        at += length;
    }
    return std::nullopt;
}

std::string reverse_name(const dict::IpAddress& address) {
    const auto& b = address.bytes;
    if (address.family == AF_INET)
        return fmt::format("{}.{}.{}.{}.in-addr.arpa", b[3], b[2], b[1], b[0]);
    std::string name;
    for (std::size_t i = 16; i-- > 0;)
        name += fmt::format("{:x}.{:x}.", b[i] & 15, b[i] >> 4);
    return name + "ip6.arpa";
}

std::string address_text(const dict::IpAddress& address) {
    char text[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(address.family, address.bytes.data(), text, sizeof text);
    return text;
}

}  // namespace dns
