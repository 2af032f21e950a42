// lib/dict/table_list.h - several tables, searched in order: what a parameter like virtual_alias_maps means.
//
// Failure     a table that cannot answer ends the search with Failure, so that a later table cannot answer in its
//             place. A spec that can never work makes a list whose lookups fail; problems() tells at start.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/values.h"
#include "lib/dict/table.h"

namespace dict {

// Whether the key is the whole thing, or a part of it that pattern tables must not see.
enum class KeyKind { whole, part };

class TableList {
  public:
    TableList() = default;
    // name is the parameter's, for messages.
    static TableList open(std::string name, const config::List& specs, std::string_view default_type = "lmdb");

    bool empty() const { return tables_.empty() && problems_.empty(); }
    // At once where the tables that are asked answer at once.
    question::Pending<Answer> lookup(
        const question::Asker& asker, std::string_view key, KeyKind kind = KeyKind::whole) const;
    bool stale() const;

    const std::string& name() const { return name_; }
    // Specs that cannot work, and mistakes inside the tables, for the log and for `malleposte check`.
    const std::vector<std::string>& problems() const { return problems_; }
    const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    bool skips(const Table& table, KeyKind kind) const { return kind == KeyKind::part && table.is_pattern(); }
    event::Task<Answer> look_on(const question::Asker& asker, std::string key, KeyKind kind, std::size_t from) const;

    std::string name_;
    std::vector<std::unique_ptr<Table>> tables_;
    std::vector<std::string> problems_;
    std::vector<std::string> warnings_;
};

}  // namespace dict
