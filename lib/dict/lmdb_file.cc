#include "lib/dict/lmdb_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "lib/file/replace.h"

namespace dict {
namespace {

MDB_val to_val(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }

std::string to_text(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

std::string without_nul(std::string text) {
    if (text.ends_with('\0'))
        text.pop_back();
    return text;
}

}  // namespace

struct LmdbFile::Handle {
    std::string path;
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;

    ~Handle() {
        if (txn != nullptr)
            mdb_txn_abort(txn);
        if (env != nullptr)
            mdb_env_close(env);
    }
    std::string failure(int error) const { return fmt::format("read {}: {}", path, mdb_strerror(error)); }
};

LmdbFile::LmdbFile(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
LmdbFile::~LmdbFile() = default;
LmdbFile::LmdbFile(LmdbFile&&) noexcept = default;
LmdbFile& LmdbFile::operator=(LmdbFile&&) noexcept = default;

std::expected<LmdbFile, std::string> LmdbFile::open(const std::string& path) {
    auto handle = std::make_unique<Handle>();
    handle->path = path;
    int error = mdb_env_create(&handle->env);
    if (error == 0)
        error = mdb_env_open(handle->env, path.c_str(), MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0);
    if (error == 0)
        error = mdb_txn_begin(handle->env, nullptr, MDB_RDONLY, &handle->txn);
    if (error == 0)
        error = mdb_dbi_open(handle->txn, nullptr, 0, &handle->dbi);
    if (error != 0)
        return std::unexpected(fmt::format("open {}: {}", path, mdb_strerror(error)));
    return LmdbFile(std::move(handle));
}

std::expected<std::optional<std::string>, std::string> LmdbFile::find(std::string_view key) const {
    if (key.empty() || key.size() >= kMaxLmdbKey)
        return std::optional<std::string>();
    std::array<char, kMaxLmdbKey + 1> with_nul;
    *std::copy(key.begin(), key.end(), with_nul.begin()) = 0;
    for (std::string_view form : {key, std::string_view(with_nul.data(), key.size() + 1)}) {
        MDB_val wanted = to_val(form);
        MDB_val found{};
        int error = mdb_get(handle_->txn, handle_->dbi, &wanted, &found);
        if (error == 0)
            return std::optional<std::string>(without_nul(to_text(found)));
        if (error != MDB_NOTFOUND)
            return std::unexpected(handle_->failure(error));
    }
    return std::optional<std::string>();
}

std::expected<std::vector<std::pair<std::string, std::string>>, std::string> LmdbFile::list() const {
    std::vector<std::pair<std::string, std::string>> records;
    MDB_cursor* cursor = nullptr;
    int error = mdb_cursor_open(handle_->txn, handle_->dbi, &cursor);
    while (error == 0) {
        MDB_val key{};
        MDB_val value{};
        error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        if (error == 0)
            records.emplace_back(without_nul(to_text(key)), without_nul(to_text(value)));
    }
    if (cursor != nullptr)
        mdb_cursor_close(cursor);
    if (error != MDB_NOTFOUND)
        return std::unexpected(handle_->failure(error));
    return records;
}

namespace {

// Closes the environment on every way out.
struct Writer {
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;

    ~Writer() {
        if (txn != nullptr)
            mdb_txn_abort(txn);
        if (env != nullptr)
            mdb_env_close(env);
    }

    int fill(const std::string& path, const Records& records) {
        std::size_t size = 1 << 20;
        for (const auto& [key, value] : records)
            size += 2 * (key.size() + value.size() + 64) + (value.size() > 1000 ? 8192 : 0);
        int error = mdb_env_create(&env);
        if (error == 0)
            error = mdb_env_set_mapsize(env, size);
        if (error == 0)
            error = mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0600);
        if (error == 0)
            error = mdb_txn_begin(env, nullptr, 0, &txn);
        MDB_dbi dbi = 0;
        if (error == 0)
            error = mdb_dbi_open(txn, nullptr, 0, &dbi);
        for (auto record = records.begin(); error == 0 && record != records.end(); ++record) {
            MDB_val key = to_val(record->first);
            MDB_val value = to_val(record->second);
            error = mdb_put(txn, dbi, &key, &value, MDB_APPEND);
        }
        if (error == 0) {
            error = mdb_txn_commit(txn);
            txn = nullptr;
        }
        if (error == 0)
            error = mdb_env_sync(env, 1);
        return error;
    }
};

int set_rights(const std::string& path, const FileRights& rights) {
    if (::chmod(path.c_str(), rights.mode & 0777) < 0)
        return errno;
    // Only root can give a file away; for anybody else the file is theirs already.
    if (::geteuid() == 0 && (rights.uid != static_cast<unsigned>(-1) || rights.gid != static_cast<unsigned>(-1)) &&
        ::chown(path.c_str(), rights.uid, rights.gid) < 0)
        return errno;
    return 0;
}

}  // namespace

std::expected<void, std::string> write_lmdb(const std::string& path, const Records& records, const FileRights& rights) {
    std::string fresh = fmt::format("{}.new.{}", path, ::getpid());
    ::unlink(fresh.c_str());
    int error = 0;
    {
        Writer writer;
        error = writer.fill(fresh, records);
    }
    std::string reason = error != 0 ? mdb_strerror(error) : "";
    if (error == 0 && (error = set_rights(fresh, rights)) != 0)
        reason = std::strerror(error);
    if (error != 0) {
        ::unlink(fresh.c_str());
        return std::unexpected(fmt::format("create {}: {}", path, reason));
    }
    if (auto done = file::publish(fresh, path); !done)
        return std::unexpected(done.error().text());
    return {};
}

}  // namespace dict
