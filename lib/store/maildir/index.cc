#include "lib/store/maildir/index.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "lib/log/log.h"
#include "lib/store/thrown_failure.h"

namespace store {
namespace {

constexpr const char* kFolder = "malleposte.index";
constexpr const char* kDataFile = "malleposte.index/data.mdb";
constexpr const char* kLockFile = "malleposte.index/lock.mdb";
constexpr const char* kIncarnationFile = "malleposte.index/incarnation";
constexpr const char* kIntentFile = "malleposte.index/intent";
constexpr std::size_t kMapSize = std::size_t{1} << 35;  // of address space; the file grows as it is used
constexpr unsigned kMaxReaders = 1024;

void check(int code, const char* what) {
    if (code != 0)
        throw IndexError(what, code);
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

// Only one process at a time decides whether an index is to be made anew.
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

// An index that goes is taken from under no writer: as long as this lives, nobody is in a change of it. Who comes later
// finds that it is not the one on disk any more (Txn). Whatever fails, it has been no use to anybody either.
class WritersOut {
  public:
    explicit WritersOut(int root) {
        std::string path = "/proc/self/fd/" + std::to_string(root) + "/" + kFolder;
        if (mdb_env_create(&env_) != 0 || mdb_env_set_mapsize(env_, kMapSize) != 0 ||
            mdb_env_open(env_, path.c_str(), MDB_NOSYNC | MDB_NOTLS | MDB_NOMEMINIT, 0600) != 0)
            return;
        if (mdb_txn_begin(env_, nullptr, 0, &txn_) != 0)
            txn_ = nullptr;
    }
    WritersOut(const WritersOut&) = delete;
    WritersOut& operator=(const WritersOut&) = delete;
    ~WritersOut() {
        if (txn_)
            mdb_txn_abort(txn_);
        if (env_)
            mdb_env_close(env_);
    }

  private:
    MDB_env* env_ = nullptr;
    MDB_txn* txn_ = nullptr;
};

}  // namespace

std::string incarnation(int directory) {
    std::string text = fmt::format("format {}\n{}", BoxState::kVersion, boot_id());
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
    std::string found = read_small_file(root, kIncarnationFile);
    if (found != now) {
        // Of this run of the machine, so somebody may be in the middle of a change of it: a build before, an older mount.
        bool may_be_in_use = found.find(boot_id()) != std::string::npos;
        std::unique_ptr<WritersOut> out = may_be_in_use ? std::make_unique<WritersOut>(root) : nullptr;
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
    return code != kReplaced && code != MDB_MAP_RESIZED && code != MDB_READERS_FULL && !is_disk_full() && code != ENOMEM &&
           code != EACCES && code != EMFILE && code != ENFILE && code != EIO;
}

bool IndexError::is_disk_full() const { return code == ENOSPC || code == EDQUOT || code == EFBIG; }

void Index::discard_if_current() {
    DirectoryLock lock(root_.get());
    if (!is_current())
        return;
    MDB_txn* nobody_writes = nullptr;
    if (mdb_txn_begin(env_, nullptr, 0, &nobody_writes) != 0)
        nobody_writes = nullptr;
    discard(root_.get());
    if (nobody_writes)
        mdb_txn_abort(nobody_writes);
}

void Index::open_environment(int root, const std::string& path) {
    check(mdb_env_create(&env_), "create index");
    check(mdb_env_set_maxdbs(env_, 5), "index tables");
    check(mdb_env_set_maxreaders(env_, kMaxReaders), "index readers");
    check(mdb_env_set_mapsize(env_, kMapSize), "index size");
    // Through /proc, so that no other directory can be put under the path meanwhile.
    std::string by_descriptor = "/proc/self/fd/" + std::to_string(root) + "/" + kFolder;
    if (access(by_descriptor.c_str(), F_OK) != 0)
        by_descriptor = path;
    check(mdb_env_open(env_, by_descriptor.c_str(), MDB_NOSYNC | MDB_NOTLS | MDB_NOMEMINIT, 0600), "open index");
    int dead = 0;
    mdb_reader_check(env_, &dead);
    if (fstatat(root, kDataFile, &opened_, AT_SYMLINK_NOFOLLOW) != 0)
        system_trouble("index file");

    guard_ = IndexGuard(env_, root_.get());
    guard_.begin_use();
    fill_up();

    // Nobody makes the file anew meanwhile, but another process may be making its tables.
    int code = open_tables(MDB_RDONLY);
    if (code == MDB_NOTFOUND)
        code = open_tables(MDB_CREATE);
    guard_.end_use();
    check(code, "open index tables");

    event::Fd intents(openat(root, kIntentFile, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!intents || ftruncate(intents.get(), sizeof(Intent)) != 0)
        system_trouble("open index intent");
    void* mapped = mmap(nullptr, sizeof(Intent), PROT_READ | PROT_WRITE, MAP_SHARED, intents.get(), 0);
    if (mapped == MAP_FAILED)
        system_trouble("map index intent");
    intent_ = static_cast<std::uint64_t*>(mapped);
}

// A file that is shorter than LMDB thinks has been cut, and would be a fault of the machine where it is read. What was cut
// off comes back as zeros: no page looks like that, so that LMDB says what is the matter. (It may have been a page that was
// never used; then nobody reads it.)
void Index::fill_up() {
    MDB_envinfo info{};
    MDB_stat stat{};
    struct stat file {};
    int descriptor = -1;
    const auto is_short = [&] {
        check(mdb_env_info(env_, &info), "index size");
        check(mdb_env_stat(env_, &stat), "index page size");
        check(mdb_env_get_fd(env_, &descriptor), "index file");
        if (fstat(descriptor, &file) != 0)
            system_trouble("index file");
        return static_cast<std::uint64_t>(file.st_size) < (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
    };
    // The environment alone knows from its first pages how long it is; its tables are not looked at.
    if (!is_short())
        return;
    MDB_txn* nobody_writes = nullptr;
    check(mdb_txn_begin(env_, nullptr, 0, &nobody_writes), "begin");
    const bool done = !is_short() || ftruncate(descriptor, static_cast<off_t>((info.me_last_pgno + 1) * stat.ms_psize)) == 0;
    mdb_txn_abort(nobody_writes);
    if (!done)
        system_trouble("index file");
}

int Index::open_tables(unsigned flags) {
    struct Table {
        const char* name;
        MDB_dbi* handle;
    };
    const Table tables[] = {{"boxes", &boxes_}, {"mail", &mail_}, {"cache", &cache_}, {"list", &list_}, {"gone", &gone_}};
    MDB_txn* txn = nullptr;
    int code = mdb_txn_begin(env_, nullptr, flags & MDB_RDONLY, &txn);
    if (code != 0)
        return code;
    for (const Table& table : tables) {
        if (code == 0)
            code = mdb_dbi_open(txn, table.name, flags & MDB_CREATE, table.handle);
    }
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

Index::~Index() {
    guard_ = IndexGuard();  // what lies at these addresses next is no index
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

void Index::discard(int root) { IndexGuard::discard(root); }

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

}  // namespace store
