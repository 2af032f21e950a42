#include "lib/imap/mailbox_name.h"

#include <cstdint>
#include <vector>

#include "lib/message/header.h"

namespace imap {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

void append_utf8(std::string& text, std::uint32_t c) {
    if (c < 0x80) {
        text += static_cast<char>(c);
    } else if (c < 0x800) {
        text += static_cast<char>(0xC0 | c >> 6);
        text += static_cast<char>(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        text += static_cast<char>(0xE0 | c >> 12);
        text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        text += static_cast<char>(0x80 | (c & 0x3F));
    } else {
        text += static_cast<char>(0xF0 | c >> 18);
        text += static_cast<char>(0x80 | (c >> 12 & 0x3F));
        text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        text += static_cast<char>(0x80 | (c & 0x3F));
    }
}

// The next character of UTF-8 text; U+FFFD for bytes that are none.
std::uint32_t next_character(std::string_view text, std::size_t& position) {
    auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    unsigned char lead = byte(position++);
    if (lead < 0x80)
        return lead;
    int more = lead >= 0xF0 && lead < 0xF5 ? 3 : lead >= 0xE0 && lead < 0xF0 ? 2 : lead >= 0xC2 && lead < 0xE0 ? 1 : 0;
    if (more == 0)
        return 0xFFFD;
    std::uint32_t value = lead & (0x3Fu >> more);
    for (int i = 0; i < more; ++i) {
        if (position >= text.size() || (byte(position) & 0xC0) != 0x80)
            return 0xFFFD;
        value = value << 6 | (byte(position++) & 0x3F);
    }
    bool shortest = more == 1 || (more == 2 ? value >= 0x800 : value >= 0x10000);
    bool legal = shortest && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
    return legal ? value : 0xFFFD;
}

// The UTF-16 units of one base64 run; false if it is malformed.
bool decode_run(std::string_view run, std::vector<std::uint16_t>& units) {
    std::uint32_t bits = 0;
    int count = 0;
    for (char c : run) {
        std::size_t value = kAlphabet.find(c);
        if (value == std::string_view::npos)
            return false;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 16) {
            count -= 16;
            units.push_back(static_cast<std::uint16_t>(bits >> count));
            bits &= (1u << count) - 1;
        }
    }
    return count < 6 && bits == 0;
}

bool units_to_utf8(const std::vector<std::uint16_t>& units, std::string& text) {
    for (std::size_t i = 0; i < units.size(); ++i) {
        std::uint32_t c = units[i];
        if (c >= 0xDC00 && c <= 0xDFFF)
            return false;
        if (c >= 0xD800 && c <= 0xDBFF) {
            if (i + 1 >= units.size() || units[i + 1] < 0xDC00 || units[i + 1] > 0xDFFF)
                return false;
            c = 0x10000 + ((c - 0xD800) << 10) + (units[++i] - 0xDC00u);
        }
        append_utf8(text, c);
    }
    return true;
}

void append_run(std::string& text, const std::vector<std::uint16_t>& units) {
    std::uint32_t bits = 0;
    int count = 0;
    text += '&';
    for (std::uint16_t unit : units) {
        bits = bits << 16 | unit;
        count += 16;
        while (count >= 6) {
            count -= 6;
            text += kAlphabet[bits >> count & 63];
        }
        bits &= (1u << count) - 1;
    }
    if (count > 0)
        text += kAlphabet[bits << (6 - count) & 63];
    text += '-';
}

}  // namespace

std::optional<std::string> decode_utf7(std::string_view name) {
    std::string text;
    for (std::size_t i = 0; i < name.size(); ++i) {
        auto c = static_cast<unsigned char>(name[i]);
        if (c < 0x20 || c > 0x7E)
            return std::nullopt;
        if (c != '&') {
            text += name[i];
            continue;
        }
        std::size_t end = name.find('-', i);
        if (end == std::string_view::npos)
            return std::nullopt;
        std::vector<std::uint16_t> units;
        if (end == i + 1)
            text += '&';
        else if (!decode_run(name.substr(i + 1, end - i - 1), units) || !units_to_utf8(units, text))
            return std::nullopt;
        i = end;
    }
    // One name has one spelling: what encodes differently is an alias, and refused.
    if (encode_utf7(text) != name)
        return std::nullopt;
    return text;
}

std::string encode_utf7(std::string_view utf8) {
    std::string text;
    std::vector<std::uint16_t> units;
    for (std::size_t i = 0; i < utf8.size();) {
        std::uint32_t c = next_character(utf8, i);
        if (c >= 0x20 && c <= 0x7E) {
            if (!units.empty())
                append_run(text, units);
            units.clear();
            text += static_cast<char>(c);
            if (c == '&')
                text += '-';
        } else if (c >= 0x10000) {
            units.push_back(static_cast<std::uint16_t>(0xD800 + ((c - 0x10000) >> 10)));
            units.push_back(static_cast<std::uint16_t>(0xDC00 + ((c - 0x10000) & 0x3FF)));
        } else {
            units.push_back(static_cast<std::uint16_t>(c));
        }
    }
    if (!units.empty())
        append_run(text, units);
    return text;
}

std::string canonical_mailbox(std::string_view name, char separator) {
    constexpr std::string_view kInbox = "INBOX";
    bool inbox = message::equal_ignoring_case(name.substr(0, kInbox.size()), kInbox) &&
                 (name.size() == kInbox.size() || name[kInbox.size()] == separator);
    if (!inbox)
        return std::string(name);
    return std::string(kInbox) + std::string(name.substr(kInbox.size()));
}

bool matches_pattern(std::string_view name, std::string_view pattern, char separator) {
    // reached[i]: the pattern so far can match the first i characters of the name.
    std::vector<char> reached(name.size() + 1, 0);
    reached[0] = 1;
    for (std::size_t p = 0; p < pattern.size(); ++p) {
        char c = pattern[p];
        if (c == '*' || c == '%') {
            for (std::size_t i = 1; i <= name.size(); ++i)
                reached[i] = reached[i] || (reached[i - 1] && (c == '*' || name[i - 1] != separator));
        } else {
            for (std::size_t i = name.size(); i > 0; --i)
                reached[i] = reached[i - 1] && name[i - 1] == c;
            reached[0] = 0;
        }
    }
    return reached[name.size()] != 0;
}

}  // namespace imap
