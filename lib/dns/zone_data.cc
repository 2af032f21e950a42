#include "lib/dns/zone_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "lib/dns/message.h"
#include "lib/dns/name.h"
#include "lib/text/text.h"

namespace dns {
namespace {

constexpr std::uint32_t kTtl = 3600;

std::string key_of(std::string_view name) {
    if (name.ends_with('.'))
        name.remove_suffix(1);
    return text::lower(name);
}

// A YAML file has one of the two keys at the beginning of a line; no zone file has.
bool is_yaml(std::string_view content) {
    for (std::string_view key : {"zonedata:", "txt-records:"}) {
        for (std::size_t at = content.find(key); at != std::string_view::npos; at = content.find(key, at + 1))
            if (at == 0 || content[at - 1] == '\n')
                return true;
    }
    return false;
}

}  // namespace

std::expected<ZoneData, std::string> ZoneData::load(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream content;
    if (file)
        content << file.rdbuf();
    if (!file)
        return std::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
    return parse(content.str(), path);
}

std::expected<ZoneData, std::string> ZoneData::parse(std::string_view text, const std::string& name) {
    ZoneData data;
    if (is_yaml(text)) {
        auto documents = parse_documents(text, name);
        if (!documents)
            return std::unexpected(documents.error());
        for (ZoneData& document : *documents)
            data.replace_by(std::move(document));
        return data;
    }
    if (auto parsed = parse_zone_file(text, data); !parsed)
        return std::unexpected(name + ": " + parsed.error());
    return data;
}

std::expected<std::vector<ZoneData>, std::string> ZoneData::parse_documents(std::string_view yaml, const std::string& name) {
    auto documents = parse_zone_yaml(yaml);
    if (!documents)
        return std::unexpected(name + ": " + documents.error());
    return documents;
}

std::string encode_txt(std::string_view content) {
    std::string rdata;
    do {
        std::string_view part = content.substr(0, 255);
        rdata += static_cast<char>(part.size());
        rdata += part;
        content.remove_prefix(part.size());
    } while (!content.empty());
    return rdata;
}

std::expected<void, std::string> ZoneData::add(std::string_view name, Type type, std::string_view rdata) {
    if (type == Type::txt) {
        add_txt(name, rdata);
        return {};
    }
    std::vector<Word> words;
    for (std::string_view word : text::split(rdata, " \t"))
        words.push_back(Word{std::string(word), false});
    auto encoded = encode_rdata(type, words, ".");
    if (!encoded)
        return std::unexpected(encoded.error());
    add_rdata(name, type, std::move(*encoded));
    return {};
}

void ZoneData::add_txt(std::string_view name, std::string_view content) { add_rdata(name, Type::txt, encode_txt(content)); }
void ZoneData::add_name(std::string_view name) { nodes_[key_of(name)]; }
void ZoneData::add_rdata(std::string_view name, Type type, std::string rdata) {
    nodes_[key_of(name)].records[type].push_back(std::move(rdata));
}

void ZoneData::set_trouble(std::string_view name, Status status, std::optional<Type> type) {
    Node& node = nodes_[key_of(name)];
    if (type)
        node.trouble[*type] = status;
    else
        node.all_trouble = status;
}

void ZoneData::replace_by(ZoneData later) {
    for (auto& [name, node] : later.nodes_)
        nodes_[name] = std::move(node);
}

bool ZoneData::exists(const std::string& name) const {
    if (nodes_.contains(name))
        return true;
    std::string below = "." + name;
    return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& node) { return node.first.ends_with(below); });
}

const ZoneData::Node* ZoneData::find(const std::string& name) const {
    if (auto node = nodes_.find(name); node != nodes_.end())
        return &node->second;
    if (exists(name))
        return nullptr;
    // RFC 4592, 3.3.1: the wildcard right below the nearest name that exists.
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
        std::string parent = name.substr(dot + 1);
        auto wildcard = nodes_.find("*." + parent);
        if (wildcard != nodes_.end())
            return &wildcard->second;
        if (exists(parent))
            return nullptr;
    }
    return nullptr;
}

RawAnswer ZoneData::answer(std::string name, Type type) const {
    RawAnswer result;
    result.ttl = kTtl;
    result.secure = secure_;
    for (int aliases = 0; aliases <= kMaxAliases; ++aliases) {
        result.canonical_name = name;
        std::string key = key_of(name);
        const Node* node = find(key);
        if (node == nullptr) {
            result.status = Status::does_not_exist;
            result.name_exists = exists(key);
            result.reason = result.name_exists ? "the name has no such record" : "the name does not exist";
            return result;
        }
        result.name_exists = true;
        if (auto found = node->records.find(type); found != node->records.end()) {
            result.status = Status::found;
            result.records = found->second;
            return result;
        }
        auto trouble = node->trouble.find(type);
        std::optional<Status> status = trouble != node->trouble.end() ? trouble->second : node->all_trouble;
        if (status) {
            result.status = *status;
            result.secure = false;
            result.reason = *status == Status::bogus ? "the data file says BOGUS" : "the data file says TIMEOUT";
            return result;
        }
        auto alias = node->records.find(Type::cname);
        if (alias == node->records.end()) {
            result.status = Status::does_not_exist;
            result.reason = "the name has no such record";
            return result;
        }
        name = parse_name_record(alias->second.front()).value_or("");
    }
    result.status = Status::temporary_failure;
    result.secure = false;
    result.reason = "too many CNAME records, or a circle of them";
    return result;
}

event::Task<RawAnswer> ZoneData::query(std::string name, Type type) {
    ++questions_;
    RawAnswer result = answer(std::move(name), type);
    co_return result;
}

}  // namespace dns
