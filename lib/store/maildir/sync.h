// lib/store/maildir/sync.h - brings the index in step with what others did to the files.
//
// Nothing is given out, neither a UID nor a modseq, that dovecot-uidlist has not promised on the disk before.
//
// Failure     throws ThrownFailure or IndexError; the transaction that it works in then ends without a commit.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/store/maildir/folder.h"
#include "lib/store/maildir/index.h"
#include "lib/store/maildir/mailbox.h"
#include "lib/store/maildir/uid_list.h"

namespace store {

inline constexpr std::uint32_t kLastUid = UINT32_MAX - 1;

// Keeps a directory's recorded time in step with a change of our own: if it was as recorded before the
// change, it is afterwards as found, but others may have changed it in the same instant.
class OwnChange {
  public:
    OwnChange(int directory, FileTime& recorded, std::uint32_t& racy);
    void done();

  private:
    int directory_;
    FileTime& recorded_;
    std::uint32_t& racy_;
    bool was_known_;
};

// Makes sure that UIDs up to and including `last`, and one more modseq than the highest, are promised on the disk.
void promise(MaildirMailbox& mailbox, BoxState& state, std::uint32_t last);

// The modseq of a change that is about to be made, promised before.
Modseq next_modseq(MaildirMailbox& mailbox, BoxState& state);

// dovecot-uidlist as it is now counts as known; is it still that one?
void note_uid_list(const MaildirMailbox& mailbox, BoxState& state);
bool is_known_uid_list(const MaildirMailbox& mailbox, const BoxState& state);

// When a directory that was changed just before it was read has to be read once more.
bool racy_due(const BoxState& state, const FileTime& time, bool racy);

// Brings the index in step with the folder, inside a write transaction.
class Sync {
  public:
    Sync(MaildirMailbox& mailbox, Txn& txn, BoxRecord& box);

    // Reads the directories that changed; `thorough` reads both whatever their times say.
    void run(bool thorough);

  private:
    void begin_box();
    Modseq modseq();
    void touch_keywords(Flags renamed);
    void read_uid_list();
    void read_keywords();
    void scan(bool new_too, bool cur_too);
    bool match(bool new_read, bool cur_read);
    void confirm_missing();
    void apply_matches();
    void add_new_messages();
    void settle();
    void save_uid_list();

    struct Change {
        std::uint32_t uid;
        MailState state;
        std::string_view name;
    };
    struct Arrival {
        std::string_view name;
        bool in_new;
        std::uint32_t uid;     // 0 until given
        std::uint32_t listed;  // by dovecot-uidlist; 0 if it does not say
    };
    std::uint32_t proven_uid(const Arrival& arrival);
    std::vector<Arrival> find_arrivals();
    void add_arrival(const Arrival& arrival);
    void find_recent();
    void rewrite_uid_list();
    void extend_uid_list();

    MaildirMailbox& mailbox_;
    Txn& txn_;
    BoxRecord& box_;
    BoxState& state_;
    Listing listing_;
    std::vector<Change> changes_;
    std::vector<std::uint32_t> missing_;
    UidList::Contents list_;
    std::unordered_map<std::string_view, std::uint32_t> listed_;  // list_ by base name
    bool list_loaded_ = false;
    bool list_found_ = false;
    bool list_rewrite_ = false;
    bool rebuilding_ = false;
    std::uint32_t list_next_ = 1;
    Modseq modseq_ = 0;  // of what this run finds; 0 until it finds something
    std::vector<std::pair<std::uint32_t, std::string>> list_additions_;
    bool additions_durable_ = false;
};

}  // namespace store
