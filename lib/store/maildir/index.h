// lib/store/maildir/index.h - the index of one user's mail: an LMDB file that may be thrown away at any time.
//
// It is also the lock: whoever changes a mailbox does so inside a write transaction, so there is one
// writer per user among all processes and threads. Nothing in it is synced: after a power cut it is
// recognised by the machine's boot (and the mount, where the kernel numbers them) and made anew.
// The truth is in file names, dovecot-uidlist and dovecot-keywords. An index of another format is not read
// either: it is made anew, which changes no UID and raises every modseq.
//
// Tables      boxes: folder directory -> BoxRecord;  mail: (box, uid) -> MailRecord;
//             list: (box, uid / 128) -> UIDs, flags and modseqs, packed, so that a mailbox is listed at once;
//             cache: (box, uid) -> ready-made answers;
//             gone: (box, modseq, first uid) -> last uid, what was expunged (expunge_log.h)
// Failure     throws IndexError for what LMDB reports, and for an index that is no longer the one on disk; the caller
// discards
//             what is damaged and tries again. An index is never taken away while somebody writes.
// Lifetime    a transaction must end before its Index goes. After fork() a child opens its own.
#pragma once

#include <lmdb.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lib/event/fd.h"
#include "lib/store/maildir/index_guard.h"
#include "lib/store/message.h"

namespace store {

struct IndexError : std::runtime_error {
    static constexpr int kReplaced = ESTALE;  // another process has made the index anew meanwhile
    IndexError(const std::string& what, int code) : std::runtime_error(what + ": " + mdb_strerror(code)), code(code) {}
    bool is_damage() const;  // the file is at fault, not the system
    bool is_disk_full() const;
    int code;
};

struct FileTime {
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    bool operator==(const FileTime&) const = default;
};

// What is known of one folder. Stored as it is; the keywords follow it in the record.
struct BoxState {
    static constexpr std::uint32_t kVersion = 5;

    std::uint32_t version = kVersion;
    std::uint32_t id = 0;
    std::uint32_t uid_validity = 0;
    std::uint32_t uid_next = 1;
    std::uint32_t uid_ceiling = 1;   // UIDs below this may be given out: dovecot-uidlist says so durably
    std::uint32_t first_recent = 1;  // UIDs from here on no session has claimed as \Recent
    std::uint32_t messages = 0;
    std::uint32_t unseen = 0;
    std::uint32_t in_new = 0;  // messages whose file is in new/
    std::uint32_t scanned = 0;
    std::uint32_t first_unseen_uid = 0;  // 0: not known
    std::uint32_t first_unseen_sequence = 0;
    std::uint64_t highest_modseq = 0;    // of the last change
    std::uint64_t modseq_ceiling = 0;    // modseqs below this may be given out: dovecot-uidlist says so durably
    std::uint64_t forgotten_modseq = 0;  // what was expunged up to this one, nobody knows any more
    FileTime new_time;                   // of the directories when they were read
    FileTime cur_time;
    std::uint32_t new_racy = 0;  // changed so lately that a further change could have the same time
    std::uint32_t cur_racy = 0;
    std::uint32_t unsettled_uid = 0;  // a killed process may have given files UIDs up to this one
    std::uint32_t gone_ranges = 0;    // in the expunge log
    std::int64_t last_scan = 0;       // nanoseconds
    std::uint64_t list_inode = 0;     // dovecot-uidlist as we left it
    std::int64_t list_size = -1;
    FileTime list_time;
    std::int64_t list_lines = 0;
    FileTime keywords_time;  // of dovecot-keywords
    std::uint8_t guid[16] = {};
};

struct BoxRecord {
    BoxState state;
    std::vector<std::string> keywords;
};

struct MailState {
    static constexpr std::int64_t kUnknown = -1;

    Flags flags = 0;
    std::uint32_t in_new = 0;
    std::int64_t date = kUnknown;          // seconds since 1970, INTERNALDATE
    std::int64_t size = kUnknown;          // of the file
    std::int64_t virtual_size = kUnknown;  // with CR LF line ends
    std::uint64_t modseq = 0;              // of the last change of its flags, or of its arrival
};

struct MailRecord {
    MailState state;
    std::string_view name;  // the file's whole name
};

// Ready-made answers; absent ones are empty.
struct CacheRecord {
    std::string_view envelope, body, body_structure;
};

class Index;

class Txn {
  public:
    Txn(Index& index, bool write);
    Txn(const Txn&) = delete;
    Txn& operator=(const Txn&) = delete;
    ~Txn();

    void commit();

    std::optional<BoxRecord> find_box(std::string_view directory);
    void put_box(std::string_view directory, const BoxRecord& box);
    void remove_box(std::string_view directory);
    std::optional<std::string> find_box_directory(std::uint32_t id);
    std::uint32_t new_box_id();

    std::optional<MailRecord> find_mail(std::uint32_t box, std::uint32_t uid);
    void put_mail(std::uint32_t box, std::uint32_t uid, const MailState& state, std::string_view name);
    void remove_mail(std::uint32_t box, std::uint32_t uid);  // with its cache
    void remove_all_mail(std::uint32_t box);                 // with the expunge log

    // Adds all messages, by UID.
    void list_mail(std::uint32_t box, std::vector<Message>& messages);

    // Calls each(first, count) with parts of that list, until it returns false.
    void each_listed(std::uint32_t box, const std::function<bool(const Message*, std::size_t)>& each);

    // UIDs that are no more, and the modseq of their going; see ExpungeLog, which alone uses these.
    struct Gone {
        std::uint64_t modseq = 0;
        UidRange uids;
    };
    void put_gone(std::uint32_t box, const Gone& gone);
    void remove_gone(std::uint32_t box, const Gone& gone);
    // Calls each(gone) for modseqs above `after`, in their order, until it returns false.
    void each_gone(std::uint32_t box, std::uint64_t after, const std::function<bool(const Gone&)>& each);

    std::optional<CacheRecord> find_cache(std::uint32_t box, std::uint32_t uid);
    void put_cache(std::uint32_t box, std::uint32_t uid, const CacheRecord& cache);

    // Calls each(uid, record) for the UIDs from `first` on, in order, until it returns false.
    template <class Each>
    void each_mail(std::uint32_t box, std::uint32_t first, Each each) {
        Cursor cursor(*this);
        std::uint32_t uid = 0;
        MailRecord record;
        for (bool more = cursor.seek(box, first, uid, record); more; more = cursor.next(box, uid, record)) {
            if (!each(uid, record))
                return;
        }
    }

  private:
    friend class Index;
    class Cursor {
      public:
        explicit Cursor(Txn& txn);
        ~Cursor();
        bool seek(std::uint32_t box, std::uint32_t uid, std::uint32_t& found, MailRecord& record);
        bool next(std::uint32_t box, std::uint32_t& found, MailRecord& record);

      private:
        bool take(
            int code, const MDB_val& key, const MDB_val& value, std::uint32_t box, std::uint32_t& found, MailRecord& record);
        MDB_cursor* cursor_ = nullptr;
    };

    // The part of the list that is being changed; written when another one is, and before the commit.
    struct Chunk {
        std::uint32_t box = 0, number = 0;
        bool changed = false;
        std::vector<Message> entries;
    };
    Chunk& chunk_of(std::uint32_t box, std::uint32_t uid);
    template <class Each>
    void each_chunk(std::uint32_t box, Each each);
    void write_chunk();

    Index& index_;
    MDB_txn* txn_ = nullptr;
    Chunk chunk_;
};

class Index {
  public:
    // Opens `malleposte.index` below the mail root, made anew if it is absent or not to be trusted.
    static std::shared_ptr<Index> open(int root, const std::string& root_name);
    ~Index();

    // True while the file on disk is the one that is open.
    bool is_current() const;

    // Removes what is on disk, unless another process has made it anew meanwhile.
    void discard_if_current();

    // A slot that survives a killed process but not a reboot: which UID was about to be given out.
    struct Intent {
        std::uint32_t box = 0;
        std::uint32_t uid = 0;
    };
    Intent intent() const;
    void set_intent(Intent intent);  // within a write transaction
    void clear_intent(Intent own);   // after the commit; leaves another's alone

    // Writes down in the mailbox what a killed process had announced.
    void settle_intent();

  private:
    friend class Txn;
    Index() = default;
    void open_environment(int root, const std::string& path);
    void fill_up();
    int open_tables(unsigned flags);  // gives LMDB's code
    static void discard(int root);

    MDB_env* env_ = nullptr;
    MDB_dbi boxes_ = 0, mail_ = 0, cache_ = 0, list_ = 0, gone_ = 0;
    event::Fd root_;
    struct stat opened_ {};
    IndexGuard guard_;
    std::uint64_t* intent_ = nullptr;  // shared by the user's processes
};

// What tells this run of the machine (and this mount), and this format of the index, from another.
std::string incarnation(int directory);

}  // namespace store
