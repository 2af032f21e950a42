#include "lib/text/percent.h"

#include "lib/text/text.h"

namespace text {
namespace {

int hex_digit(char c) {
    if (is_digit(c))
        return c - '0';
    c = to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::optional<char> percent_octet(std::string_view text, std::size_t at) {
    if (at >= text.size() || text.size() - at < 3 || text[at] != '%')
        return std::nullopt;
    const int high = hex_digit(text[at + 1]);
    const int low = hex_digit(text[at + 2]);
    if (high < 0 || low < 0)
        return std::nullopt;
    return static_cast<char>(high * 16 + low);
}

std::optional<std::string> decode_percent(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const std::optional<char> octet = percent_octet(text, i);
        if (!octet)
            return std::nullopt;
        out += *octet;
        i += 2;
    }
    return out;
}

}  // namespace text
