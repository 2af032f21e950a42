#include "lib/store/index.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "lib/log/log.h"
#include "lib/store/trouble.h"

namespace store {
namespace {

constexpr const char* kFolder = "malleposte.index";
constexpr const char* kDataFile = "malleposte.index/data.mdb";
constexpr const char* kLockFile = "malleposte.index/lock.mdb";
constexpr const char* kIncarnationFile = "malleposte.index/incarnation";
constexpr const char* kIntentFile = "malleposte.index/intent";
constexpr std::size_t kMapSize = std::size_t{1} << 35;  // of address space; the file grows as it is used
constexpr unsigned kMaxReaders = 1024;
constexpr std::size_t kMaxBoxes = std::size_t{1} << 31;

void check(int code, const char* what) {
    if (code != 0)
        throw IndexError(what, code);
}

MDB_val as_value(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
std::string_view as_text(const MDB_val& value) {
    return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// (box, uid), most significant octet first, so that LMDB's order is ours.
struct MailKey {
    MailKey(std::uint32_t box, std::uint32_t uid) {
        for (unsigned i = 0; i < 4; ++i) {
            octets[i] = static_cast<unsigned char>(box >> (24 - 8 * i));
            octets[4 + i] = static_cast<unsigned char>(uid >> (24 - 8 * i));
        }
    }
    MDB_val value() { return {sizeof octets, octets}; }
    unsigned char octets[8];
};

constexpr std::uint32_t kChunk = 256;  // UIDs to a part of the list

bool before_uid(const Txn::Listed& entry, std::uint32_t uid) { return entry.uid < uid; }

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

std::string read_small_file(int root, const char* name) {
    event::Fd file(openat(root, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    char buffer[256];
    ssize_t length = file ? read(file.get(), buffer, sizeof buffer) : -1;
    return length > 0 ? std::string(buffer, static_cast<std::size_t>(length)) : std::string();
}

void write_small_file(int root, const char* name, std::string_view text) {
    event::Fd file(openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        system_trouble(std::string("write ") + name);
}

std::string boot_id() {
    static const std::string id = read_small_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id");
    return id;
}

/// Only one process at a time decides whether an index is to be made anew.
class DirectoryLock {
public:
    explicit DirectoryLock(int root) : root_(root) {
        if (flock(root, LOCK_EX) != 0)
            system_trouble("lock the mail directory");
    }
    ~DirectoryLock() { flock(root_, LOCK_UN); }

private:
    int root_;
};

}  // namespace

std::string incarnation(int directory) {
    std::string text = boot_id();
    constexpr unsigned kUniqueMount = 0x4000;  // STATX_MNT_ID_UNIQUE, Linux 6.8
    struct statx info {};
    if (syscall(SYS_statx, directory, "", AT_EMPTY_PATH, kUniqueMount, &info) == 0 && (info.stx_mask & kUniqueMount))
        text += std::to_string(info.stx_mnt_id) + "\n";
    return text;
}

std::shared_ptr<Index> Index::open(int root, const std::string& root_name) {
    std::shared_ptr<Index> index(new Index);
    index->root_ = event::Fd(fcntl(root, F_DUPFD_CLOEXEC, 0));
    DirectoryLock lock(root);
    std::string now = incarnation(root);
    if (read_small_file(root, kIncarnationFile) != now) {
        discard(root);
        if (mkdirat(root, kFolder, 0700) != 0 && errno != EEXIST)
            system_trouble("create " + root_name + "/" + kFolder);
        write_small_file(root, kIncarnationFile, now);
    }
    try {
        index->open_environment(root, root_name + "/" + kFolder);
    } catch (const IndexError& error) {
        if (!error.is_damage())
            throw;
        logging::warning("{}: index is made anew: {}", root_name, error.what());
        index = std::shared_ptr<Index>(new Index);
        index->root_ = event::Fd(fcntl(root, F_DUPFD_CLOEXEC, 0));
        discard(root);
        write_small_file(root, kIncarnationFile, now);
        index->open_environment(root, root_name + "/" + kFolder);
    }
    return index;
}

bool IndexError::is_damage() const {
    return code != MDB_MAP_RESIZED && code != MDB_READERS_FULL && code != ENOSPC && code != ENOMEM && code != EACCES &&
           code != EMFILE && code != ENFILE && code != EIO;
}

void Index::discard_if_current() {
    DirectoryLock lock(root_.get());
    if (is_current())
        discard(root_.get());
}

void Index::open_environment(int root, const std::string& path) {
    check(mdb_env_create(&env_), "create index");
    check(mdb_env_set_maxdbs(env_, 4), "index tables");
    check(mdb_env_set_maxreaders(env_, kMaxReaders), "index readers");
    check(mdb_env_set_mapsize(env_, kMapSize), "index size");
    // Through /proc, so that no other directory can be put under the path meanwhile.
    std::string by_descriptor = "/proc/self/fd/" + std::to_string(root) + "/" + kFolder;
    if (access(by_descriptor.c_str(), F_OK) != 0)
        by_descriptor = path;
    check(mdb_env_open(env_, by_descriptor.c_str(), MDB_NOSYNC | MDB_NOTLS | MDB_NOMEMINIT, 0600),
          "open index");
    int dead = 0;
    mdb_reader_check(env_, &dead);
    if (fstatat(root, kDataFile, &opened_, AT_SYMLINK_NOFOLLOW) != 0)
        system_trouble("index file");

    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn), "begin");
    int code = mdb_dbi_open(txn, "boxes", 0, &boxes_);
    if (code == 0)
        code = mdb_dbi_open(txn, "mail", 0, &mail_);
    if (code == 0)
        code = mdb_dbi_open(txn, "cache", 0, &cache_);
    if (code == 0)
        code = mdb_dbi_open(txn, "list", 0, &list_);
    if (code == MDB_NOTFOUND) {
        mdb_txn_abort(txn);
        check(mdb_txn_begin(env_, nullptr, 0, &txn), "begin");
        code = mdb_dbi_open(txn, "boxes", MDB_CREATE, &boxes_);
        if (code == 0)
            code = mdb_dbi_open(txn, "mail", MDB_CREATE, &mail_);
        if (code == 0)
            code = mdb_dbi_open(txn, "cache", MDB_CREATE, &cache_);
        if (code == 0)
            code = mdb_dbi_open(txn, "list", MDB_CREATE, &list_);
    }
    if (code != 0) {
        mdb_txn_abort(txn);
        throw IndexError("open index tables", code);
    }
    check(mdb_txn_commit(txn), "open index tables");

    event::Fd intents(openat(root, kIntentFile, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!intents || ftruncate(intents.get(), sizeof(Intent)) != 0)
        system_trouble("open index intent");
    void* mapped = mmap(nullptr, sizeof(Intent), PROT_READ | PROT_WRITE, MAP_SHARED, intents.get(), 0);
    if (mapped == MAP_FAILED)
        system_trouble("map index intent");
    intent_ = static_cast<std::uint64_t*>(mapped);
}

Index::~Index() {
    if (intent_)
        munmap(intent_, sizeof(Intent));
    if (env_)
        mdb_env_close(env_);
}

bool Index::is_current() const {
    struct stat now {};
    return fstatat(root_.get(), kDataFile, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == opened_.st_ino &&
           now.st_dev == opened_.st_dev;
}

void Index::discard(int root) {
    for (const char* file : {kDataFile, kLockFile, kIntentFile, kIncarnationFile})
        unlinkat(root, file, 0);
}

namespace {
std::uint64_t as_word(Index::Intent intent) { return std::uint64_t{intent.box} << 32 | intent.uid; }
}  // namespace

Index::Intent Index::intent() const {
    std::uint64_t word = std::atomic_ref(*intent_).load();
    return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word)};
}

void Index::set_intent(Intent intent) { std::atomic_ref(*intent_).store(as_word(intent)); }

void Index::clear_intent(Intent own) {
    std::uint64_t expected = as_word(own);
    if (own.box != 0)
        std::atomic_ref(*intent_).compare_exchange_strong(expected, 0);
}

void Index::settle_intent() {
    Txn txn(*this, true);  // nobody is in the middle of a change now
    Intent left = intent();
    if (left.box == 0)
        return;
    if (std::optional<std::string> directory = txn.find_box_directory(left.box)) {
        BoxRecord box = *txn.find_box(*directory);
        if (left.uid >= box.state.uid_next)
            box.state.unsettled_uid = std::max(box.state.unsettled_uid, left.uid);
        txn.put_box(*directory, box);
    }
    txn.commit();
    clear_intent(left);
}

Txn::Txn(Index& index, bool write) : index_(index) {
    check(mdb_txn_begin(index.env_, nullptr, write ? 0 : MDB_RDONLY, &txn_), "begin index transaction");
}

Txn::~Txn() {
    if (txn_)
        mdb_txn_abort(txn_);
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
    if (at == chunk.entries.end() || at->uid != uid)
        at = chunk.entries.insert(at, Listed{uid, ~state.flags});
    chunk.changed = chunk.changed || at->flags != state.flags;
    at->flags = state.flags;
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
        chunk_.entries.resize(value.mv_size / sizeof(Listed));
        std::memcpy(chunk_.entries.data(), value.mv_data, chunk_.entries.size() * sizeof(Listed));
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
    MDB_val value{chunk_.entries.size() * sizeof(Listed), chunk_.entries.data()};
    check(mdb_put(txn_, index_.list_, &key, &value, 0), "store list");
}

void Txn::each_listed(std::uint32_t box, const std::function<bool(const Listed*, std::size_t)>& each) {
    write_chunk();
    MDB_cursor* cursor = nullptr;
    check(mdb_cursor_open(txn_, index_.list_, &cursor), "read list");
    MailKey first(box, 0);
    MDB_val key = first.value();
    MDB_val value;
    std::array<Listed, kChunk> entries;  // values are not aligned for their type
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; code == 0 && number_at(key, 0) == box; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        std::size_t count = std::min(value.mv_size / sizeof(Listed), entries.size());
        std::memcpy(entries.data(), value.mv_data, count * sizeof(Listed));
        if (!each(entries.data(), count))
            break;
    }
    mdb_cursor_close(cursor);
    if (code != 0 && code != MDB_NOTFOUND)
        throw IndexError("read list", code);
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
    for (MDB_dbi table : {index_.mail_, index_.cache_, index_.list_}) {
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

Txn::Cursor::Cursor(Txn& txn) {
    check(mdb_cursor_open(txn.txn_, txn.index_.mail_, &cursor_), "read messages");
}

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

bool Txn::Cursor::take(int code, const MDB_val& key, const MDB_val& value, std::uint32_t box, std::uint32_t& found,
                       MailRecord& record) {
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
