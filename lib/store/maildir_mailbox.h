// lib/store/maildir_mailbox.h - a Mailbox that is a Maildir folder.
//
// maildir_sync.cc      notices what others did, gives UIDs
// maildir_change.cc    flags, expunge, copy, move
// maildir_delivery.cc  new messages
// maildir_mailbox.cc   reading
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/store/folder.h"
#include "lib/store/index.h"
#include "lib/store/mailbox.h"
#include "lib/store/maildir_account.h"
#include "lib/store/uid_list.h"

namespace store {

class MaildirMailbox final : public Mailbox {
  public:
    MaildirMailbox(
        std::shared_ptr<MaildirAccount> account, std::string name, std::string directory, std::shared_ptr<Folder> folder);
    ~MaildirMailbox() override;

    const std::string& name() const override { return name_; }
    Result<void> refresh() override;
    std::uint64_t generation() const override { return box_.state.generation; }
    Result<MailboxStatus> status() override;
    const std::vector<std::string>& keywords() const override { return box_.keywords; }
    Result<std::vector<Message>> messages() override;
    Result<std::uint32_t> claim_recent() override;
    Result<std::int64_t> internal_date(std::uint32_t uid) override;
    Result<std::uint64_t> virtual_size(std::uint32_t uid) override;
    Result<Content> content(std::uint32_t uid) override;
    Result<Content> header(std::uint32_t uid) override;
    Result<std::string_view> answer(std::uint32_t uid, Answer which) override;
    Result<std::vector<Message>> change_flags(const std::vector<std::uint32_t>& uids, FlagChange change, Flags flags,
        const std::vector<std::string>& keywords) override;
    Result<void> expunge(const std::vector<std::uint32_t>& uids) override;
    Result<Copied> copy(const std::vector<std::uint32_t>& uids, Mailbox& target) override;
    Result<Copied> move(const std::vector<std::uint32_t>& uids, Mailbox& target) override;
    Result<std::unique_ptr<Delivery>> deliver() override;
    std::unique_ptr<Watch> watch() override;
    void rest() override;

    // RENAME INBOX: all messages go, durably. Throws Trouble.
    void move_everything(MaildirMailbox& target);

    const std::string& directory() const { return directory_; }
    const std::shared_ptr<Folder>& folder() const { return folder_; }
    const std::shared_ptr<MaildirAccount>& account() const { return account_; }

  private:
    friend class Sync;
    friend class MaildirDelivery;

    // A write transaction and the box's record in it; what changes the box goes through here.
    struct Writing {
        Writing(std::shared_ptr<Index> index, const MaildirMailbox& mailbox);
        std::shared_ptr<Index> index;
        Txn txn;
        BoxRecord box;
        Index::Intent intent;  // what this change has announced
    };
    struct Reading {
        explicit Reading(std::shared_ptr<Index> opened) : index(std::move(opened)), txn(*index, false) {}
        std::shared_ptr<Index> index;
        Txn txn;
    };
    // What was computed for a message and is not in the index yet.
    struct Pending {
        std::uint32_t uid = 0;
        std::int64_t date = MailState::kUnknown;
        std::int64_t virtual_size = MailState::kUnknown;
        std::string envelope, body, body_structure;
    };

    // Begins a change; the index knows the folder as it is now.
    std::unique_ptr<Writing> begin_change(bool scan);
    void adopt_keywords(Writing& writing, const std::vector<std::string>& wanted, Flags& bits);
    void finish_change(Writing& writing);

    Reading& reading();
    std::optional<BoxRecord> read_if_clean();
    bool is_clean(const BoxState& state) const;
    void require_current() const;

    struct Located {
        MailState state;
        std::string name;
    };
    Located locate(std::uint32_t uid);
    Located locate_again(std::uint32_t uid);
    event::Fd open_message(std::uint32_t uid, Located& located);
    Content read_whole(std::uint32_t uid);
    Content read_header(std::uint32_t uid);
    Pending& pending(std::uint32_t uid);
    void flush_pending();
    std::string_view compute(std::uint32_t uid, Answer which);

    struct Step;  // of a copy or move
    Copied transfer(const std::vector<std::uint32_t>& uids, MaildirMailbox& target, bool remove);
    Copied copy_octets(const std::vector<std::uint32_t>& uids, Mailbox& target);
    void change_one(Writing& writing, std::uint32_t uid, Flags now, MailState state, std::string_view old_name);
    std::optional<Located> find_for_change(Writing& writing, std::uint32_t uid);

    std::shared_ptr<MaildirAccount> account_;
    std::string name_;
    std::string directory_;
    std::shared_ptr<Folder> folder_;
    BoxRecord box_;                   // as last read
    std::uint32_t uid_validity_ = 0;  // of the first read; another one is another mailbox
    std::unique_ptr<Reading> reading_;
    std::vector<Pending> pending_;
    std::size_t pending_octets_ = 0;
    std::string answer_;  // the last answer that came from nowhere else
};

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

// Raises the durable promise if UIDs up to and including `last` are about to be given out.
void reserve_uids(MaildirMailbox& mailbox, BoxState& state, std::uint32_t last);

// Brings the index in step with the folder, inside a write transaction.
class Sync {
  public:
    Sync(MaildirMailbox& mailbox, Txn& txn, BoxRecord& box);

    // Reads the directories that changed; `thorough` reads both whatever their times say.
    void run(bool thorough);

  private:
    void begin_box();
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
    std::vector<std::pair<std::uint32_t, std::string>> list_additions_;
    bool additions_durable_ = false;
};

}  // namespace store
