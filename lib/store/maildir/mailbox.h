// lib/store/maildir/mailbox.h - a Mailbox that is a Maildir folder.
//
// sync.cc      notices what others did; arrivals.cc gives UIDs to what is new
// change.cc    flags, expunge
// copy.cc      copy, move
// delivery.cc  new messages
// mailbox.cc   the list, the lock
// reading.cc   messages; answers.cc what is ready for the wire
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/store/mailbox.h"
#include "lib/store/maildir/account.h"
#include "lib/store/maildir/folder.h"
#include "lib/store/maildir/index.h"
#include "lib/store/maildir/uid_list.h"

namespace store {

class MaildirMailbox final : public Mailbox {
  public:
    MaildirMailbox(
        std::shared_ptr<MaildirAccount> account, std::string name, std::string directory, std::shared_ptr<Folder> folder);
    ~MaildirMailbox() override;

    const std::string& name() const override { return name_; }
    Result<void> refresh() override;
    Modseq highest_modseq() const override { return box_.state.highest_modseq; }
    Result<std::optional<std::vector<UidRange>>> expunged_since(Modseq modseq) override;
    Result<MailboxStatus> status() override;
    const std::vector<std::string>& keywords() const override { return box_.keywords; }
    bool takes_keywords() const override;
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
    Result<std::unique_ptr<Delivery>> deliver() override;
    std::unique_ptr<Watch> watch() override;
    void rest() override;

    // RENAME INBOX: all messages go, durably. Throws ThrownFailure.
    void move_everything(MaildirMailbox& target);

    const std::string& directory() const { return directory_; }
    const std::shared_ptr<Folder>& folder() const { return folder_; }
    const Account& account() const override { return *account_; }
    MaildirAccount& maildir() const { return *account_; }

  private:
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
    void adopt_keywords(BoxRecord& box, const std::vector<std::string>& wanted, Flags& bits);
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
    event::Fd open_message(std::uint32_t uid, Located& located);
    event::Fd open_again(std::uint32_t uid, Located& located);
    Content read_whole(std::uint32_t uid);
    Content read_header(std::uint32_t uid);
    Pending& pending(std::uint32_t uid);
    void flush_pending();
    std::string_view compute(std::uint32_t uid, Answer which);

    class Transfer;
    Result<Copied> transfer(const std::vector<std::uint32_t>& uids, Mailbox& target, bool remove) override;
    static void sync_directory(int directory, const std::string& name);
    class Renames;
    void change_one(Writing& writing, Renames& renames, std::uint32_t uid, Flags now, const Located& located);
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

// INTERNALDATE has four digits for the year.
std::int64_t clamp_date(std::int64_t date);

}  // namespace store
