#include "lib/address/address_maps.h"

#include "lib/text/text.h"

namespace address {

namespace {

// Keeps the answer where there is one; true when the search is over with it.
bool is_over(dict::Answer answer, std::string_view unmatched, bool by_domain, FindResult& result) {
    if (!answer)
        result = std::unexpected(std::move(answer.error()));
    else if (*answer)
        result = FoundEntry{std::move(**answer), std::string(unmatched), by_domain};
    return !answer || *answer;
}

event::Task<FindResult> search(const question::Asker& asker, const dict::TableList& maps, Mailbox mailbox,
    const Classes& classes, const FindRules& rules) {
    std::optional<Extended> extended = split_extension(mailbox.local, rules.extension);
    std::string bare(extended ? extended->user : std::string_view(mailbox.local));
    std::string extension = mailbox.local.substr(bare.size());
    constexpr auto kPart = dict::KeyKind::part;
    FindResult result;

    // Tables are keyed by what people write in them: the unquoted form.
    std::string key = mailbox.text();
    dict::Answer answer = co_await maps.lookup(asker, key, dict::KeyKind::whole);
    if (is_over(std::move(answer), "", false, result))
        co_return result;
    if (mailbox.domain.empty()) {
        if (extended) {
            answer = co_await maps.lookup(asker, bare, kPart);
            is_over(std::move(answer), extension, false, result);
        }
        co_return result;
    }
    if (extended) {
        key = bare + "@" + mailbox.domain;
        answer = co_await maps.lookup(asker, key, kPart);
        if (is_over(std::move(answer), extension, false, result))
            co_return result;
    }
    dict::Matched local = true;
    if (!text::equal_ignoring_case(mailbox.domain, rules.myorigin))
        local = co_await classes.is_local(asker, mailbox.domain);
    if (!local)
        co_return std::unexpected(local.error());
    if (*local) {
        answer = co_await maps.lookup(asker, mailbox.local, kPart);
        if (is_over(std::move(answer), "", false, result))
            co_return result;
    }
    if (*local && extended) {
        answer = co_await maps.lookup(asker, bare, kPart);
        if (is_over(std::move(answer), extension, false, result))
            co_return result;
    }
    key = "@" + mailbox.domain;
    answer = co_await maps.lookup(asker, key, kPart);
    is_over(std::move(answer), extension, true, result);
    co_return result;
}

}  // namespace

question::Pending<FindResult> find_address(const question::Asker& asker, const dict::TableList& maps, const Mailbox& mailbox,
    const Classes& classes, const FindRules& rules) {
    if (maps.empty() || mailbox.empty())
        return std::optional<FoundEntry>();
    return search(asker, maps, mailbox, classes, rules);
}

}  // namespace address
