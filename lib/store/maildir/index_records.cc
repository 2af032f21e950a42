// The tables: what a transaction reads and writes. The file itself is opened in index.cc.
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/store/maildir/index.h"
#include "lib/store/thrown_failure.h"

namespace store {
namespace {

constexpr std::size_t kMaxBoxes = std::size_t{1} << 31;

void check(int code, const char* what) {
    if (code != 0)
        throw IndexError(what, code);
}

MDB_val as_value(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
std::string_view as_text(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

void put_number(unsigned char* octets, std::uint64_t number, unsigned size) {
    for (unsigned i = 0; i < size; ++i)
        octets[i] = static_cast<unsigned char>(number >> (8 * (size - 1 - i)));
}

// (box, uid), most significant octet first, so that LMDB's order is ours.
struct MailKey {
    MailKey(std::uint32_t box, std::uint32_t uid) {
        put_number(octets, box, 4);
        put_number(octets + 4, uid, 4);
    }
    MDB_val value() { return {sizeof octets, octets}; }
    unsigned char octets[8];
};

constexpr std::uint32_t kChunk = 128;  // UIDs to a part of the list: with this many it is one page of the file

bool before_uid(const Message& entry, std::uint32_t uid) { return entry.uid < uid; }

// (box, modseq, first uid), in the same way.
struct GoneKey {
    GoneKey(std::uint32_t box, std::uint64_t modseq, std::uint32_t uid) {
        put_number(octets, box, 4);
        put_number(octets + 4, modseq, 8);
        put_number(octets + 12, uid, 4);
    }
    MDB_val value() { return {sizeof octets, octets}; }
    unsigned char octets[16];
};

std::uint32_t number_at(const MDB_val& key, std::size_t at) {
    const auto* octets = static_cast<const unsigned char*>(key.mv_data) + at;
    return std::uint32_t{octets[0]} << 24 | std::uint32_t{octets[1]} << 16 | std::uint32_t{octets[2]} << 8 | octets[3];
}

MailRecord decode_mail(const MDB_val& value) {
    if (value.mv_size < sizeof(MailState))
        throw IndexError("message record", MDB_CORRUPTED);
    MailRecord record;
    std::memcpy(&record.state, value.mv_data, sizeof record.state);
    record.name = as_text(value).substr(sizeof record.state);
    return record;
}
}  // namespace

Txn::Txn(Index& index, bool write) : index_(index) {
    check(mdb_txn_begin(index.env_, nullptr, write ? 0 : MDB_RDONLY, &txn_), "begin index transaction");
    index_.guard_.begin_use();
    if (write && !index.is_current()) {
        index_.guard_.end_use();
        mdb_txn_abort(txn_);
        throw IndexError("begin index transaction", IndexError::kReplaced);
    }
}

Txn::~Txn() {
    if (txn_)
        mdb_txn_abort(txn_);
    index_.guard_.end_use();
}

void Txn::commit() {
    write_chunk();
    MDB_txn* txn = txn_;
    txn_ = nullptr;
    check(mdb_txn_commit(txn), "commit index");
}

std::optional<BoxRecord> Txn::find_box(std::string_view directory) {
    MDB_val key = as_value(directory);
    MDB_val value;
    int code = mdb_get(txn_, index_.boxes_, &key, &value);
    if (code == MDB_NOTFOUND)
        return std::nullopt;
    check(code, "find mailbox");
    BoxRecord box;
    if (value.mv_size < sizeof box.state)
        return std::nullopt;
    std::memcpy(&box.state, value.mv_data, sizeof box.state);
    if (box.state.version != BoxState::kVersion)
        throw IndexError("mailbox record", MDB_VERSION_MISMATCH);
    std::string_view names = as_text(value).substr(sizeof box.state);
    while (!names.empty() && box.keywords.size() < kMaxKeywords) {
        std::size_t end = std::min(names.find('\0'), names.size());
        box.keywords.emplace_back(names.substr(0, end));
        names.remove_prefix(std::min(end + 1, names.size()));
    }
    return box;
}

void Txn::put_box(std::string_view directory, const BoxRecord& box) {
    std::string record(reinterpret_cast<const char*>(&box.state), sizeof box.state);
    for (const std::string& keyword : box.keywords) {
        record += keyword;
        record += '\0';
    }
    MDB_val key = as_value(directory);
    MDB_val value = as_value(record);
    check(mdb_put(txn_, index_.boxes_, &key, &value, 0), "store mailbox");
}

void Txn::remove_box(std::string_view directory) {
    std::optional<BoxRecord> box = find_box(directory);
    if (!box)
        return;
    remove_all_mail(box->state.id);
    MDB_val key = as_value(directory);
    check(mdb_del(txn_, index_.boxes_, &key, nullptr), "remove mailbox");
}

std::optional<std::string> Txn::find_box_directory(std::uint32_t id) {
    MDB_cursor* cursor = nullptr;
    check(mdb_cursor_open(txn_, index_.boxes_, &cursor), "read mailboxes");
    MDB_val key, value;
    std::optional<std::string> directory;
    for (int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); code == 0 && !directory;
         code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        BoxState state;
        if (value.mv_size < sizeof state)
            continue;
        std::memcpy(&state, value.mv_data, sizeof state);
        if (state.id == id)
            directory = as_text(key);
    }
    mdb_cursor_close(cursor);
    return directory;
}

std::uint32_t Txn::new_box_id() {
    // Random, so that a session of a deleted mailbox never takes a new one for its own.
    std::uint32_t id = 0;
    for (int attempt = 0; attempt < 100; ++attempt) {
        if (getentropy(&id, sizeof id) != 0)
            system_trouble("getentropy");
        id %= kMaxBoxes;
        bool used = id == 0;
        each_mail(id, 0, [&used](std::uint32_t, const MailRecord&) {
            used = true;
            return false;
        });
        if (!used)
            return id;
    }
    throw IndexError("mailbox number", MDB_CORRUPTED);
}

std::optional<MailRecord> Txn::find_mail(std::uint32_t box, std::uint32_t uid) {
    MailKey mail_key(box, uid);
    MDB_val key = mail_key.value();
    MDB_val value;
    int code = mdb_get(txn_, index_.mail_, &key, &value);
    if (code == MDB_NOTFOUND)
        return std::nullopt;
    check(code, "find message");
    return decode_mail(value);
}

void Txn::put_mail(std::uint32_t box, std::uint32_t uid, const MailState& state, std::string_view name) {
    std::string record(reinterpret_cast<const char*>(&state), sizeof state);
    record += name;
    MailKey mail_key(box, uid);
    MDB_val key = mail_key.value();
    MDB_val value = as_value(record);
    check(mdb_put(txn_, index_.mail_, &key, &value, 0), "store message");

    Chunk& chunk = chunk_of(box, uid);
    auto at = std::lower_bound(chunk.entries.begin(), chunk.entries.end(), uid, before_uid);
    const Message now{uid, state.flags, state.modseq};
    if (at == chunk.entries.end() || at->uid != uid)
        at = chunk.entries.insert(at, Message{uid, ~state.flags, 0});
    chunk.changed = chunk.changed || !(*at == now);
    *at = now;
}

Txn::Chunk& Txn::chunk_of(std::uint32_t box, std::uint32_t uid) {
    std::uint32_t number = uid / kChunk;
    if (chunk_.box == box && chunk_.number == number)
        return chunk_;
    write_chunk();
    chunk_.box = box;
    chunk_.number = number;
    chunk_.entries.clear();
    MailKey list_key(box, number);
    MDB_val key = list_key.value();
    MDB_val value;
    int code = mdb_get(txn_, index_.list_, &key, &value);
    if (code == 0) {
        chunk_.entries.resize(value.mv_size / sizeof(Message));
        std::memcpy(chunk_.entries.data(), value.mv_data, chunk_.entries.size() * sizeof(Message));
    } else if (code != MDB_NOTFOUND) {
        chunk_.box = 0;
        check(code, "read list");
    }
    return chunk_;
}

void Txn::write_chunk() {
    if (!chunk_.changed)
        return;
    chunk_.changed = false;
    MailKey list_key(chunk_.box, chunk_.number);
    MDB_val key = list_key.value();
    if (chunk_.entries.empty()) {
        int code = mdb_del(txn_, index_.list_, &key, nullptr);
        if (code != MDB_NOTFOUND)
            check(code, "store list");
        return;
    }
    MDB_val value{chunk_.entries.size() * sizeof(Message), chunk_.entries.data()};
    check(mdb_put(txn_, index_.list_, &key, &value, 0), "store list");
}

// Calls each(value) for the parts of the list until it returns false.
template <class Each>
void Txn::each_chunk(std::uint32_t box, Each each) {
    write_chunk();
    MDB_cursor* cursor = nullptr;
    check(mdb_cursor_open(txn_, index_.list_, &cursor), "read list");
    MailKey first(box, 0);
    MDB_val key = first.value();
    MDB_val value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; code == 0 && number_at(key, 0) == box; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (!each(value))
            break;
    }
    mdb_cursor_close(cursor);
    if (code != 0 && code != MDB_NOTFOUND)
        throw IndexError("read list", code);
}

void Txn::list_mail(std::uint32_t box, std::vector<Message>& messages) {
    each_chunk(box, [&messages](const MDB_val& value) {
        std::size_t count = value.mv_size / sizeof(Message);
        messages.resize(messages.size() + count);
        std::memcpy(messages.data() + messages.size() - count, value.mv_data, count * sizeof(Message));
        return true;
    });
}

void Txn::each_listed(std::uint32_t box, const std::function<bool(const Message*, std::size_t)>& each) {
    std::array<Message, kChunk> entries;  // values are not aligned for their type
    each_chunk(box, [&](const MDB_val& value) {
        std::size_t count = std::min(value.mv_size / sizeof(Message), entries.size());
        std::memcpy(entries.data(), value.mv_data, count * sizeof(Message));
        return each(entries.data(), count);
    });
}

void Txn::remove_mail(std::uint32_t box, std::uint32_t uid) {
    Chunk& chunk = chunk_of(box, uid);
    auto at = std::lower_bound(chunk.entries.begin(), chunk.entries.end(), uid, before_uid);
    if (at != chunk.entries.end() && at->uid == uid) {
        chunk.entries.erase(at);
        chunk.changed = true;
    }
    MailKey mail_key(box, uid);
    for (MDB_dbi table : {index_.mail_, index_.cache_}) {
        MDB_val key = mail_key.value();
        int code = mdb_del(txn_, table, &key, nullptr);
        if (code != MDB_NOTFOUND)
            check(code, "remove message");
    }
}

void Txn::remove_all_mail(std::uint32_t box) {
    chunk_ = Chunk{};
    for (MDB_dbi table : {index_.mail_, index_.cache_, index_.list_, index_.gone_}) {
        MDB_cursor* cursor = nullptr;
        check(mdb_cursor_open(txn_, table, &cursor), "remove messages");
        MailKey first(box, 0);
        MDB_val key = first.value();
        MDB_val value;
        int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
        while (code == 0 && number_at(key, 0) == box) {
            code = mdb_cursor_del(cursor, 0);
            if (code == 0)
                code = mdb_cursor_get(cursor, &key, &value, MDB_GET_CURRENT);
        }
        mdb_cursor_close(cursor);
        // LMDB reports the end behind a deleted last record as EINVAL.
        if (code != 0 && code != MDB_NOTFOUND && code != EINVAL)
            throw IndexError("remove messages", code);
    }
}

void Txn::put_gone(std::uint32_t box, const Gone& gone) {
    GoneKey gone_key(box, gone.modseq, gone.uids.first);
    MDB_val key = gone_key.value();
    std::uint32_t last = gone.uids.last;
    MDB_val value{sizeof last, &last};
    check(mdb_put(txn_, index_.gone_, &key, &value, 0), "store expunge log");
}

void Txn::remove_gone(std::uint32_t box, const Gone& gone) {
    GoneKey gone_key(box, gone.modseq, gone.uids.first);
    MDB_val key = gone_key.value();
    int code = mdb_del(txn_, index_.gone_, &key, nullptr);
    if (code != MDB_NOTFOUND)
        check(code, "shorten expunge log");
}

void Txn::each_gone(std::uint32_t box, std::uint64_t after, const std::function<bool(const Gone&)>& each) {
    if (after == UINT64_MAX)
        return;
    MDB_cursor* cursor = nullptr;
    check(mdb_cursor_open(txn_, index_.gone_, &cursor), "read expunge log");
    GoneKey first(box, after + 1, 0);
    MDB_val key = first.value();
    MDB_val value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; code == 0 && number_at(key, 0) == box; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        Gone gone;
        if (key.mv_size != sizeof first.octets || value.mv_size != sizeof gone.uids.last) {
            code = MDB_CORRUPTED;
            break;
        }
        gone.modseq = std::uint64_t{number_at(key, 4)} << 32 | number_at(key, 8);
        gone.uids.first = number_at(key, 12);
        std::memcpy(&gone.uids.last, value.mv_data, sizeof gone.uids.last);
        if (!each(gone))
            break;
    }
    mdb_cursor_close(cursor);
    if (code != 0 && code != MDB_NOTFOUND)
        throw IndexError("read expunge log", code);
}

namespace {

std::string_view take_field(std::string_view& record) {
    std::uint32_t length = 0;
    if (record.size() < sizeof length)
        return {};
    std::memcpy(&length, record.data(), sizeof length);
    record.remove_prefix(sizeof length);
    std::string_view field = record.substr(0, length);
    record.remove_prefix(field.size());
    return field;
}

void add_field(std::string& record, std::string_view field) {
    auto length = static_cast<std::uint32_t>(field.size());
    record.append(reinterpret_cast<const char*>(&length), sizeof length);
    record += field;
}

}  // namespace

std::optional<CacheRecord> Txn::find_cache(std::uint32_t box, std::uint32_t uid) {
    MailKey mail_key(box, uid);
    MDB_val key = mail_key.value();
    MDB_val value;
    int code = mdb_get(txn_, index_.cache_, &key, &value);
    if (code == MDB_NOTFOUND)
        return std::nullopt;
    check(code, "find cache");
    std::string_view record = as_text(value);
    CacheRecord cache;
    cache.envelope = take_field(record);
    cache.body = take_field(record);
    cache.body_structure = take_field(record);
    return cache;
}

void Txn::put_cache(std::uint32_t box, std::uint32_t uid, const CacheRecord& cache) {
    std::string record;
    record.reserve(12 + cache.envelope.size() + cache.body.size() + cache.body_structure.size());
    add_field(record, cache.envelope);
    add_field(record, cache.body);
    add_field(record, cache.body_structure);
    MailKey mail_key(box, uid);
    MDB_val key = mail_key.value();
    MDB_val value = as_value(record);
    check(mdb_put(txn_, index_.cache_, &key, &value, 0), "store cache");
}

Txn::Cursor::Cursor(Txn& txn) { check(mdb_cursor_open(txn.txn_, txn.index_.mail_, &cursor_), "read messages"); }

Txn::Cursor::~Cursor() { mdb_cursor_close(cursor_); }

bool Txn::Cursor::seek(std::uint32_t box, std::uint32_t uid, std::uint32_t& found, MailRecord& record) {
    MailKey first(box, uid);
    MDB_val key = first.value();
    MDB_val value;
    int code = mdb_cursor_get(cursor_, &key, &value, MDB_SET_RANGE);
    return take(code, key, value, box, found, record);
}

bool Txn::Cursor::next(std::uint32_t box, std::uint32_t& found, MailRecord& record) {
    MDB_val key, value;
    int code = mdb_cursor_get(cursor_, &key, &value, MDB_NEXT);
    return take(code, key, value, box, found, record);
}

bool Txn::Cursor::take(
    int code, const MDB_val& key, const MDB_val& value, std::uint32_t box, std::uint32_t& found, MailRecord& record) {
    if (code == MDB_NOTFOUND)
        return false;
    check(code, "read messages");
    if (key.mv_size != 8 || number_at(key, 0) != box)
        return false;
    found = number_at(key, 4);
    record = decode_mail(value);
    return true;
}

}  // namespace store
