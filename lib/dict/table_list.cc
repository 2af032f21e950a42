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
        (*table)->set_owner(list.name_);
        list.tables_.push_back(std::move(*table));
    }
    return list;
}

question::Pending<Answer> TableList::lookup(const question::Asker& asker, std::string_view key, KeyKind kind) const {
    if (!problems_.empty())
        return std::unexpected(Failure{problems_.front()});
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        if (skips(*tables_[i], kind))
            continue;
        if (i + 1 == tables_.size())
            return tables_[i]->lookup(asker, key);
        question::Pending<Answer> asked = tables_[i]->lookup(asker, key);
        if (!asked.is_ready())
            return look_on(asker, std::string(key), kind, i);  // nothing has begun yet: tasks are lazy
        const Answer& answer = asked.value();
        if (!answer || *answer)
            return asked;
    }
    return std::optional<std::string>();
}

// The rest of the search, once a table has to be waited for.
event::Task<Answer> TableList::look_on(const question::Asker& asker, std::string key, KeyKind kind, std::size_t from) const {
    for (std::size_t i = from; i < tables_.size(); ++i) {
        if (skips(*tables_[i], kind))
            continue;
        Answer answer = co_await tables_[i]->lookup(asker, key);
        if (!answer || *answer)
            co_return answer;
    }
    co_return std::optional<std::string>();
}

bool TableList::stale() const {
    for (const auto& table : tables_) {
        if (table->stale())
            return true;
    }
    return false;
}

}  // namespace dict
