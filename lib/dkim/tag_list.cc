#include "lib/dkim/tag_list.h"

#include <algorithm>

#include "lib/text/text.h"

namespace dkim {
namespace {

// RFC 6376, 2.8: folding white space.
std::string_view trim_blanks(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_name(std::string_view name) {
    return !name.empty() && text::is_alpha(name.front()) &&
           std::all_of(name.begin(), name.end(), [](char c) { return text::is_alnum(c) || c == '_'; });
}

// VALCHAR and blanks; octets above 127 are UTF-8 of RFC 8616.
bool is_value(std::string_view value) {
    return std::all_of(value.begin(), value.end(),
        [](char c) { return static_cast<unsigned char>(c) >= ' ' ? c != 127 : c == '\t' || c == '\r' || c == '\n'; });
}

}  // namespace

std::expected<TagList, std::string> TagList::parse(std::string_view text) {
    TagList list;
    std::size_t at = 0;
    while (at <= text.size()) {
        const std::size_t end = std::min(text.find(';', at), text.size());
        const std::string_view part = text.substr(at, end - at);
        const bool last = end == text.size();
        if (trim_blanks(part).empty()) {
            if (last && !list.tags_.empty())
                break;  // behind the last ";"
            return std::unexpected(last ? "no tags" : "an empty tag");
        }
        const std::size_t equals = part.find('=');
        Tag tag;
        tag.name = trim_blanks(part.substr(0, equals));
        if (equals == std::string_view::npos || !is_name(tag.name))
            return std::unexpected("\"" + std::string(trim_blanks(part).substr(0, 40)) + "\" is no tag=value");
        tag.begin = at + equals + 1;
        tag.end = end;
        tag.value = trim_blanks(part.substr(equals + 1));
        if (!is_value(tag.value))
            return std::unexpected("a control character in " + std::string(tag.name.substr(0, 40)) + "=");
        if (list.find(tag.name) != nullptr)  // RFC 6376, 3.2: MUST NOT occur
            return std::unexpected(std::string(tag.name.substr(0, 40)) + "= twice");
        if (list.tags_.size() == kMaxTags)
            return std::unexpected("more than " + std::to_string(kMaxTags) + " tags");
        list.tags_.push_back(tag);
        at = end + 1;
    }
    return list;
}

const Tag* TagList::find(std::string_view name) const {
    const auto found = std::find_if(tags_.begin(), tags_.end(), [&](const Tag& tag) { return tag.name == name; });
    return found == tags_.end() ? nullptr : &*found;
}

std::string_view TagList::value(std::string_view name) const {
    const Tag* tag = find(name);
    return tag == nullptr ? std::string_view{} : tag->value;
}

std::string without_blanks(std::string_view value) {
    std::string out;
    out.reserve(value.size());
    for (char c : value)
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            out += c;
    return out;
}

}  // namespace dkim
