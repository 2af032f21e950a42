#include "imapd/auth/passwd_file.h"

#include <fmt/format.h>

#include "lib/config/logical_lines.h"
#include "lib/text/text.h"

namespace auth {
namespace {

// user, password, uid, gid, gecos, home, shell, extra. The last takes the rest of the line, colons and all.
constexpr std::size_t kFields = 8;

std::vector<std::string_view> split_colons(std::string_view line) {
    std::vector<std::string_view> fields;
    while (fields.size() + 1 < kFields) {
        std::size_t colon = line.find(':');
        fields.push_back(line.substr(0, colon));
        if (colon == std::string_view::npos)
            return fields;
        line.remove_prefix(colon + 1);
    }
    fields.push_back(line);
    return fields;
}

// What a field means to us; others have no effect, and are reported.
bool has_effect(std::string_view extra) {
    return extra.starts_with("userdb_") || extra == "allow_nets" || extra == "nologin";
}

}  // namespace

const std::string* UserEntry::find_extra(std::string_view key) const {
    for (const auto& [name, value] : extra) {
        if (name == key)
            return &value;
    }
    return nullptr;
}

std::expected<PasswdFile, std::string> PasswdFile::load(const std::string& path) {
    auto text = config::read_text_file(path);
    if (!text)
        return std::unexpected(text.error());
    return parse(*text, path);
}

PasswdFile PasswdFile::parse(std::string_view text, const std::string& path) {
    PasswdFile file;
    int number = 0;
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++number;
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (text::trim(line).empty() || line.front() == '#')
            continue;
        auto complain = [&](std::string_view what) {
            file.problems_.push_back(fmt::format("{}, line {}: {}", path, number, what));
        };
        std::vector<std::string_view> fields = split_colons(line);
        fields.resize(kFields);
        UserEntry entry;
        entry.name = text::lower(text::trim(fields[0]));
        if (entry.name.empty()) {
            complain("no user name");
            continue;
        }
        entry.password = fields[1];
        entry.uid = fields[2];
        entry.gid = fields[3];
        entry.gecos = fields[4];
        entry.home = fields[5];
        entry.shell = fields[6];
        for (std::string_view item : text::split(fields[7], " \t")) {
            std::size_t equals = item.find('=');
            std::string key(item.substr(0, equals));
            if (!has_effect(key))
                complain(fmt::format("{} has no effect here", text::printable(key)));
            entry.extra.emplace_back(std::move(key), equals == std::string_view::npos ? "" : item.substr(equals + 1));
        }
        auto [place, fresh] = file.by_name_.try_emplace(entry.name, file.users_.size());
        if (!fresh) {
            complain(fmt::format("user {} is there already", text::printable(entry.name)));
            continue;
        }
        file.users_.push_back(std::move(entry));
    }
    return file;
}

const UserEntry* PasswdFile::find(const std::string& name) const {
    auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &users_[found->second];
}

std::string format_entry(const UserEntry& entry) {
    std::string extra;
    for (const auto& [key, value] : entry.extra) {
        extra += extra.empty() ? "" : " ";
        extra += value.empty() ? key : key + "=" + value;
    }
    return fmt::format("{}:{}:{}:{}:{}:{}:{}:{}", entry.name, entry.password, entry.uid, entry.gid, entry.gecos, entry.home,
        entry.shell, extra);
}

std::string fill_pattern(std::string_view pattern, std::string_view user) {
    std::size_t at = user.rfind('@');
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%' || i + 1 == pattern.size()) {
            out += pattern[i];
            continue;
        }
        switch (pattern[++i]) {
        case 'u': out += user; break;
        case 'n': out += user.substr(0, at); break;
        case 'd': out += at == std::string_view::npos ? std::string_view() : user.substr(at + 1); break;
        case '%': out += '%'; break;
        default: out += '%'; out += pattern[i];
        }
    }
    return out;
}

}  // namespace auth
