#include "lib/spf/macro.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "lib/dns/name.h"
#include "lib/text/text.h"

namespace spf {
namespace {

using Failure = std::unexpected<std::string>;

constexpr std::size_t kMaxName = 253;

// RFC 7208, 7.1: toplabel. Letters, digits and inner hyphens, not digits alone.
bool is_top_label(std::string_view label) {
    if (label.empty() || label.front() == '-' || label.back() == '-')
        return false;
    bool all_digits = true;
    for (char c : label) {
        if (!text::is_alnum(c) && c != '-')
            return false;
        all_digits = all_digits && text::is_digit(c);
    }
    return !all_digits;
}

// The literal text behind the last macro decides where a domain-spec ends.
bool ends_domain(std::string_view literal) {
    if (literal.ends_with('.'))
        literal.remove_suffix(1);
    std::size_t dot = literal.rfind('.');
    return dot != std::string_view::npos && is_top_label(literal.substr(dot + 1));
}

std::string nibbles(const dict::IpAddress& address) {
    std::string text;
    for (unsigned char octet : address.bytes)
        text += fmt::format("{}{:x}.{:x}", text.empty() ? "" : ".", octet >> 4, octet & 15);
    return text;
}

std::string value_of(char letter, const MacroValues& values) {
    bool v4 = values.client.family == AF_INET;
    switch (letter) {
    case 's': return values.local_part + "@" + values.sender_domain;
    case 'l': return values.local_part;
    case 'o': return values.sender_domain;
    case 'd': return values.domain;
    case 'i': return v4 ? dns::address_text(values.client) : nibbles(values.client);
    case 'p': return values.client_name;
    case 'v': return v4 ? "in-addr" : "ip6";
    case 'h': return values.helo;
    case 'c': return dns::address_text(values.client);
    case 'r': return values.receiver;
    case 't': return std::to_string(values.now);
    default: return {};
    }
}

// RFC 7208, 7.3: everything but RFC 3986's unreserved characters.
std::string url_escaped(std::string_view text) {
    std::string escaped;
    for (char c : text) {
        if (text::is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
            escaped += c;
        else
            escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return escaped;
}

std::vector<std::string_view> split_all(std::string_view text, std::string_view delimiters) {
    std::vector<std::string_view> parts;
    for (;;) {
        std::size_t end = text.find_first_of(delimiters);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

}  // namespace

void MacroString::append(std::string_view literal) {
    if (pieces_.empty() || pieces_.back().letter != 0)
        pieces_.emplace_back();
    pieces_.back().literal += literal;
}

// At "%{"; moves behind "}".
std::expected<MacroString::Piece, std::string> MacroString::parse_macro(std::string_view text, std::size_t& at, Kind kind) {
    std::size_t end = text.find('}', at);
    if (end == std::string_view::npos)
        return Failure("a macro is not closed");
    std::string_view inside = text.substr(at + 2, end - at - 2);
    at = end + 1;
    constexpr std::string_view kLetters = "slodipvhcrt", kOnlyExplained = "crt";
    Piece piece;
    piece.letter = inside.empty() ? '\0' : text::to_lower(inside[0]);
    if (piece.letter == 0 || kLetters.find(piece.letter) == std::string_view::npos)
        return Failure(fmt::format("%{{{}}} is no macro", inside));
    if (kind == Kind::domain_spec && kOnlyExplained.find(piece.letter) != std::string_view::npos)
        return Failure(fmt::format("%{{{}}} is for explanations only", inside));
    piece.escape = inside[0] != piece.letter;
    inside.remove_prefix(1);
    std::size_t digits = std::min(inside.find_first_not_of("0123456789"), inside.size());
    if (digits > 0) {
        // More than a name has labels is the same as all of them.
        auto parts = text::parse_number(inside.substr(0, digits));
        if (parts == 0u)
            return Failure("a macro asks for no parts of its value");
        piece.parts = static_cast<unsigned>(std::min<std::uint64_t>(parts.value_or(1000), 1000));
    }
    inside.remove_prefix(digits);
    if (!inside.empty() && text::to_lower(inside[0]) == 'r') {
        piece.reverse = true;
        inside.remove_prefix(1);
    }
    if (inside.find_first_not_of(".-+,/_=") != std::string_view::npos)
        return Failure(fmt::format("\"{}\" is no delimiter of a macro", inside));
    piece.delimiters = inside.empty() ? "." : inside;
    return piece;
}

std::expected<MacroString, std::string> MacroString::parse(std::string_view text, Kind kind) {
    MacroString result;
    bool ends_in_macro = false;
    for (std::size_t at = 0; at < text.size();) {
        char c = text[at];
        ends_in_macro = false;
        if (c != '%') {
            bool blank = c == ' ' && kind == Kind::explanation;
            if ((c < '!' || c > '~') && !blank)
                return Failure("a character that is not printable ASCII");
            result.append(text.substr(at++, 1));
            continue;
        }
        char next = at + 1 < text.size() ? text[at + 1] : '\0';
        if (next == '{') {
            auto piece = parse_macro(text, at, kind);
            if (!piece)
                return Failure(piece.error());
            result.pieces_.push_back(std::move(*piece));
        } else if (next == '%' || next == '_' || next == '-') {
            result.append(next == '%' ? "%" : next == '_' ? " " : "%20");
            at += 2;
        } else {
            return Failure("a % that begins no macro");
        }
        ends_in_macro = true;
    }
    if (kind == Kind::domain_spec) {
        std::size_t literal = text.rfind('}') == std::string_view::npos ? 0 : text.rfind('}') + 1;
        if (text.empty() || (!ends_in_macro && !ends_domain(text.substr(literal))))
            return Failure(fmt::format("\"{}\" is no domain", text));
    }
    return result;
}

bool MacroString::uses_client_name() const {
    return std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.letter == 'p'; });
}

std::string MacroString::expand(const MacroValues& values) const {
    std::string result;
    for (const Piece& piece : pieces_) {
        if (result.size() > kMaxExpansion)
            break;
        if (piece.letter == 0) {
            result += piece.literal;
            continue;
        }
        std::string value = value_of(piece.letter, values);
        std::vector<std::string_view> parts = split_all(value, piece.delimiters);
        if (piece.reverse)
            std::reverse(parts.begin(), parts.end());
        if (piece.parts > 0 && piece.parts < parts.size())
            parts.erase(parts.begin(), parts.end() - piece.parts);
        std::string joined;
        for (std::size_t i = 0; i < parts.size(); ++i)
            joined.append(i > 0 ? "." : "").append(parts[i]);
        result += piece.escape ? url_escaped(joined) : joined;
    }
    if (result.size() > kMaxExpansion)
        result.resize(kMaxExpansion);
    return result;
}

std::string MacroString::expand_domain(const MacroValues& values) const {
    std::string name = expand(values);
    if (name.ends_with('.'))
        name.pop_back();
    while (name.size() > kMaxName) {
        std::size_t dot = name.find('.');
        if (dot == std::string::npos)
            break;
        name.erase(0, dot + 1);
    }
    return name;
}

}  // namespace spf
