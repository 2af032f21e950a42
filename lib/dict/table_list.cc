#include "lib/dict/table_list.h"

namespace dict {

TableList TableList::open(std::string name, const config::List& specs, std::string_view default_type) {
    TableList list;
    list.name_ = std::move(name);
    for (const std::string& spec : specs) {
        Opened table = Table::open(spec, default_type);
        if (!table) {
            list.problems_.push_back(table.error().text);
            continue;
        }
        for (std::string& warning : (*table)->take_warnings())
            list.warnings_.push_back(std::move(warning));
        list.tables_.push_back(std::move(*table));
    }
    return list;
}

Answer TableList::lookup(std::string_view key, KeyKind kind) const {
    if (!problems_.empty())
        return std::unexpected(Failure{problems_.front()});
    for (const auto& table : tables_) {
        if (kind == KeyKind::part && table->is_pattern())
            continue;
        Answer answer = table->lookup(key);
        if (!answer || *answer)
            return answer;
    }
    return std::optional<std::string>();
}

bool TableList::stale() const {
    for (const auto& table : tables_) {
        if (table->stale())
            return true;
    }
    return false;
}

}  // namespace dict
