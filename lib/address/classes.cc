#include "lib/address/classes.h"

#include <algorithm>

#include "lib/address/mailbox.h"
#include "lib/dict/network.h"
#include "lib/log/log.h"
#include "lib/text/text.h"

namespace address {
namespace {

// One warning per domain; beyond this many the point is made.
constexpr std::size_t kMaxWarnings = 1000;

}  // namespace

std::string_view class_name(Class c) {
    switch (c) {
    case Class::local: return "local";
    case Class::virtual_alias: return "virtual alias";
    case Class::virtual_mailbox: return "virtual mailbox";
    case Class::relay: return "relay";
    case Class::other: return "default";
    }
    return "";
}

Classes::Classes(const config::CommonParams& params, std::vector<std::string> own_addresses)
    : mydestination_(dict::MatchList::open("mydestination", params.mydestination(), dict::ListKind::strings)),
      virtual_alias_domains_(
          dict::MatchList::open("virtual_alias_domains", params.virtual_alias_domains(), dict::ListKind::strings)),
      virtual_mailbox_domains_(
          dict::MatchList::open("virtual_mailbox_domains", params.virtual_mailbox_domains(), dict::ListKind::strings)),
      relay_domains_(dict::MatchList::open("relay_domains", params.relay_domains(),
          dict::domain_list_kind("relay_domains", params.parent_domain_matches_subdomains()))),
      own_addresses_(std::move(own_addresses)) {
    for (const std::string& address : params.proxy_interfaces())
        own_addresses_.push_back(address);
}

bool Classes::is_own_address(std::string_view address) const {
    std::optional<dict::IpAddress> wanted = dict::parse_ip(address);
    return std::ranges::any_of(
        own_addresses_, [&](const std::string& own) { return wanted && dict::parse_ip(own) == wanted; });
}

question::Pending<dict::Matched> Classes::is_local(const question::Asker& asker, std::string_view domain) const {
    if (std::optional<std::string> literal = literal_address(domain))
        return is_own_address(*literal);
    return mydestination_.matches(asker, domain);
}

void Classes::warn_about_both(std::string_view domain, const dict::MatchList& first, const dict::MatchList& second) const {
    std::string text = "do not list domain " + text::printable(domain) + " in BOTH " + first.name() + " and " +
                       second.name();
    if (warned_.size() < kMaxWarnings && warned_.insert(text).second)
        logging::warning("{}", text);
}

event::Task<Classes::Found> Classes::find(const question::Asker& asker, std::string domain) const {
    auto failed = [](const dict::Matched& matched) { return std::unexpected(matched.error()); };
    // Each list is asked only as far as the answer, or a warning about a contradiction, needs it.
    dict::Matched local = co_await is_local(asker, domain);
    if (!local)
        co_return failed(local);
    dict::Matched alias = co_await virtual_alias_domains_.matches(asker, domain);
    if (!alias)
        co_return failed(alias);
    dict::Matched mailbox = co_await virtual_mailbox_domains_.matches(asker, domain);
    if (!mailbox)
        co_return failed(mailbox);
    if (*local) {
        if (*alias)
            warn_about_both(domain, mydestination_, virtual_alias_domains_);
        if (*mailbox)
            warn_about_both(domain, mydestination_, virtual_mailbox_domains_);
        co_return Class::local;
    }
    if (*alias || *mailbox) {
        if (*alias && *mailbox)
            warn_about_both(domain, virtual_alias_domains_, virtual_mailbox_domains_);
        dict::Matched relay = co_await relay_domains_.matches(asker, domain);
        if (relay && *relay)
            warn_about_both(domain, *alias ? virtual_alias_domains_ : virtual_mailbox_domains_, relay_domains_);
        co_return *alias ? Class::virtual_alias : Class::virtual_mailbox;
    }
    dict::Matched relay = co_await relay_domains_.matches(asker, domain);
    if (!relay)
        co_return failed(relay);
    co_return *relay ? Class::relay : Class::other;
}

std::vector<std::string> Classes::problems() const {
    std::vector<std::string> all;
    for (const dict::MatchList* list :
        {&mydestination_, &virtual_alias_domains_, &virtual_mailbox_domains_, &relay_domains_})
        std::ranges::copy(list->problems(), std::back_inserter(all));
    return all;
}

bool Classes::stale() const {
    return mydestination_.stale() || virtual_alias_domains_.stale() || virtual_mailbox_domains_.stale() ||
           relay_domains_.stale();
}

}  // namespace address
