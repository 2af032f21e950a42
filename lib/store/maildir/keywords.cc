#include "lib/store/maildir/keywords.h"

#include <algorithm>
#include <charconv>

#include "lib/text/append.h"
#include "lib/text/text.h"

namespace store {

std::vector<std::string> parse_keywords(std::string_view text) {
    std::vector<std::string> keywords;
    for (std::string_view line : text::split(text, "\n")) {
        std::size_t number = 0;
        auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), number);
        auto digits = static_cast<std::size_t>(rest - line.data());
        if (error != std::errc() || number >= kMaxKeywords || line.size() < digits + 2 || line[digits] != ' ')
            continue;
        if (keywords.size() <= number)
            keywords.resize(number + 1);
        keywords[number] = line.substr(digits + 1, kMaxKeywordLength);
    }
    return keywords;
}

std::string format_keywords(const std::vector<std::string>& keywords) {
    std::string text;
    for (std::size_t i = 0; i < keywords.size(); ++i) {
        if (!keywords[i].empty())
            text::append(text, "{} {}\n", i, keywords[i]);
    }
    return text;
}

std::optional<Flags> adopt_keywords(std::vector<std::string>& keywords, const std::vector<std::string>& wanted) {
    std::vector<std::string> known = keywords;
    Flags bits = 0;
    for (const std::string& keyword : wanted) {
        auto same = [&keyword](const std::string& name) { return text::equal_ignoring_case(name, keyword); };
        auto found = std::find_if(known.begin(), known.end(), same);
        if (found == known.end())
            found = std::find(known.begin(), known.end(), std::string());  // a letter without a name
        if (found == known.end()) {
            if (known.size() >= kMaxKeywords)
                return std::nullopt;
            found = known.insert(known.end(), std::string());
        }
        if (found->empty()) {
            if (keyword.size() > kMaxKeywordLength)
                return std::nullopt;
            *found = keyword;
        }
        bits |= keyword_bit(static_cast<std::size_t>(found - known.begin()));
    }
    keywords = std::move(known);
    return bits;
}

Flags renamed_keywords(const std::vector<std::string>& before, const std::vector<std::string>& now) {
    Flags bits = 0;
    for (std::size_t i = 0; i < std::max(before.size(), now.size()); ++i) {
        std::string_view was = i < before.size() ? std::string_view(before[i]) : "";
        std::string_view is = i < now.size() ? std::string_view(now[i]) : "";
        if (was != is)
            bits |= keyword_bit(i);
    }
    return bits;
}

}  // namespace store
