#include "lib/address/virtual_alias.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/address/mailbox_list.h"
#include "lib/text/text.h"

namespace address {
namespace {

bool same(const Mailbox& a, const Mailbox& b) {
    return text::equal_ignoring_case(a.local, b.local) && text::equal_ignoring_case(a.domain, b.domain);
}

struct Pending {
    Mailbox mailbox;
    std::size_t depth;
};

}  // namespace

std::vector<Mailbox> values_to_mailboxes(
    const FoundEntry& found, const Mailbox& looked_up, bool propagate_extension, const RewriteRules& rules) {
    std::vector<Mailbox> result;
    std::string_view rest = found.value;
    if (text::trim(rest).starts_with('@') && rest.find(',') == std::string_view::npos) {
        // virtual(5): "@domain address" has a right-hand side "@otherdomain", which keeps the user. The local part
        // carries its extension along already.
        return {rewrite({looked_up.local, std::string(text::trim(rest).substr(1))}, rules)};
    }
    for (Mailbox& mailbox : parse_mailbox_list(found.value)) {
        if (propagate_extension && !found.unmatched_extension.empty())
            mailbox.local += found.unmatched_extension;
        result.push_back(rewrite(std::move(mailbox), rules));
    }
    return result;
}

VirtualAliases::VirtualAliases(const config::CommonParams& params, const Resolver& resolver)
    : resolver_(resolver),
      maps_(dict::TableList::open("virtual_alias_maps", params.virtual_alias_maps())),
      expansion_limit_(static_cast<std::size_t>(params.virtual_alias_expansion_limit())),
      recursion_limit_(static_cast<std::size_t>(params.virtual_alias_recursion_limit())),
      length_limit_(static_cast<std::size_t>(params.virtual_alias_address_length_limit())),
      propagate_extension_(std::ranges::find(params.propagate_unmatched_extensions(), "virtual") !=
                           params.propagate_unmatched_extensions().end()) {}

event::Task<VirtualAliases::Step> VirtualAliases::find(const question::Asker& asker, Mailbox recipient) const {
    FindResult found = co_await find_address(asker, maps_, recipient, resolver_.classes(), resolver_.find_rules());
    if (!found)
        co_return std::unexpected(found.error());
    if (!*found)
        co_return std::optional<std::vector<Mailbox>>();
    co_return values_to_mailboxes(**found, recipient, propagate_extension_, resolver_.rewrite_rules());
}

event::Task<VirtualAliases::Expanded> VirtualAliases::expand(const question::Asker& asker, Mailbox recipient) const {
    using Kind = ExpansionFailure::Kind;
    auto too_large = [&](std::string_view what) {
        return std::unexpected(ExpansionFailure{Kind::too_large, std::string(what) + " for " + recipient.text()});
    };
    std::vector<Mailbox> done;
    std::vector<Pending> pending;
    pending.push_back({resolver_.rewrite(recipient), 0});
    std::size_t seen = 1;
    while (!pending.empty()) {
        Pending current = std::move(pending.back());
        pending.pop_back();
        Step next = co_await find(asker, current.mailbox);
        if (!next)
            co_return std::unexpected(ExpansionFailure{Kind::table, next.error().text});
        bool ends = !*next || (*next)->empty();
        if (!ends) {
            if (current.depth + 1 >= recursion_limit_)
                co_return too_large("unreasonable virtual_alias_maps map nesting");
            seen += (*next)->size() - 1;
            if (seen > expansion_limit_)
                co_return too_large("unreasonable virtual_alias_maps map expansion size");
            // In reverse, so that the first one is looked at first and the order of the table is kept.
            for (auto mailbox = (*next)->rbegin(); mailbox != (*next)->rend(); ++mailbox) {
                if (mailbox->text().size() > length_limit_)
                    co_return too_large("unreasonable virtual_alias_maps result length");
                if (same(*mailbox, current.mailbox))
                    ends = true;  // "alice: alice, bob" delivers to alice and ends there
                else
                    pending.push_back({std::move(*mailbox), current.depth + 1});
            }
        }
        bool known = std::ranges::any_of(done, [&](const Mailbox& other) { return same(other, current.mailbox); });
        if (ends && !known)
            done.push_back(std::move(current.mailbox));
    }
    if (asker.record != nullptr)
        for (const Mailbox& mailbox : done)
            asker.record->decided(fmt::format("<{}> stands for <{}>", recipient.text(), mailbox.text()));
    co_return done;
}

}  // namespace address
