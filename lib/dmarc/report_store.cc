#include "lib/dmarc/report_store.h"

#include <lmdb.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "lib/dict/network.h"
#include "lib/dkim/crypto.h"
#include "lib/dkim/signature.h"

namespace dmarc {
namespace {

using ipc::records::DmarcObservation;
using ipc::records::DmarcPolicy;
using ipc::records::DmarcRow;
using Failed = std::unexpected<std::string>;

constexpr std::size_t kMapSize = std::size_t{1} << 30;  // address space, not disk
constexpr std::size_t kMaxText = 253;

void put_u32(std::string& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out += static_cast<char>(value >> shift & 0xff);
}

std::uint32_t get_u32(std::string_view octets) {
    std::uint32_t value = 0;
    for (char c : octets.substr(0, 4))
        value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

std::string put_u64(std::uint64_t value) {
    std::string out;
    put_u32(out, static_cast<std::uint32_t>(value >> 32));
    put_u32(out, static_cast<std::uint32_t>(value));
    return out;
}

std::uint64_t get_u64(std::string_view octets) {
    return static_cast<std::uint64_t>(get_u32(octets)) << 32 | get_u32(octets.substr(4));
}

// Keys: 'p' day domain NUL -> the policy; 'r' day domain NUL hash -> count and row. So the rows of a domain and day are
// neighbours, and days are in order.
std::string key_prefix(char kind, std::uint32_t day, std::string_view domain) {
    std::string key(1, kind);
    put_u32(key, day);
    key += domain;
    key += '\0';
    return key;
}

MDB_val as_value(std::string_view text) {
    // LMDB reads only, but its struct has no const.
    return MDB_val{text.size(), const_cast<char*>(text.data())};
}

std::string_view as_text(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

class Transaction {
  public:
    Transaction(MDB_env* environment, unsigned flags) {
        status_ = mdb_txn_begin(environment, nullptr, flags, &transaction_);
    }
    ~Transaction() {
        if (transaction_ != nullptr)
            mdb_txn_abort(transaction_);
    }
    int status() const { return status_; }
    MDB_txn* get() const { return transaction_; }
    int commit() { return mdb_txn_commit(std::exchange(transaction_, nullptr)); }

  private:
    MDB_txn* transaction_ = nullptr;
    int status_ = 0;
};

class Cursor {
  public:
    Cursor(MDB_txn* transaction, MDB_dbi database) { mdb_cursor_open(transaction, database, &cursor_); }
    ~Cursor() { mdb_cursor_close(cursor_); }
    // The first entry at or behind the key.
    bool seek(std::string_view key) {
        key_ = as_value(key);
        return mdb_cursor_get(cursor_, &key_, &value_, MDB_SET_RANGE) == 0;
    }
    bool next() { return mdb_cursor_get(cursor_, &key_, &value_, MDB_NEXT) == 0; }
    int remove() { return mdb_cursor_del(cursor_, 0); }
    std::string_view key() const { return as_text(key_); }
    std::string_view value() const { return as_text(value_); }

  private:
    MDB_cursor* cursor_ = nullptr;
    MDB_val key_{};
    MDB_val value_{};
};

// The record of a frame: without its length.
template <class Record>
std::expected<Record, std::string> decode_stored(std::string_view frame) {
    return frame.size() < 4 ? std::expected<Record, std::string>(Failed("too short")) : ipc::decode<Record>(frame.substr(4));
}

// smtpd is believed nothing that would break a report: names must be names, addresses addresses.
bool is_sound(const DmarcObservation& seen) {
    const auto domain = dkim::to_a_labels(seen.policy.domain);
    return seen.time > 0 && seen.time < std::int64_t{UINT32_MAX} * 86'400 && domain && *domain == seen.policy.domain &&
           dict::parse_ip(seen.row.source_ip).has_value();
}

DmarcRow cut(DmarcRow row) {
    for (std::string* text : {&row.disposition, &row.dkim, &row.spf, &row.envelope_from, &row.header_from, &row.spf_domain,
             &row.spf_scope, &row.spf_result})
        text->resize(std::min(text->size(), kMaxText));
    row.reasons.resize(std::min<std::size_t>(row.reasons.size(), 8));
    row.dkim_results.resize(std::min<std::size_t>(row.dkim_results.size(), 10));
    for (auto& reason : row.reasons)
        reason.comment.resize(std::min(reason.comment.size(), kMaxText));
    for (auto& dkim : row.dkim_results) {
        dkim.domain.resize(std::min(dkim.domain.size(), kMaxText));
        dkim.selector.resize(std::min(dkim.selector.size(), kMaxText));
    }
    return row;
}

}  // namespace

struct ReportStore::Handle {
    std::string folder;
    MDB_env* environment = nullptr;
    MDB_dbi database = 0;
    ~Handle() {
        if (environment != nullptr)
            mdb_env_close(environment);
    }
    std::string reason(int status) const { return folder + ": " + mdb_strerror(status); }
};

ReportStore::ReportStore(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
ReportStore::~ReportStore() = default;

std::expected<std::unique_ptr<ReportStore>, std::string> ReportStore::open(const std::string& folder) {
    auto handle = std::make_unique<Handle>();
    handle->folder = folder;
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return Failed(folder + ": " + std::strerror(errno));
    int status = mdb_env_create(&handle->environment);
    if (status == 0)
        status = mdb_env_set_mapsize(handle->environment, kMapSize);
    if (status == 0)
        status = mdb_env_open(handle->environment, folder.c_str(), MDB_NOTLS, 0600);
    if (status != 0)
        return Failed(handle->reason(status));
    Transaction transaction(handle->environment, 0);
    status = transaction.status();
    if (status == 0)
        status = mdb_dbi_open(transaction.get(), nullptr, MDB_CREATE, &handle->database);
    if (status == 0)
        status = transaction.commit();
    if (status != 0)
        return Failed(handle->reason(status));
    return std::unique_ptr<ReportStore>(new ReportStore(std::move(handle)));
}

std::expected<void, std::string> ReportStore::add(const std::vector<DmarcObservation>& batch) {
    Transaction transaction(handle_->environment, 0);
    int status = transaction.status();
    const auto put = [&](const std::string& key, const std::string& value) {
        MDB_val at = as_value(key), data = as_value(value);
        status = mdb_put(transaction.get(), handle_->database, &at, &data, 0);
    };
    for (const DmarcObservation& seen : batch) {
        if (status != 0)
            break;
        if (!is_sound(seen))
            continue;
        const auto day = static_cast<std::uint32_t>(seen.time / 86'400);
        const std::string row = ipc::encode(cut(seen.row));
        const std::string key = key_prefix('r', day, seen.policy.domain) + dkim::Sha256::of(row);
        MDB_val at = as_value(key), found{};
        std::uint64_t count = 0;
        if (mdb_get(transaction.get(), handle_->database, &at, &found) == 0 && found.mv_size >= 8)
            count = get_u64(as_text(found));
        put(key, put_u64(count + 1) + row);
        if (status == 0)
            put(key_prefix('p', day, seen.policy.domain), ipc::encode(seen.policy));
    }
    if (status == 0)
        status = transaction.commit();
    if (status != 0)
        return Failed(handle_->reason(status));
    return {};
}

std::expected<std::vector<ReportStore::Due>, std::string> ReportStore::due_before(std::uint32_t day) {
    const Transaction transaction(handle_->environment, MDB_RDONLY);
    if (transaction.status() != 0)
        return Failed(handle_->reason(transaction.status()));
    std::vector<Due> due;
    Cursor cursor(transaction.get(), handle_->database);
    for (bool more = cursor.seek("p"); more; more = cursor.next()) {
        const std::string_view key = cursor.key();
        if (key.size() < 6 || key[0] != 'p' || get_u32(key.substr(1)) >= day)
            break;
        due.push_back({get_u32(key.substr(1)), std::string(key.substr(5, key.size() - 6))});
    }
    return due;
}

std::expected<StoredReport, std::string> ReportStore::read(const Due& due) {
    const Transaction transaction(handle_->environment, MDB_RDONLY);
    if (transaction.status() != 0)
        return Failed(handle_->reason(transaction.status()));
    StoredReport report;
    const std::string policy_key = key_prefix('p', due.day, due.domain);
    MDB_val at = as_value(policy_key), found{};
    if (const int status = mdb_get(transaction.get(), handle_->database, &at, &found); status != 0)
        return Failed(handle_->reason(status));
    auto policy = decode_stored<DmarcPolicy>(as_text(found));
    if (!policy)
        return Failed(handle_->folder + ": " + policy.error());
    report.policy = std::move(*policy);
    const std::string prefix = key_prefix('r', due.day, due.domain);
    Cursor cursor(transaction.get(), handle_->database);
    for (bool more = cursor.seek(prefix); more && cursor.key().starts_with(prefix); more = cursor.next()) {
        if (report.rows.size() == kMaxStoredRows || cursor.value().size() < 8)
            break;
        auto row = decode_stored<DmarcRow>(cursor.value().substr(8));
        if (!row)
            return Failed(handle_->folder + ": " + row.error());
        report.rows.push_back({std::move(*row), get_u64(cursor.value())});
    }
    return report;
}

std::expected<void, std::string> ReportStore::remove(const Due& due) {
    Transaction transaction(handle_->environment, 0);
    int status = transaction.status();
    for (char kind : {'r', 'p'}) {
        if (status != 0)
            break;
        const std::string prefix = key_prefix(kind, due.day, due.domain);
        Cursor cursor(transaction.get(), handle_->database);
        for (bool more = cursor.seek(prefix); status == 0 && more && cursor.key().starts_with(prefix);
             more = cursor.seek(prefix))
            status = cursor.remove();
    }
    if (status == 0)
        status = transaction.commit();
    if (status != 0)
        return Failed(handle_->reason(status));
    return {};
}

}  // namespace dmarc
