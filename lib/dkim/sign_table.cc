#include "lib/dkim/sign_table.h"

#include "lib/dkim/signature.h"
#include "lib/text/text.h"

namespace dkim {

std::expected<SignTableEntry, std::string> parse_sign_table_entry(std::string_view value) {
    SignTableEntry entry;
    bool none = false;
    for (std::string_view word : text::split(value, " \t\r\n,")) {
        const std::size_t colon = word.find(':');
        if (text::equal_ignoring_case(word, "none")) {
            none = true;
        } else if (text::equal_ignoring_case(word, "unsigned_on_failure")) {
            entry.unsigned_on_failure = true;
        } else if (text::starts_with_ignoring_case(word, "d=")) {
            const auto domain = to_a_labels(word.substr(2));
            if (!domain)
                return std::unexpected("\"" + std::string(word) + "\" has no domain name");
            entry.domain = *domain;
        } else if (colon != std::string_view::npos && colon + 1 < word.size() && word[colon + 1] == '/') {
            const auto selector = to_a_labels(word.substr(0, colon));
            if (!selector)
                return std::unexpected("\"" + std::string(word.substr(0, colon)) + "\" is no selector");
            entry.keys.push_back({*selector, std::string(word.substr(colon + 1))});
        } else {
            return std::unexpected("\"" + std::string(word) +
                                   "\" is neither selector:/key/file, d=domain, none nor "
                                   "unsigned_on_failure");
        }
    }
    if (none != entry.keys.empty())
        return std::unexpected(none ? "\"none\" stands beside keys" : "there is no selector:/key/file");
    return entry;
}

std::expected<SealKey, std::string> parse_seal_key(std::string_view value) {
    const std::size_t first = value.find(':');
    const std::size_t second = first == std::string_view::npos ? first : value.find(':', first + 1);
    if (second == std::string_view::npos || second + 1 >= value.size() || value[second + 1] != '/')
        return std::unexpected("\"" + std::string(value) + "\" is not domain:selector:/key/file");
    const auto domain = to_a_labels(value.substr(0, first));
    if (!domain)
        return std::unexpected("\"" + std::string(value.substr(0, first)) + "\" is no domain name");
    const auto selector = to_a_labels(value.substr(first + 1, second - first - 1));
    if (!selector)
        return std::unexpected("\"" + std::string(value.substr(first + 1, second - first - 1)) + "\" is no selector");
    return SealKey{*domain, *selector, std::string(value.substr(second + 1))};
}

std::vector<SignTableQuestion> sign_table_questions(const std::string& local, const std::string& domain) {
    std::vector<SignTableQuestion> questions = {{local + "@" + domain, domain, true}, {domain, domain, false}};
    for (std::size_t dot = domain.find('.'); dot != std::string::npos; dot = domain.find('.', dot + 1))
        questions.push_back({domain.substr(dot), domain.substr(dot + 1), false});
    return questions;
}

}  // namespace dkim
