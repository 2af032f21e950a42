// lib/address/classes.h - which of our lists a domain is in.
//
// Standards   ADDRESS_CLASS_README
// Failure     a list that cannot be read gives dict::Failure.
// Waiting     the lists' tables (lib/dict/table.h): awaited, and at once where they are in memory.
// Lifetime    keeps its tables open; belongs to one thread.
#pragma once

#include <expected>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/common_params.h"
#include "lib/dict/match_list.h"

namespace address {

enum class Class { local, virtual_alias, virtual_mailbox, relay, other };
std::string_view class_name(Class c);

class Classes {
  public:
    // own_addresses: those of this host's interfaces (config::own_addresses()), for user@[address].
    Classes(const config::CommonParams& params, std::vector<std::string> own_addresses);

    using Found = std::expected<Class, dict::Failure>;
    event::Task<Found> find(const question::Asker& asker, std::string domain) const;
    // mydestination, or an address literal of this host.
    question::Pending<dict::Matched> is_local(const question::Asker& asker, std::string_view domain) const;

    // Whether this host has the address.
    bool is_own_address(std::string_view address) const;

    // What the lists say that cannot be meant: a domain in two of them, lists that cannot be read.
    std::vector<std::string> problems() const;
    bool stale() const;

  private:
    void warn_about_both(std::string_view domain, const dict::MatchList& first, const dict::MatchList& second) const;

    dict::MatchList mydestination_;
    dict::MatchList virtual_alias_domains_;
    dict::MatchList virtual_mailbox_domains_;
    dict::MatchList relay_domains_;
    std::vector<std::string> own_addresses_;
    mutable std::set<std::string> warned_;  // one warning each, not one per message
};

}  // namespace address
