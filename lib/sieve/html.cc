// HTML to text: enough to search in, not to show.
#include <array>
#include <cstdint>
#include <utility>

#include "lib/sieve/parsed_message.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

void append_utf8(std::string& out, std::uint32_t c) {
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = 0xfffd;
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xc0 | (c >> 6));
        out += static_cast<char>(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xe0 | (c >> 12));
        out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
        out += static_cast<char>(0x80 | (c & 0x3f));
    } else {
        out += static_cast<char>(0xf0 | (c >> 18));
        out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
        out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
        out += static_cast<char>(0x80 | (c & 0x3f));
    }
}

constexpr auto kEntities = std::to_array<std::pair<std::string_view, std::uint32_t>>({
    {"amp", '&'},
    {"lt", '<'},
    {"gt", '>'},
    {"quot", '"'},
    {"apos", '\''},
    {"nbsp", 0xa0},
    {"copy", 0xa9},
    {"reg", 0xae},
    {"auml", 0xe4},
    {"ouml", 0xf6},
    {"uuml", 0xfc},
    {"Auml", 0xc4},
    {"Ouml", 0xd6},
    {"Uuml", 0xdc},
    {"szlig", 0xdf},
    {"eacute", 0xe9},
    {"egrave", 0xe8},
    {"ecirc", 0xea},
    {"agrave", 0xe0},
    {"aacute", 0xe1},
    {"ccedil", 0xe7},
    {"ntilde", 0xf1},
    {"oslash", 0xf8},
    {"aring", 0xe5},
    {"euro", 0x20ac},
    {"pound", 0xa3},
    {"hellip", 0x2026},
    {"ndash", 0x2013},
    {"mdash", 0x2014},
    {"lsquo", 0x2018},
    {"rsquo", 0x2019},
    {"ldquo", 0x201c},
    {"rdquo", 0x201d},
    {"laquo", 0xab},
    {"raquo", 0xbb},
    {"bull", 0x2022},
    {"middot", 0xb7},
});

// Takes "&name;" or "&#number;" off the front; leaves the ampersand if it is neither.
bool take_entity(std::string_view& html, std::string& out) {
    std::size_t end = html.substr(0, 12).find(';');
    if (end == std::string_view::npos)
        return false;
    std::string_view name = html.substr(1, end - 1);
    std::uint32_t value = 0;
    if (name.starts_with('#')) {
        bool hexadecimal = name.size() > 1 && text::to_lower(name[1]) == 'x';
        std::string_view digits = name.substr(hexadecimal ? 2 : 1);
        if (digits.empty())
            return false;
        for (char c : digits) {
            char lower = text::to_lower(c);
            bool digit = text::is_digit(c);
            if (!digit && !(hexadecimal && lower >= 'a' && lower <= 'f'))
                return false;
            value = value * (hexadecimal ? 16 : 10) + static_cast<std::uint32_t>(digit ? c - '0' : lower - 'a' + 10);
            if (value > 0x10ffff)
                return false;
        }
    } else {
        for (const auto& [entity, code] : kEntities)
            if (entity == name)
                value = code;
        if (value == 0)
            return false;
    }
    append_utf8(out, value);
    html.remove_prefix(end + 1);
    return true;
}

// Drops the contents of an element up to its end tag.
void skip_element(std::string_view& html, std::string_view name) {
    for (std::size_t at = html.find("</"); at != std::string_view::npos; at = html.find("</", at + 2)) {
        if (text::starts_with_ignoring_case(html.substr(at + 2), name)) {
            html.remove_prefix(at);
            return;
        }
    }
    html = {};
}

// Takes a tag off the front. Quoted attribute values may hold ">".
void skip_tag(std::string_view& html, std::string& out) {
    if (html.starts_with("<!--")) {
        std::size_t end = html.find("-->", 4);
        html = end == std::string_view::npos ? std::string_view() : html.substr(end + 3);
        return;
    }
    std::size_t at = 1;
    char quote = 0;
    while (at < html.size() && (quote != 0 || html[at] != '>')) {
        if (quote != 0)
            quote = html[at] == quote ? '\0' : quote;
        else if (html[at] == '"' || html[at] == '\'')
            quote = html[at];
        ++at;
    }
    std::string_view tag = html.substr(1, at - 1);
    html.remove_prefix(std::min(at + 1, html.size()));
    std::size_t length = 0;
    while (length < tag.size() && (text::is_alnum(tag[length]) || (length == 0 && tag[length] == '/')))
        ++length;
    std::string name = text::lower(tag.substr(0, length));
    for (std::string_view hidden : {"script", "style", "title"})
        if (name == hidden)
            skip_element(html, hidden);
    for (std::string_view breaking : {"br", "p", "div", "tr", "li", "h1", "h2", "h3", "td", "/p", "/div", "/tr", "/li"})
        if (name == breaking && !out.empty() && out.back() != ' ' && out.back() != '\n')
            out += ' ';
}

}  // namespace

std::string html_to_text(std::string_view html) {
    std::string out;
    out.reserve(html.size() / 2);
    while (!html.empty()) {
        char c = html.front();
        if (c == '<' && html.size() > 1 && (text::is_alpha(html[1]) || html[1] == '/' || html[1] == '!' || html[1] == '?')) {
            skip_tag(html, out);
        } else if (c == '&' && take_entity(html, out)) {
            continue;
        } else {
            out += c;
            html.remove_prefix(1);
        }
    }
    return out;
}

}  // namespace sieve
