#include "lib/address/extension.h"

#include "lib/text/text.h"

namespace address {

std::optional<Extended> split_extension(std::string_view local, const ExtensionRules& rules) {
    if (rules.delimiters.empty() || text::equal_ignoring_case(local, "mailer-daemon") ||
        text::equal_ignoring_case(local, rules.double_bounce_sender))
        return std::nullopt;
    std::size_t at = local.find_first_of(rules.delimiters);
    if (at == std::string_view::npos || at == 0)
        return std::nullopt;
    if (local[at] == '-' && rules.owner_request_special &&
        (text::starts_with_ignoring_case(local, "owner-") ||
            (local.size() > 8 && text::equal_ignoring_case(local.substr(local.size() - 8), "-request"))))
        return std::nullopt;
    return Extended{local.substr(0, at), local.substr(at + 1), local[at]};
}

}  // namespace address
