#include "lib/dict/table.h"

#include "lib/question/within.h"
#include "lib/text/text.h"

namespace dict {
namespace {

struct Type {
    std::string_view name;
    Opened (*open)(const std::string& name);
};

constexpr Type kTypes[] = {
    {"btree", open_lmdb},
    {"cidr", open_cidr},
    {"environ", open_environ},
    {"fail", open_fail},
    {"hash", open_lmdb},
    {"inline", open_inline},
    {"lmdb", open_lmdb},
    {"pcre", open_pcre},
    {"pipemap", open_pipemap},
    {"randmap", open_randmap},
    {"regexp", open_regexp},
    {"static", open_static},
    {"texthash", open_texthash},
    {"unionmap", open_unionmap},
    {"unix", open_unix},
};

struct AddedType {
    std::string name;
    std::function<Opened(const std::string&)> open;
};

std::vector<AddedType>& added_types() {
    static std::vector<AddedType> types;
    return types;
}

bool is_type_name(std::string_view text) {
    if (text.empty())
        return false;
    for (char c : text) {
        if (!text::is_alnum(c) && c != '_')
            return false;
    }
    return true;
}

}  // namespace

TableName split_table_name(std::string_view spec, std::string_view default_type) {
    while (spec.starts_with("proxy:"))
        spec.remove_prefix(6);
    std::size_t colon = spec.find(':');
    TableName result;
    if (colon == std::string_view::npos || !is_type_name(spec.substr(0, colon)))
        result = {std::string(default_type), std::string(spec)};
    else
        result = {std::string(spec.substr(0, colon)), std::string(spec.substr(colon + 1))};
    if (result.type == "hash" || result.type == "btree")
        result.type = "lmdb";
    return result;
}

std::vector<std::string> table_types() {
    std::vector<std::string> names;
    for (const Type& type : kTypes)
        names.emplace_back(type.name);
    for (const AddedType& type : added_types())
        names.push_back(type.name);
    names.emplace_back("proxy");
    return names;
}

void add_table_type(std::string name, std::function<Opened(const std::string& name)> open) {
    added_types().push_back({std::move(name), std::move(open)});
}

Opened Table::open(std::string_view spec, std::string_view default_type) {
    TableName name = split_table_name(spec, default_type);
    std::optional<Opened> opened;
    for (const Type& type : kTypes)
        if (type.name == name.type)
            opened = type.open(name.name);
    for (const AddedType& type : added_types())
        if (!opened && type.name == name.type)
            opened = type.open(name.name);
    if (!opened)
        return std::unexpected(Failure{std::string(spec) + ": unsupported dictionary type: " + name.type});
    if (!*opened)
        return std::unexpected(Failure{std::string(spec) + ": " + opened->error().text});
    (**opened)->spec_ = spec;
    return std::move(*opened);
}

namespace {

const char* reason_of(question::Refusal refusal) {
    switch (refusal) {
    case question::Refusal::too_late: return "no answer in time";
    case question::Refusal::cancelled: return "the question was taken back";
    case question::Refusal::limited: return "too many questions are under way";
    case question::Refusal::broken: break;
    }
    return "this table has to be waited for, and here nobody can wait";
}

}  // namespace

// For an asker who has a time limit, may take his questions back, keeps a record, or cannot wait.
event::Task<Answer> Table::ask_heeding(const question::Asker& asker, std::string key) {
    question::Place place;
    std::expected<Answer, question::Refusal> heard = co_await question::heeding(asker, ask(asker, key, &place));
    Answer answer = heard ? std::move(*heard) : std::unexpected(failure(reason_of(heard.error())));
    if (asker.record == nullptr)
        co_return answer;
    std::string said = !answer ? "try later: " + answer.error().text : *answer ? "\"" + **answer + "\"" : "not there";
    std::string source = owner_.empty() ? spec_ : owner_ + ": " + spec_;
    asker.record->answered({std::move(source), std::move(key)}, std::move(said), std::move(place));
    co_return answer;
}

std::expected<std::vector<std::pair<std::string, std::string>>, Failure> Table::list() {
    return std::unexpected(failure("this type of table cannot list its keys"));
}

}  // namespace dict
