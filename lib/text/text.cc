#include "lib/text/text.h"

#include <array>
#include <charconv>

namespace text {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> base64_values() {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < kBase64.size(); ++i)
        values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int8_t>(i);
    return values;
}

constexpr auto kBase64Values = base64_values();

// The length of the valid UTF-8 sequence at the start of `text`, 0 where there is none.
std::size_t utf8_length(std::string_view text) {
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned char first = byte(0);
    std::size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (length == 0 || text.size() < length)
        return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80)
            return 0;
    bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
    bool surrogate = first == 0xed && byte(1) >= 0xa0;
    bool too_high = first == 0xf4 && byte(1) >= 0x90;
    // U+0080..U+009F are control characters too: some terminals obey them.
    bool control = first == 0xc2 && byte(1) < 0xa0;
    return overlong || surrogate || too_high || control ? 0 : length;
}

}  // namespace

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        c = to_lower(c);
    return result;
}

std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        c = to_upper(c);
    return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size())
        return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (to_lower(a[i]) != to_lower(b[i]))
            return false;
    return true;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> fields;
    for (;;) {
        std::size_t start = text.find_first_not_of(separators);
        if (start == std::string_view::npos)
            return fields;
        text.remove_prefix(start);
        std::size_t end = std::min(text.find_first_of(separators), text.size());
        fields.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

std::optional<std::uint64_t> parse_number(std::string_view digits) {
    std::uint64_t value = 0;
    if (digits.empty() || !is_digit(digits.front()))
        return std::nullopt;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size())
        return std::nullopt;
    return value;
}

std::string encode_base64(std::string_view octets) {
    std::string result;
    result.reserve((octets.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < octets.size(); i += 3) {
        std::uint32_t group = 0;
        std::size_t have = std::min<std::size_t>(3, octets.size() - i);
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < have ? static_cast<unsigned char>(octets[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k)
            result += k <= have ? kBase64[group >> (18 - 6 * k) & 63] : '=';
    }
    return result;
}

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0)
        return std::nullopt;
    std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::string result;
    result.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        std::size_t pad = i + 4 == text.size() ? padding : 0;
        for (std::size_t k = 0; k < 4; ++k) {
            int value = k >= 4 - pad ? 0 : kBase64Values[static_cast<unsigned char>(text[i + k])];
            if (value < 0)
                return std::nullopt;
            group = group << 6 | static_cast<std::uint32_t>(value);
        }
        if ((pad == 2 && (group & 0xffff)) || (pad == 1 && (group & 0xff)))
            return std::nullopt;  // bits that no encoder leaves: two spellings of one value
        for (std::size_t k = 0; k < 3 - pad; ++k)
            result += static_cast<char>(group >> (16 - 8 * k));
    }
    return result;
}

void make_printable(std::string& text) {
    for (std::size_t i = 0; i < text.size();) {
        auto byte = static_cast<unsigned char>(text[i]);
        if (byte >= 0x20 && byte < 0x7f) {
            ++i;
            continue;
        }
        std::size_t length = byte < 0x80 ? 0 : utf8_length(std::string_view(text).substr(i));
        if (length == 0) {
            text[i] = '?';
            length = 1;
        }
        i += length;
    }
}

std::string printable(std::string_view text) {
    std::string result(text);
    make_printable(result);
    return result;
}

}  // namespace text
