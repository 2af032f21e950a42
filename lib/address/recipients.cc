#include "lib/address/recipients.h"

#include "lib/text/text.h"

namespace address {

Recipients::Recipients(const config::CommonParams& params, const Resolver& resolver, const VirtualAliases& aliases)
    : resolver_(resolver),
      aliases_(aliases),
      local_maps_(dict::TableList::open("local_recipient_maps", params.local_recipient_maps())),
      mailbox_maps_(dict::TableList::open("virtual_mailbox_maps", params.virtual_mailbox_maps())),
      relay_maps_(dict::TableList::open("relay_recipient_maps", params.relay_recipient_maps())),
      local_code_(params.unknown_local_recipient_reject_code()),
      alias_code_(params.unknown_virtual_alias_reject_code()),
      mailbox_code_(params.unknown_virtual_mailbox_reject_code()),
      relay_code_(params.unknown_relay_recipient_reject_code()),
      show_table_name_(params.show_user_unknown_table_name()),
      double_bounce_sender_(params.double_bounce_sender()) {}

Existence Recipients::unknown(int code, std::string_view table) const {
    std::string text = "User unknown";
    if (show_table_name_)
        text += " in " + std::string(table);
    return {Known::unknown, text, code};
}

Existence Recipients::check_maps(const dict::TableList& maps, const Route& route, int code, std::string_view table) const {
    if (maps.empty())
        return {};  // no list of users: everybody may exist
    FindResult found = find_address(maps, route.recipient, resolver_.classes(), resolver_.find_rules());
    if (!found)
        return {Known::temporary, found.error().text, 451};
    if (*found)
        return {};
    return unknown(code, table);
}

Existence Recipients::check(const Route& route) const {
    // What virtual_alias_maps knows exists, in every class.
    auto alias = aliases_.find(route.recipient);
    if (!alias)
        return {Known::temporary, alias.error().text, 451};
    if (*alias)
        return {};
    switch (route.recipient_class) {
    case Class::local:
        if (text::equal_ignoring_case(route.recipient.local, double_bounce_sender_))
            return {};
        return check_maps(local_maps_, route, local_code_, "local recipient table");
    case Class::virtual_alias: return unknown(alias_code_, "virtual alias table");
    case Class::virtual_mailbox: return check_maps(mailbox_maps_, route, mailbox_code_, "virtual mailbox table");
    case Class::relay: return check_maps(relay_maps_, route, relay_code_, "relay recipient table");
    case Class::other: break;
    }
    return {};
}

std::vector<std::string> Recipients::problems() const {
    std::vector<std::string> all;
    for (const dict::TableList* list : {&local_maps_, &mailbox_maps_, &relay_maps_, &aliases_.maps()}) {
        for (const std::string& problem : list->problems())
            all.push_back(list->name() + ": " + problem);
        for (const std::string& warning : list->warnings())
            all.push_back(list->name() + ": " + warning);
    }
    return all;
}

bool Recipients::stale() const {
    return local_maps_.stale() || mailbox_maps_.stale() || relay_maps_.stale() || aliases_.maps().stale();
}

}  // namespace address
