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

namespace {

Existence temporary(const std::string& why) { return {Known::temporary, why, 451}; }

}  // namespace

event::Task<Existence> Recipients::check_maps(
    const question::Asker& asker, const dict::TableList& maps, const Route& route, int code, std::string_view table) const {
    if (maps.empty())
        co_return Existence();  // no list of users: everybody may exist
    FindResult found = co_await find_address(asker, maps, route.recipient, resolver_.classes(), resolver_.find_rules());
    if (!found)
        co_return temporary(found.error().text);
    if (*found)
        co_return Existence();
    co_return unknown(code, table);
}

event::Task<Existence> Recipients::check_class(const question::Asker& asker, const Route& route) const {
    // What virtual_alias_maps knows exists, in every class.
    VirtualAliases::Step alias = co_await aliases_.find(asker, route.recipient);
    if (!alias)
        co_return temporary(alias.error().text);
    if (*alias)
        co_return Existence();
    const Class where = route.recipient_class;
    if (where == Class::virtual_alias)
        co_return unknown(alias_code_, "virtual alias table");
    const bool double_bounce = text::equal_ignoring_case(route.recipient.local, double_bounce_sender_);
    Existence existence;
    if (where == Class::local && !double_bounce)
        existence = co_await check_maps(asker, local_maps_, route, local_code_, "local recipient table");
    else if (where == Class::virtual_mailbox)
        existence = co_await check_maps(asker, mailbox_maps_, route, mailbox_code_, "virtual mailbox table");
    else if (where == Class::relay)
        existence = co_await check_maps(asker, relay_maps_, route, relay_code_, "relay recipient table");
    co_return existence;
}

event::Task<Existence> Recipients::check(const question::Asker& asker, Route route) const {
    Existence existence = co_await check_class(asker, route);
    if (asker.record != nullptr) {
        const char* what = existence.known == Known::known     ? "exists"
                           : existence.known == Known::unknown ? "does not exist"
                                                               : "may exist";
        asker.record->decided(
            "<" + route.recipient.text() + "> " + what + (existence.text.empty() ? "" : ": " + existence.text));
    }
    co_return existence;
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
