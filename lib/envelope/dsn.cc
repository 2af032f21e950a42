#include "lib/envelope/dsn.h"

#include <algorithm>

#include "lib/text/text.h"
#include "lib/text/xtext.h"

namespace envelope {
namespace {

constexpr std::size_t kMaxEnvid = 100;  // RFC 3461, 4.4
constexpr std::size_t kMaxOrcpt = 500;  // RFC 3461, 4.2

struct Word {
    std::string_view text;
    std::uint32_t bit;
};
constexpr Word kWords[] = {{"SUCCESS", kNotifySuccess}, {"FAILURE", kNotifyFailure}, {"DELAY", kNotifyDelay}};

bool is_printable_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

// RFC 3461, 4.2: an atom.
bool is_address_type(std::string_view type) {
    constexpr std::string_view kOthers = "!#$%&'*+-/=?^_`{|}~";
    return !type.empty() && std::all_of(type.begin(), type.end(),
                                [&](char c) { return text::is_alnum(c) || kOthers.find(c) != std::string_view::npos; });
}

bool is_hex(char c) { return text::is_digit(c) || (c >= 'A' && c <= 'F'); }

// RFC 6533, 3: a backslash stands only in \x{XX}, two to six digits that name a character.
bool has_right_escapes(std::string_view address) {
    for (std::size_t at = address.find('\\'); at != std::string_view::npos; at = address.find('\\', at + 1)) {
        const std::string_view rest = address.substr(at);
        const std::size_t end = rest.find('}');
        if (!rest.starts_with("\\x{") || end == std::string_view::npos)
            return false;
        const std::string_view digits = rest.substr(3, end - 3);
        const bool right = digits.size() >= 2 && digits.size() <= 6 && std::all_of(digits.begin(), digits.end(), is_hex);
        if (!right)
            return false;
    }
    return true;
}

}  // namespace

std::optional<std::uint32_t> parse_notify(std::string_view text) {
    if (text::equal_ignoring_case(text, "NEVER"))
        return kNotifyNever;
    std::uint32_t wanted = 0;
    for (;;) {
        const std::size_t comma = text.find(',');
        const std::string_view one = text.substr(0, comma);
        const auto* known = std::find_if(std::begin(kWords), std::end(kWords),
            [&](const Word& word) { return text::equal_ignoring_case(one, word.text); });
        if (known == std::end(kWords))
            return std::nullopt;
        wanted |= known->bit;
        if (comma == std::string_view::npos)
            return wanted;
        text.remove_prefix(comma + 1);
    }
}

std::string format_notify(std::uint32_t notify) {
    if ((notify & kNotifyNever) != 0)
        return "NEVER";
    std::string out;
    for (const Word& word : kWords) {
        if ((notify & word.bit) == 0)
            continue;
        out += out.empty() ? "" : ",";
        out += word.text;
    }
    return out;
}

bool is_notify(std::uint32_t notify) {
    return notify == kNotifyNever || (notify & ~(kNotifySuccess | kNotifyFailure | kNotifyDelay)) == 0;
}

std::uint32_t without_success(std::uint32_t notify) {
    return notify == kNotifySuccess ? std::uint32_t{kNotifyNever} : notify & ~std::uint32_t{kNotifySuccess};
}

std::optional<Ret> parse_ret(std::string_view text) {
    if (text::equal_ignoring_case(text, "FULL"))
        return Ret::full;
    if (text::equal_ignoring_case(text, "HDRS"))
        return Ret::headers;
    return std::nullopt;
}

std::string_view format_ret(Ret ret) { return ret == Ret::full ? "FULL" : ret == Ret::headers ? "HDRS" : ""; }

bool is_envid(std::string_view raw) {
    const auto decoded = text::decode_xtext(raw);
    return decoded && !decoded->empty() && raw.size() <= kMaxEnvid && is_printable_ascii(*decoded);
}

std::optional<std::string> readable_orcpt(std::string_view raw) {
    const std::size_t semicolon = raw.find(';');
    if (semicolon == std::string_view::npos || raw.size() > kMaxOrcpt)
        return std::nullopt;
    const std::string_view type = raw.substr(0, semicolon);
    const auto address = text::decode_xtext(raw.substr(semicolon + 1));
    if (!is_address_type(type) || !address || address->empty() || !is_printable_ascii(*address))
        return std::nullopt;
    if (text::equal_ignoring_case(type, "utf-8") && !has_right_escapes(*address))
        return std::nullopt;
    return std::string{type} + ";" + *address;
}

bool is_orcpt(std::string_view raw) { return readable_orcpt(raw).has_value(); }

std::string make_orcpt(std::string_view address) { return "rfc822;" + text::encode_xtext(address); }

}  // namespace envelope
