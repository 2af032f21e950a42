#include "lib/message/transfer.h"

#include <array>
#include <cstdint>

#include "lib/message/header.h"

namespace message {
namespace {

constexpr std::array<signed char, 256> make_base64_values() {
    std::array<signed char, 256> values{};
    for (auto& value : values)
        value = -1;
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < kAlphabet.size(); ++i)
        values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<signed char>(i);
    return values;
}

constexpr std::array<signed char, 256> kBase64Values = make_base64_values();

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

// True and the octet in `value` if `=XX` stands at `at`.
bool hex_octet(std::string_view text, std::size_t at, char& value) {
    if (at + 2 >= text.size())
        return false;
    int high = hex_digit(text[at + 1]);
    int low = hex_digit(text[at + 2]);
    if (high < 0 || low < 0)
        return false;
    value = static_cast<char>(high * 16 + low);
    return true;
}

}  // namespace

std::string decode_base64(std::string_view text) {
    std::string result;
    result.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t bits = 0;
    int count = 0;
    for (char c : text) {
        if (c == '=')
            break;
        int value = kBase64Values[static_cast<unsigned char>(c)];
        if (value < 0)
            continue;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            result += static_cast<char>(bits >> count & 0xFF);
        }
    }
    return result;
}

std::string decode_quoted_printable(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char value = 0;
        if (text[i] != '=') {
            result += text[i];
        } else if (hex_octet(text, i, value)) {
            result += value;
            i += 2;
        } else {
            // A soft line break: "=", perhaps blanks that transport added, the line end.
            std::size_t end = text.find_first_not_of(" \t\r", i + 1);
            if (end == std::string_view::npos || text[end] == '\n')
                i = end == std::string_view::npos ? text.size() : end;
            else
                result += '=';
        }
    }
    return result;
}

std::string decode_q(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char value = 0;
        if (text[i] == '=' && hex_octet(text, i, value)) {
            result += value;
            i += 2;
        } else {
            result += text[i] == '_' ? ' ' : text[i];
        }
    }
    return result;
}

std::string decode_transfer(std::string_view text, std::string_view encoding) {
    if (equal_ignoring_case(encoding, "base64"))
        return decode_base64(text);
    if (equal_ignoring_case(encoding, "quoted-printable"))
        return decode_quoted_printable(text);
    return std::string(text);
}

}  // namespace message
