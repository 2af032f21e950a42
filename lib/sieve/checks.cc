#include "lib/sieve/checks.h"

#include <algorithm>
#include <array>

#include "lib/address/mailbox.h"
#include "lib/sieve/host.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

bool is_atext(char c) {
    constexpr std::string_view kMore = "!#$%&'*+-/=?^_`{|}~";
    return text::is_alnum(c) || kMore.find(c) != std::string_view::npos;
}

bool is_identifier(std::string_view name) {
    if (name.empty() || text::is_digit(name.front()))
        return false;
    return std::ranges::all_of(name, [](char c) { return text::is_alnum(c) || c == '_'; });
}

std::string_view skip_spaces(std::string_view text) {
    while (!text.empty() && text::is_space(text.front()))
        text.remove_prefix(1);
    return text;
}

// Takes a local part off the front: a quoted string, or atom characters and dots in any order.
std::optional<std::string> take_local(std::string_view& text) {
    std::string local;
    if (text.starts_with('"')) {
        text.remove_prefix(1);
        while (!text.empty() && text.front() != '"') {
            if (text.front() == '\\')
                text.remove_prefix(1);
            if (text.empty() || static_cast<unsigned char>(text.front()) < ' ')
                return std::nullopt;
            local += text.front();
            text.remove_prefix(1);
        }
        if (text.empty())
            return std::nullopt;
        text.remove_prefix(1);
    } else {
        std::size_t end = 0;
        while (end < text.size() && (is_atext(text[end]) || text[end] == '.'))
            ++end;
        local = text.substr(0, end);
        text.remove_prefix(end);
    }
    if (local.empty())
        return std::nullopt;
    return local;
}

bool is_host_label(std::string_view label) {
    return !label.empty() && label.size() <= 63 &&
           std::ranges::all_of(label, [](char c) { return text::is_alnum(c) || c == '-' || c == '_'; });
}

// Laxer than DNS about hyphens: mail to such names is seen.
bool is_host(std::string_view name) {
    if (address::is_address_literal(name))
        return true;
    if (name.empty() || name.size() > 255)
        return false;
    for (;;) {
        std::size_t dot = name.find('.');
        if (!is_host_label(name.substr(0, dot)))
            return false;
        if (dot == std::string_view::npos)
            return true;
        name.remove_prefix(dot + 1);
    }
}

std::optional<std::string> parse_plain_address(std::string_view text) {
    text = skip_spaces(text);
    std::optional<std::string> local = take_local(text);
    text = skip_spaces(text);
    if (!local || !text.starts_with('@'))
        return std::nullopt;
    text.remove_prefix(1);
    std::string_view domain = text::trim(text);
    if (!is_host(domain))
        return std::nullopt;
    std::string quoted = address::quote_local(*local);
    // Dots in odd places need no quotes to be understood, and those who have such addresses write them without.
    if (std::ranges::all_of(*local, [](char c) { return is_atext(c) || c == '.'; }))
        quoted = *local;
    return quoted + "@" + std::string(domain);
}

}  // namespace

bool is_header_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

bool is_address_header(std::string_view name) {
    static constexpr auto kNames = std::to_array<std::string_view>({
        "abuse-reports-to",
        "apparently-to",
        "approved",
        "bcc",
        "cc",
        "delivered-to",
        "disposition-notification-to",
        "envelope-to",
        "errors-to",
        "for-approval",
        "for-comment",
        "for-handling",
        "from",
        "mail-followup-to",
        "mail-reply-to",
        "original-recipient",
        "read-receipt-to",
        "registered-mail-reply-requested-by",
        "reply-to",
        "resent-bcc",
        "resent-cc",
        "resent-from",
        "resent-reply-to",
        "resent-sender",
        "resent-to",
        "return-path",
        "return-receipt-requested",
        "return-receipt-to",
        "sender",
        "to",
        "x-admin",
        "x-complaints-to",
        "x-confirm-reading-to",
        "x-envelope-to",
        "x-original-to",
        "x-report-abuse-to",
    });
    return std::ranges::binary_search(kNames, name);
}

bool is_field_value(std::string_view value) {
    if (value.find('\0') != std::string_view::npos || !address::is_valid_utf8(value))
        return false;
    return true;
}

bool is_token(std::string_view text) {
    constexpr std::string_view kSpecials = "()<>@,;:\\\"/[]?=";
    return !text.empty() && std::ranges::all_of(text,
                                [&](char c) { return c > ' ' && c < 0x7f && kSpecials.find(c) == std::string_view::npos; });
}

bool is_mailbox_name(std::string_view name) {
    return !name.empty() && name.size() <= 1024 && address::is_valid_utf8(name) &&
           std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

bool is_special_use_flag(std::string_view flag) {
    if (flag.size() < 2 || flag.front() != '\\')
        return false;
    flag.remove_prefix(1);
    constexpr std::string_view kNot = "(){ %*\"\\]";
    return std::ranges::all_of(flag, [&](char c) { return c > ' ' && c < 0x7f && kNot.find(c) == std::string_view::npos; });
}

bool is_variable_name(std::string_view name) { return is_identifier(name) && name.size() <= 64; }

bool is_notify_option(std::string_view option) {
    std::size_t sign = option.find('=');
    if (sign == std::string_view::npos || sign == 0)
        return false;
    std::string_view name = option.substr(0, sign);
    auto first = [](char c) { return text::is_alnum(c) || c == '.'; };
    auto other = [&](char c) { return first(c) || c == '-' || c == '_'; };
    if (!first(name.front()) || !std::ranges::all_of(name, other))
        return false;
    return std::ranges::none_of(option.substr(sign + 1), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

bool is_annotation_name(std::string_view name) {
    std::string lower = text::lower(name);
    bool right_place = lower.starts_with("/private/") || lower.starts_with("/shared/");
    return right_place && !name.ends_with('/') && name.find("//") == std::string_view::npos &&
           std::ranges::none_of(name, [](char c) { return c == '*' || c == '%' || static_cast<unsigned char>(c) <= 0x19; });
}

bool is_date_part(std::string_view part) {
    static constexpr auto kParts = std::to_array<std::string_view>({"date", "day", "hour", "iso8601", "julian", "minute",
        "month", "second", "std11", "time", "weekday", "year", "zone"});
    return std::ranges::binary_search(kParts, text::lower(part));
}

bool is_system_flag(std::string_view flag) {
    static constexpr auto kFlags = std::to_array<std::string_view>(
        {"\\answered", "\\deleted", "\\draft", "\\flagged", "\\seen"});
    return std::ranges::binary_search(kFlags, text::lower(flag));
}

bool is_flag(std::string_view flag) {
    if (flag.starts_with('\\'))
        return is_system_flag(flag);
    constexpr std::string_view kNot = "(){%*\"\\]";
    return !flag.empty() && flag.size() <= 256 &&
           std::ranges::all_of(flag, [&](char c) { return c > ' ' && c < 0x7f && kNot.find(c) == std::string_view::npos; });
}

std::optional<int> parse_zone(std::string_view zone) {
    if (zone.size() != 5 || (zone[0] != '+' && zone[0] != '-'))
        return std::nullopt;
    if (!std::ranges::all_of(zone.substr(1), text::is_digit))
        return std::nullopt;
    int hours = (zone[1] - '0') * 10 + (zone[2] - '0');
    int minutes = (zone[3] - '0') * 10 + (zone[4] - '0');
    if (hours > 23 || minutes > 59)
        return std::nullopt;
    int total = hours * 60 + minutes;
    return zone[0] == '-' ? -total : total;
}

std::optional<std::string> parse_script_address(std::string_view text) {
    std::size_t open = text.find('<');
    if (open == std::string_view::npos)
        return parse_plain_address(text);
    std::string_view phrase = text::trim(text.substr(0, open));
    std::size_t close = text.find('>', open);
    if (close == std::string_view::npos || !text::trim(text.substr(close + 1)).empty())
        return std::nullopt;
    // A phrase of words: what would begin another address may not be in it.
    bool quoted = phrase.size() >= 2 && phrase.starts_with('"') && phrase.ends_with('"');
    if (!quoted && phrase.find_first_of("@,;:<>()[]\"") != std::string_view::npos)
        return std::nullopt;
    return parse_plain_address(text.substr(open + 1, close - open - 1));
}

std::string Path::text() const {
    if (domain.empty())
        return local;
    bool plain = std::ranges::all_of(local, [](char c) { return is_atext(c) || c == '.' || (c & 0x80) != 0; });
    return (plain ? local : address::quote_local(local)) + "@" + domain;
}

std::optional<Path> parse_path(std::string_view text) {
    text = text::trim(text);
    if (text.empty() || text == "<>")
        return Path{};
    if (text.starts_with('<')) {
        if (!text.ends_with('>'))
            return std::nullopt;
        text = text.substr(1, text.size() - 2);
    }
    if (text.starts_with('@')) {  // RFC 5321, 4.1.2: A-d-l, to be ignored
        std::size_t colon = text.find(':');
        if (colon == std::string_view::npos)
            return std::nullopt;
        std::string_view route = text.substr(0, colon);
        while (!route.empty()) {
            std::size_t comma = route.find(',');
            std::string_view hop = route.substr(0, comma);
            if (!hop.starts_with('@') || !is_host(hop.substr(1)))
                return std::nullopt;
            if (comma == std::string_view::npos)
                break;
            route.remove_prefix(comma + 1);
        }
        text.remove_prefix(colon + 1);
    }
    Path path;
    if (std::optional<std::string> local = take_local(text)) {
        path.local = std::move(*local);
    } else {
        // RFC 6531: UTF-8 in the local part.
        std::size_t at = text.rfind('@');
        if (at == std::string_view::npos || at == 0 || !address::is_valid_utf8(text) ||
            text.substr(0, at).find_first_of(" <>@\"") != std::string_view::npos)
            return std::nullopt;
        path.local = text.substr(0, at);
        text.remove_prefix(at);
    }
    if (text.empty())
        return path;
    if (!text.starts_with('@'))
        return std::nullopt;
    text.remove_prefix(1);
    if (!is_host(text) && !address::is_valid_domain(text, true))
        return std::nullopt;
    path.domain = text;
    return path;
}

std::string on_one_line(std::string_view text) {
    std::string line;
    for (char c : text) {
        if (c == '\r' || c == '\n' || c == '\0') {
            if (!line.ends_with(' '))
                line += ' ';
        } else {
            line += c;
        }
    }
    return line;
}

std::size_t utf8_length(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string shorten(std::string_view text, std::size_t characters) {
    if (utf8_length(text) <= characters)
        return std::string(text);
    std::size_t end = 0;
    for (std::size_t count = 0; count < characters && end < text.size(); ++count)
        for (++end; end < text.size() && (text[end] & 0xc0) == 0x80;)
            ++end;
    return std::string(text.substr(0, end)) + "\xe2\x80\xa6";
}

std::string_view cut_utf8(std::string_view text, std::size_t octets) {
    if (text.size() <= octets)
        return text;
    while (octets > 0 && (text[octets] & 0xc0) == 0x80)
        --octets;
    return text.substr(0, octets);
}

bool is_valid_script_name(std::string_view name) {
    if (name.empty() || !address::is_valid_utf8(name) || utf8_length(name) > 128 || name == "." || name == "..")
        return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        auto c = static_cast<unsigned char>(name[i]);
        if (c < ' ' || c == 0x7f || c == '/')
            return false;
        auto next = i + 1 < name.size() ? static_cast<unsigned char>(name[i + 1]) : 0U;
        if (c == 0xc2 && next >= 0x80 && next <= 0x9f)  // U+0080 to U+009F
            return false;
        if (c == 0xe2 && next == 0x80 && i + 2 < name.size() &&
            (name[i + 2] == '\xa8' || name[i + 2] == '\xa9'))  // U+2028, U+2029
            return false;
    }
    return true;
}

}  // namespace sieve
