#include "lib/address/mailbox.h"

#include <arpa/inet.h>

#include "lib/text/text.h"

namespace address {
namespace {

constexpr std::string_view kAtomSpecials = "!#$%&'*+-/=?^_`{|}~";

bool is_atom_char(char c) {
    return text::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 || kAtomSpecials.find(c) != std::string_view::npos;
}

bool is_dot_atom(std::string_view local) {
    if (local.empty() || local.front() == '.' || local.back() == '.')
        return false;
    for (std::size_t i = 0; i < local.size(); ++i) {
        if (local[i] == '.' ? local[i - 1] == '.' : !is_atom_char(local[i]))
            return false;
    }
    return true;
}

}  // namespace

std::string Mailbox::text() const { return domain.empty() ? local : local + "@" + domain; }

std::string Mailbox::quoted() const {
    if (empty())
        return {};
    std::string quoted = quote_local(local);
    return domain.empty() ? quoted : quoted + "@" + domain;
}

Mailbox parse_text(std::string_view text) {
    std::size_t at = text.rfind('@');
    if (at == std::string_view::npos)
        return {std::string(text), ""};
    return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

std::string quote_local(std::string_view local) {
    if (is_dot_atom(local))
        return std::string(local);
    std::string quoted = "\"";
    for (char c : local) {
        if (c == '"' || c == '\\' || c == '\r' || c == '\n')
            quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

std::string quote(std::string_view text) { return text.empty() ? std::string() : parse_text(text).quoted(); }

bool is_valid_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        unsigned char lead = static_cast<unsigned char>(text[i]);
        std::size_t more = lead < 0x80                   ? 0
                           : lead >= 0xc2 && lead < 0xe0 ? 1
                           : (lead & 0xf0) == 0xe0       ? 2
                           : lead >= 0xf0 && lead < 0xf5 ? 3
                                                         : 4;
        if (more == 4 || i + more >= text.size() + (more == 0 ? 1 : 0))
            return false;
        unsigned long point = more == 0 ? lead : lead & (0x3fu >> more);
        for (std::size_t k = 1; k <= more; ++k) {
            unsigned char next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80)
                return false;
            point = point << 6 | (next & 0x3f);
        }
        bool overlong = (more == 2 && point < 0x800) || (more == 3 && point < 0x10000);
        if (overlong || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff)
            return false;
        i += more + 1;
    }
    return true;
}

bool is_valid_domain(std::string_view domain, bool utf8) {
    if (domain.empty() || domain.size() > 255)
        return false;
    if (utf8 && !is_valid_utf8(domain))
        return false;
    std::size_t label = 0;
    for (std::size_t i = 0; i < domain.size(); ++i) {
        char c = domain[i];
        if (c == '.') {
            if (label == 0 || domain[i - 1] == '-')
                return false;
            label = 0;
            continue;
        }
        bool plain = text::is_alnum(c) || c == '_' || (c == '-' && label > 0);
        if (!plain && !(utf8 && static_cast<unsigned char>(c) >= 0x80))
            return false;
        if (++label > 63)
            return false;
    }
    return label > 0 && domain.back() != '-';
}

std::optional<std::string> literal_address(std::string_view domain) {
    if (domain.size() < 3 || domain.front() != '[' || domain.back() != ']')
        return std::nullopt;
    std::string inside(domain.substr(1, domain.size() - 2));
    unsigned char bytes[16];
    if (text::starts_with_ignoring_case(inside, "IPv6:")) {
        inside.erase(0, 5);
        if (inside.size() < 46 && ::inet_pton(AF_INET6, inside.c_str(), bytes) == 1)
            return inside;
        return std::nullopt;
    }
    if (inside.size() < 16 && ::inet_pton(AF_INET, inside.c_str(), bytes) == 1)
        return inside;
    return std::nullopt;
}

bool is_address_literal(std::string_view domain) { return literal_address(domain).has_value(); }

}  // namespace address
