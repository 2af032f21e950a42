#include "imapd/sieve/scripts/flag_names.h"

#include <algorithm>

#include "lib/text/text.h"

namespace scripts {

FlagSet flag_set(const std::vector<std::string>& names) {
    FlagSet set;
    for (const std::string& name : names) {
        if (const auto bit = store::system_flag(name))
            set.flags |= *bit;
        else if (!name.starts_with('\\'))
            set.keywords.push_back(name);
    }
    return set;
}

std::vector<std::string> flag_names(store::Flags flags, const std::vector<std::string>& keywords) {
    std::vector<std::string> names;
    const std::string text = store::format_flags(flags, keywords);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        names.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return names;
}

std::vector<std::string> flags_without(const std::vector<std::string>& some, const std::vector<std::string>& others) {
    std::vector<std::string> left;
    for (const std::string& name : some)
        if (std::none_of(others.begin(), others.end(),
                [&](const std::string& other) { return text::equal_ignoring_case(name, other); }))
            left.push_back(name);
    return left;
}

}  // namespace scripts
