// lib/dict/match_list.h - membership in a list such as mydestination, relay_domains or mynetworks.
//
//     pattern         equal to the text (for domains also, where configured, a parent of it)
//     .example.test   any subdomain, but not the domain itself
//     192.0.2.0/24    a block of addresses; [2001:db8::]/32
//     type:table      in the table, whatever the value
//     /file           the patterns in the file
//     !pattern        not; the first pattern that matches decides
//
// Standards   postconf(5) at mynetworks, relay_domains, parent_domain_matches_subdomains
// Failure     a table or file that cannot be read gives Failure at the moment it would decide.
// Trust       what is asked about comes from strangers; the patterns are the administrator's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/values.h"
#include "lib/dict/network.h"
#include "lib/dict/table.h"

namespace dict {

enum class ListKind {
    strings,         // whole words only
    domains,         // example.test, .example.test
    parent_domains,  // example.test stands for its subdomains too
    addresses,       // host names and address blocks
};

using Matched = std::expected<bool, Failure>;

class MatchList {
  public:
    MatchList() = default;
    static MatchList open(std::string name, const config::List& patterns, ListKind kind);

    // At once, unless a table of the list has to be waited for.
    question::Pending<Matched> matches(const question::Asker& asker, std::string_view text) const;
    // For lists of clients: by name (may be empty) and by address.
    question::Pending<Matched> matches_client(
        const question::Asker& asker, std::string_view host_name, std::string_view address) const;

    bool empty() const { return entries_.empty(); }
    bool stale() const;
    const std::string& name() const { return name_; }
    const std::vector<std::string>& problems() const { return problems_; }

  private:
    struct Entry {
        bool negated = false;
        std::string text;  // in lower case
        std::unique_ptr<Table> table;
        std::optional<Network> network;
        std::string unreadable;  // why this entry cannot decide
    };

    // What is asked about.
    struct Subject {
        std::string_view text;     // in lower case
        std::string_view address;  // of a client
        std::optional<IpAddress> ip;
        bool has_text = true;  // a client may have no name
    };
    class Keys;

    void add(std::string_view pattern, int depth);
    void add_file(const std::string& path, bool negated, int depth);
    bool text_matches(const Entry& entry, std::string_view text) const;
    Matched entry_matches(const Entry& entry, const Subject& subject) const;
    question::Pending<Matched> decide(const question::Asker& asker, const Subject& subject) const;
    std::optional<Matched> table_at_once(const question::Asker& asker, Table& table, const Subject& subject) const;
    event::Task<Matched> table_later(const question::Asker& asker, Table& table, const Subject& subject) const;
    event::Task<Matched> decide_later(
        const question::Asker& asker, Subject subject, std::string text, std::string address, std::size_t from) const;
    void write_down(const question::Asker& asker, const Subject& subject, const Entry* by) const;
    Failure failure(std::string_view text) const { return {name_ + ": " + std::string(text)}; }

    std::string name_;
    ListKind kind_ = ListKind::strings;
    std::vector<Entry> entries_;
    std::vector<std::string> problems_;
};

// The kind that a list of domains has under parent_domain_matches_subdomains.
ListKind domain_list_kind(std::string_view parameter, const config::List& parent_domain_matches_subdomains);

}  // namespace dict
