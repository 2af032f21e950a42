#include "lib/address/address_maps.h"

#include "lib/text/text.h"

namespace address {

FindResult find_address(
    const dict::TableList& maps, const Mailbox& mailbox, const Classes& classes, const FindRules& rules) {
    if (maps.empty() || mailbox.empty())
        return std::optional<FoundEntry>();
    std::optional<Extended> extended = split_extension(mailbox.local, rules.extension);
    std::string bare(extended ? extended->user : std::string_view(mailbox.local));
    std::string extension = mailbox.local.substr(bare.size());

    // Gives true when the search is over.
    FindResult result;
    auto search = [&](std::string_view key, dict::KeyKind kind, const std::string& unmatched, bool by_domain) {
        dict::Answer answer = maps.lookup(key, kind);
        if (!answer) {
            result = std::unexpected(answer.error());
            return true;
        }
        if (!*answer)
            return false;
        result = FoundEntry{std::move(**answer), unmatched, by_domain};
        return true;
    };

    // Tables are keyed by what people write in them: the unquoted form.
    if (search(mailbox.text(), dict::KeyKind::whole, "", false))
        return result;
    if (mailbox.domain.empty()) {
        if (extended)
            search(bare, dict::KeyKind::part, extension, false);
        return result;
    }
    if (extended && search(bare + "@" + mailbox.domain, dict::KeyKind::part, extension, false))
        return result;
    dict::Matched local = text::equal_ignoring_case(mailbox.domain, rules.myorigin) ? dict::Matched(true)
                                                                                    : classes.is_local(mailbox.domain);
    if (!local)
        return std::unexpected(local.error());
    if (*local) {
        if (search(mailbox.local, dict::KeyKind::part, "", false))
            return result;
        if (extended && search(bare, dict::KeyKind::part, extension, false))
            return result;
    }
    search("@" + mailbox.domain, dict::KeyKind::part, extension, true);
    return result;
}

}  // namespace address
