#include "lib/text/xtext.h"

namespace text {
namespace {

int hex_value(char c) {
    // RFC 3461, 4: upper case only.
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x21 || c > 0x7e || c == '=')
            return std::nullopt;
        if (c == '+') {
            int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return std::nullopt;
            c = static_cast<unsigned char>(high * 16 + low);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f)
            return std::nullopt;  // a line end in here would become one in a report or a queue file
        decoded += static_cast<char>(c);
    }
    return decoded;
}

std::string encode_xtext(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string encoded;
    for (char octet : text) {
        auto c = static_cast<unsigned char>(octet);
        if (c >= 0x21 && c <= 0x7e && c != '+' && c != '=') {
            encoded += octet;
        } else {
            encoded += '+';
            encoded += kHex[c >> 4];
            encoded += kHex[c & 15];
        }
    }
    return encoded;
}

}  // namespace text
