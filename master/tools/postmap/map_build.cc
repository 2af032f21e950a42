#include "master/tools/postmap/map_build.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/command/command.h"
#include "lib/config/logical_lines.h"
#include "lib/config/values.h"
#include "lib/dict/lmdb_file.h"
#include "lib/dict/source_file.h"
#include "lib/dict/table.h"
#include "lib/text/text.h"

namespace postmap {
namespace {

// While we work for the owner of the source, files are made with that owner's rights: a table in a user's own
// directory must not let that user have root write somewhere else.
class OwnersRights {
  public:
    OwnersRights(const struct stat& source, bool keep) {
        if (keep || ::geteuid() != 0 || source.st_uid == 0)
            return;
        if (::setegid(source.st_gid) < 0 || ::seteuid(source.st_uid) < 0)
            command::fatal(fmt::format("take on the rights of uid {}: {}", source.st_uid, std::strerror(errno)));
        taken_ = true;
    }
    ~OwnersRights() {
        if (taken_ && (::seteuid(0) < 0 || ::setegid(0) < 0))
            command::fatal("cannot get root's rights back");
    }

  private:
    bool taken_ = false;
};

// Two commands that change one table take turns. The lock is on the source text, or on the table where there is none.
class TableLock {
  public:
    explicit TableLock(const std::string& path) {
        // Whoever had the lock may have put another file in place meanwhile: then that one is to be locked.
        for (;;) {
            fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
            if (fd_ < 0)
                return;
            if (::flock(fd_, LOCK_EX) < 0)
                command::fatal(fmt::format("lock {}: {}", path, std::strerror(errno)));
            struct stat locked {};
            struct stat named {};
            if (::fstat(fd_, &locked) < 0 || ::stat(path.c_str(), &named) < 0 || locked.st_ino == named.st_ino)
                return;
            ::close(fd_);
        }
    }
    ~TableLock() {
        if (fd_ >= 0)
            ::close(fd_);
    }

  private:
    int fd_;
};

// The key as it is kept; warns and gives nothing for one that LMDB cannot hold.
std::string stored_key(std::string_view key, const BuildOptions& options) {
    std::string stored(key);
    if (options.add_nul)
        stored += '\0';
    if (stored.size() >= dict::kMaxLmdbKey) {
        command::warn(fmt::format("a key of {} octets is too long -- ignoring this entry: \"{}...\"", key.size(),
            text::printable(key.substr(0, 40))));
        return {};
    }
    return stored;
}

std::string content_of_files(const dict::SourceEntry& entry, const std::string& where) {
    std::string all;
    for (const std::string& path : config::split_list(entry.value)) {
        auto content = config::read_text_file(path);
        if (!content)
            command::fatal(fmt::format("{}, line {}: {}", where, entry.line, content.error()));
        all += *content;
    }
    return text::encode_base64(all);
}

void add_all(dict::Records& records, std::string_view source, const std::string& source_name, const std::string& table_path,
    const BuildOptions& options) {
    dict::SourceText parsed = options.aliases ? dict::parse_alias_source(source, source_name, options.fold)
                                              : dict::parse_map_source(source, source_name, options.fold);
    for (const std::string& warning : parsed.warnings)
        command::warn(warning);
    for (dict::SourceEntry& entry : parsed.entries) {
        std::string key = stored_key(entry.key, options);
        if (key.empty())
            continue;
        std::string value = options.values_are_files ? content_of_files(entry, source_name) : std::move(entry.value);
        if (options.add_nul)
            value += '\0';
        auto [place, fresh] = records.try_emplace(std::move(key), value);
        if (fresh)
            continue;
        if (options.duplicates == Duplicates::replace)
            place->second = std::move(value);
        else if (options.duplicates == Duplicates::warn)
            command::warn(fmt::format("{}: duplicate entry: \"{}\"", table_path, text::printable(entry.key)));
    }
}

dict::Records read_records(const std::string& path, bool must_exist) {
    dict::Records records;
    if (::access(path.c_str(), F_OK) < 0 && !must_exist)
        return records;
    auto file = dict::LmdbFile::open(path);
    if (!file)
        command::fatal(file.error());
    auto list = file->list();
    if (!list)
        command::fatal(list.error());
    for (auto& [key, value] : *list)
        records.insert_or_assign(std::move(key), std::move(value));
    return records;
}

void write(const std::string& path, const dict::Records& records, const dict::FileRights& rights) {
    if (auto written = dict::write_lmdb(path, records, rights); !written)
        command::fatal(written.error());
}

dict::FileRights rights_of(const struct stat& status) { return {status.st_mode & 0777, status.st_uid, status.st_gid}; }

// For changes to a table that may exist already.
dict::FileRights present_rights(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? rights_of(status) : dict::FileRights{};
}

}  // namespace

std::string indexed_path(std::string_view spec, std::string_view default_type) {
    dict::TableName table = dict::split_table_name(spec, default_type);
    if (table.type != "lmdb") {
        bool known = false;
        for (const std::string& type : dict::table_types())
            known = known || type == table.type;
        command::fatal(known
                           ? fmt::format("unsupported dictionary type: {} does not support bulk-mode creation.", table.type)
                           : fmt::format("unsupported dictionary type: {}", table.type));
    }
    return table.name.ends_with(".lmdb") ? table.name : table.name + ".lmdb";
}

void build(std::string_view spec, const BuildOptions& options) {
    std::string table_path = indexed_path(spec, options.default_type);
    std::string source_path = dict::split_table_name(spec, options.default_type).name;
    struct stat status {};
    if (::stat(source_path.c_str(), &status) < 0)
        command::fatal(fmt::format("open {}: {}", source_path, std::strerror(errno)));
    OwnersRights rights(status, options.keep_rights);
    TableLock lock(source_path);
    auto source = config::read_text_file(source_path);
    if (!source)
        command::fatal(source.error());
    dict::Records records;
    add_all(records, *source, source_path, table_path, options);
    dict::FileRights file_rights = rights_of(status);
    file_rights.mode = 0600 | (options.inherit_read ? status.st_mode & 044 : 0);
    write(table_path, records, file_rights);
}

void add_entries(std::string_view spec, std::string_view text, const BuildOptions& options) {
    std::string path = indexed_path(spec, options.default_type);
    TableLock lock(path);
    dict::FileRights rights = present_rights(path);
    dict::Records records = read_records(path, false);
    add_all(records, text, "stdin", path, options);
    write(path, records, rights);
}

bool delete_keys(std::string_view spec, const std::vector<std::string>& keys, const BuildOptions& options) {
    std::string path = indexed_path(spec, options.default_type);
    TableLock lock(path);
    dict::FileRights rights = present_rights(path);
    dict::Records records = read_records(path, true);
    bool found = false;
    for (const std::string& key : keys)
        found = records.erase(options.fold ? text::lower(key) : key) > 0 || found;
    if (found)
        write(path, records, rights);
    return found;
}

void print_all(std::string_view spec, const BuildOptions& options) {
    auto table = dict::Table::open(spec, options.default_type);
    if (!table)
        command::fatal(table.error().text);
    auto entries = (*table)->list();
    if (!entries)
        command::fatal(entries.error().text);
    for (const auto& [key, value] : *entries)
        fmt::print("{}{}\t{}\n", key, options.aliases ? ":" : "", value);
}

}  // namespace postmap
