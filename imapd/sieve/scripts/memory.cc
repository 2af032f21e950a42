#include "imapd/sieve/scripts/memory.h"

#include <fmt/format.h>
#include <lmdb.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>

namespace scripts {
namespace {

constexpr std::size_t kMapSize = std::size_t{256} << 20;  // address space; the file grows only as far as it is used
constexpr std::size_t kMaxKey = 400;                      // LMDB's bound is 511
constexpr std::int64_t kForgetEvery = 3600;
constexpr std::size_t kTimeSize = sizeof(std::int64_t);

// A long key is known by its digest; its beginning stays, so that prefixes can be visited.
std::string short_key(std::string_view key) {
    if (key.size() <= kMaxKey)
        return std::string(key);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest);
    return std::string(key.substr(0, kMaxKey - sizeof digest)) + std::string(reinterpret_cast<char*>(digest), sizeof digest);
}

std::string_view octets_of(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }
MDB_val value_of(std::string_view octets) { return {octets.size(), const_cast<char*>(octets.data())}; }

std::int64_t time_of(std::string_view stored) {
    std::int64_t time = 0;
    if (stored.size() >= kTimeSize)
        std::memcpy(&time, stored.data(), kTimeSize);
    return time;
}

struct Cursor {
    MDB_cursor* handle = nullptr;
    ~Cursor() {
        if (handle != nullptr)
            mdb_cursor_close(handle);
    }
};

}  // namespace

struct Memory::Environment {
    std::string path;
    MDB_env* env = nullptr;
    MDB_dbi table = 0;

    ~Environment() {
        if (env != nullptr)
            mdb_env_close(env);
    }
    std::string wrong(const char* what, int error) const {
        return fmt::format("{}: {}: {}", path, what, mdb_strerror(error));
    }

    struct Transaction {
        MDB_txn* handle = nullptr;
        ~Transaction() {
            if (handle != nullptr)
                mdb_txn_abort(handle);
        }
    };
    int begin(Transaction& transaction, bool reading) const {
        return mdb_txn_begin(env, nullptr, reading ? MDB_RDONLY : 0, &transaction.handle);
    }
};

Memory::Memory(std::unique_ptr<Environment> environment) : environment_(std::move(environment)) {}
Memory::~Memory() = default;

std::expected<std::unique_ptr<Memory>, std::string> Memory::open(const std::string& path, Durable durable) {
    auto made = std::make_unique<Environment>();
    made->path = path;
    int error = mdb_env_create(&made->env);
    if (error == 0)
        error = mdb_env_set_mapsize(made->env, kMapSize);
    const unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NOMEMINIT | (durable == Durable::no ? MDB_NOSYNC : 0u);
    if (error == 0)
        error = mdb_env_open(made->env, path.c_str(), flags, 0600);
    if (error != 0)
        return std::unexpected(made->wrong("open", error));
    Environment::Transaction transaction;
    error = made->begin(transaction, false);
    if (error == 0)
        error = mdb_dbi_open(transaction.handle, nullptr, 0, &made->table);
    if (error == 0)
        error = mdb_txn_commit(std::exchange(transaction.handle, nullptr));
    if (error != 0)
        return std::unexpected(made->wrong("open its table", error));
    return std::unique_ptr<Memory>(new Memory(std::move(made)));
}

std::expected<std::optional<std::string>, std::string> Memory::find(std::string_view key, std::int64_t now) const {
    const std::string known = short_key(key);
    Environment::Transaction transaction;
    int error = environment_->begin(transaction, true);
    MDB_val name = value_of(known), stored{};
    if (error == 0)
        error = mdb_get(transaction.handle, environment_->table, &name, &stored);
    if (error == MDB_NOTFOUND)
        return std::nullopt;
    if (error != 0)
        return std::unexpected(environment_->wrong("look up", error));
    const std::string_view octets = octets_of(stored);
    if (octets.size() < kTimeSize || time_of(octets) <= now)
        return std::nullopt;
    return std::string(octets.substr(kTimeSize));
}

std::expected<bool, std::string> Memory::claim(std::string_view key, std::int64_t now, std::int64_t until) {
    const std::string known = short_key(key);
    std::string stored(kTimeSize, '\0');
    std::memcpy(stored.data(), &until, kTimeSize);
    Environment::Transaction transaction;
    int error = environment_->begin(transaction, false);
    MDB_val name = value_of(known), data{};
    if (error == 0)
        error = mdb_get(transaction.handle, environment_->table, &name, &data);
    if (error == 0 && time_of(octets_of(data)) > now)
        return false;
    data = value_of(stored);
    if (error == 0 || error == MDB_NOTFOUND)
        error = mdb_put(transaction.handle, environment_->table, &name, &data, 0);
    if (error == 0)
        error = mdb_txn_commit(std::exchange(transaction.handle, nullptr));
    if (error != 0)
        return std::unexpected(environment_->wrong("write", error));
    return true;
}

std::expected<void, std::string> Memory::remember(std::string_view key, std::int64_t until, std::string_view value) {
    return remember_all({{std::string(key), std::string(value)}}, until);
}

std::expected<void, std::string> Memory::remember_all(
    const std::vector<std::pair<std::string, std::string>>& entries, std::int64_t until) {
    Environment::Transaction transaction;
    int error = environment_->begin(transaction, false);
    for (const auto& [key, value] : entries) {
        if (error != 0)
            break;
        const std::string known = short_key(key);
        std::string stored(kTimeSize, '\0');
        std::memcpy(stored.data(), &until, kTimeSize);
        stored += value;
        MDB_val name = value_of(known), data = value_of(stored);
        error = mdb_put(transaction.handle, environment_->table, &name, &data, 0);
    }
    if (error == 0)
        error = mdb_txn_commit(std::exchange(transaction.handle, nullptr));
    if (error != 0)
        return std::unexpected(environment_->wrong("write", error));
    const std::int64_t now = std::time(nullptr);
    if (now - last_forgotten_ < kForgetEvery)
        return {};
    last_forgotten_ = now;
    return forget(now);
}

std::expected<void, std::string> Memory::forget(std::int64_t now) {
    Environment::Transaction transaction;
    int error = environment_->begin(transaction, false);
    {
        Cursor cursor;
        if (error == 0)
            error = mdb_cursor_open(transaction.handle, environment_->table, &cursor.handle);
        MDB_val name{}, stored{};
        while (error == 0 && (error = mdb_cursor_get(cursor.handle, &name, &stored, MDB_NEXT)) == 0)
            if (time_of(octets_of(stored)) <= now)
                error = mdb_cursor_del(cursor.handle, 0);
    }
    if (error == MDB_NOTFOUND)
        error = mdb_txn_commit(std::exchange(transaction.handle, nullptr));
    if (error != 0)
        return std::unexpected(environment_->wrong("forget", error));
    return {};
}

std::expected<void, std::string> Memory::visit(std::string_view prefix, std::int64_t now, const Visit& call) const {
    Environment::Transaction transaction;
    int error = environment_->begin(transaction, true);
    Cursor cursor;
    if (error == 0)
        error = mdb_cursor_open(transaction.handle, environment_->table, &cursor.handle);
    MDB_val name = value_of(prefix), stored{};
    if (error == 0)
        error = mdb_cursor_get(cursor.handle, &name, &stored, prefix.empty() ? MDB_FIRST : MDB_SET_RANGE);
    while (error == 0 && octets_of(name).starts_with(prefix)) {
        const std::string_view octets = octets_of(stored);
        if (octets.size() >= kTimeSize && time_of(octets) > now && !call(octets_of(name), octets.substr(kTimeSize)))
            return {};
        error = mdb_cursor_get(cursor.handle, &name, &stored, MDB_NEXT);
    }
    if (error != 0 && error != MDB_NOTFOUND)
        return std::unexpected(environment_->wrong("read", error));
    return {};
}

}  // namespace scripts
