// COPY and MOVE within one account: both mailboxes change in one transaction.
#include <fcntl.h>

#include <algorithm>

#include "lib/file/write.h"
#include "lib/store/maildir/expunge_log.h"
#include "lib/store/maildir/mailbox.h"
#include "lib/store/maildir/name.h"
#include "lib/store/maildir/sync.h"
#include "lib/store/maildir/uid_list.h"
#include "lib/store/thrown_failure.h"
#include "lib/text/append.h"

namespace store {
namespace {

// A copy of the octets under a name that does not exist yet, durable.
void copy_file(int from, const char* old_name, int to, const char* new_name, const std::string& mailbox) {
    event::Fd in(openat(from, old_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    event::Fd out(openat(to, new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    struct stat info {};
    if (!in || !out || fstat(in.get(), &info) != 0)
        system_trouble(mailbox + ": copy message");
    std::string buffer(65536, '\0');
    for (;;) {
        ssize_t n = read(in.get(), buffer.data(), buffer.size());
        if (n == 0)
            break;
        if (n < 0 || !file::write_all(out.get(), std::string_view(buffer).substr(0, static_cast<std::size_t>(n))))
            system_trouble(mailbox + ": copy message");
    }
    timespec times[2] = {info.st_mtim, info.st_mtim};
    if (futimens(out.get(), times) != 0 || fsync(out.get()) != 0)
        system_trouble(mailbox + ": copy message");
}

}  // namespace

// Links (or renames) to the final names, the UID in each, then one sync of the directory. A file's content never changes, so
// two names may share it. Whatever fails, the names go back to what they were.
class MaildirMailbox::Transfer {
  public:
    Transfer(MaildirMailbox& source, MaildirMailbox& target, bool remove)
        : source_(source), target_(target), remove_(remove), same_(target.directory_ == source.directory_) {}

    Copied run(const std::vector<std::uint32_t>& uids) {
        begin();
        find_messages(uids);
        if (!messages_.empty()) {
            reserve();
            try {
                change();
                finish();
            } catch (...) {
                undo();
                throw;
            }
        } else {
            finish();
        }
        if (remove_) {
            sync_directory(source_.folder_->cur(), source_.name_);
            sync_directory(source_.folder_->fresh(), source_.name_);
        }
        return std::move(copied_);
    }

  private:
    struct Step {
        int from = -1;
        std::string old_name;
        std::string new_name;
    };

    BoxRecord& into() { return same_ ? writing_->box : other_; }
    BoxState& to() { return into().state; }
    BoxState& from() { return writing_->box.state; }

    void begin() {
        target_.flush_pending();
        target_.reading_.reset();
        writing_ = source_.begin_change(false);
        if (same_) {
            Sync(source_, writing_->txn, writing_->box).run(false);
        } else {
            target_.require_current();
            if (std::optional<BoxRecord> found = writing_->txn.find_box(target_.directory_))
                other_ = std::move(*found);
            Sync(target_, writing_->txn, other_).run(false);
        }
        copied_.uid_validity = to().uid_validity;
    }

    void find_messages(const std::vector<std::uint32_t>& uids) {
        for (std::uint32_t uid : uids) {
            std::optional<Located> located = source_.find_for_change(*writing_, uid);
            if (!located)
                trouble(Failure::Kind::not_found, source_.name_ + ": a message was expunged meanwhile");
            messages_.push_back(std::move(*located));
            copied_.from.push_back(uid);
        }
    }

    void reserve() {
        if (to().uid_next > kLastUid - std::min<std::size_t>(messages_.size(), kLastUid))
            trouble(Failure::Kind::temporary, target_.name_ + ": all UIDs are used up");
        std::uint32_t last = to().uid_next + static_cast<std::uint32_t>(messages_.size()) - 1;
        promise(target_, to(), last);
        modseq_ = next_modseq(target_, to());
        writing_->intent = {to().id, last};
        writing_->index->set_intent(writing_->intent);
    }

    void change() {
        OwnChange target_cur(target_.folder_->cur(), to().cur_time, to().cur_racy);
        OwnChange source_cur(source_.folder_->cur(), from().cur_time, from().cur_racy);
        OwnChange source_new(source_.folder_->fresh(), from().new_time, from().new_racy);
        std::vector<UidListEntry> listed;
        for (std::size_t i = 0; i < messages_.size(); ++i)
            place(i, listed);
        UidList(target_.folder_->self(), target_.name_).append(listed, false);
        note_uid_list(target_, to());
        to().list_lines += static_cast<std::int64_t>(listed.size());
        // Nothing is said before this: from here on a power cut keeps all of it.
        sync_directory(target_.folder_->cur(), target_.name_);
        target_cur.done();
        to().first_unseen_uid = 0;
        if (!remove_)
            return;
        source_cur.done();
        source_new.done();
        from().first_unseen_uid = 0;
        ExpungeLog(writing_->txn, from()).add(copied_.from, same_ ? modseq_ : next_modseq(source_, from()));
    }

    void place(std::size_t i, std::vector<UidListEntry>& listed) {
        const Located& located = messages_[i];
        MailState mail = located.state;
        mail.flags = flags_in_target(mail.flags);
        mail.in_new = 0;
        mail.modseq = modseq_;
        std::uint32_t uid = to().uid_next++;
        MaildirName old = parse_maildir_name(located.name);
        std::string name = unique_maildir_name();
        if (old.size)
            text::append(name, ",S={}", *old.size);
        if (old.virtual_size)
            text::append(name, ",W={}", *old.virtual_size);
        text::append(name, ",U={}", uid);
        listed.push_back({uid, name});
        name += maildir_info(mail.flags);
        put_name(located, name);
        writing_->txn.put_mail(to().id, uid, mail, name);
        ++to().messages;
        to().unseen += (mail.flags & kSeen) ? 0 : 1;
        copied_.to.push_back(uid);
        if (!remove_)
            return;
        --from().messages;
        from().unseen -= (located.state.flags & kSeen) ? 0 : 1;
        from().in_new -= located.state.in_new;
        writing_->txn.remove_mail(from().id, copied_.from[i]);
    }

    void put_name(const Located& located, const std::string& name) {
        int directory = source_.folder_->part(located.state.in_new != 0);
        int target = target_.folder_->cur();
        int result = remove_ ? renameat(directory, located.name.c_str(), target, name.c_str())
                             : linkat(directory, located.name.c_str(), target, name.c_str(), 0);
        bool no_links = result != 0 && !remove_ && (errno == EPERM || errno == EMLINK || errno == EXDEV);
        if (result != 0 && !no_links)
            system_trouble(target_.name_ + ": copy message");
        done_.push_back({directory, located.name, name});
        if (no_links)
            copy_file(directory, located.name.c_str(), target, name.c_str(), target_.name_);
    }

    // The letters of the source's keywords mean other ones in the target.
    Flags flags_in_target(Flags flags) {
        Flags keywords = flags & ~(kSystemFlags | kPassed);
        if (same_ || keywords == 0)
            return flags;
        std::vector<std::string> names;
        for (std::size_t k = 0; k < writing_->box.keywords.size(); ++k) {
            if ((keywords & keyword_bit(k)) && !writing_->box.keywords[k].empty())
                names.push_back(writing_->box.keywords[k]);
        }
        flags &= kSystemFlags | kPassed;
        try {
            target_.adopt_keywords(other_, names, flags);
        } catch (const ThrownFailure&) {
            // The target has no room for them: the message goes without (RFC 3501, 6.4.7: SHOULD).
        }
        return flags;
    }

    void finish() {
        if (!same_)
            writing_->txn.put_box(target_.directory_, other_);
        source_.finish_change(*writing_);
        if (!same_)
            target_.box_ = other_;
    }

    void undo() {
        for (const Step& step : done_) {
            if (remove_)
                renameat(target_.folder_->cur(), step.new_name.c_str(), step.from, step.old_name.c_str());
            else
                unlinkat(target_.folder_->cur(), step.new_name.c_str(), 0);
        }
        fsync(target_.folder_->cur());
    }

    MaildirMailbox& source_;
    MaildirMailbox& target_;
    bool remove_;
    bool same_;
    std::unique_ptr<Writing> writing_;
    BoxRecord other_;  // the target's, unless it is the source
    std::vector<Located> messages_;
    std::vector<Step> done_;
    Modseq modseq_ = 0;
    Copied copied_;
};

Result<Copied> MaildirMailbox::transfer(const std::vector<std::uint32_t>& uids, Mailbox& target, bool remove) {
    // Of the same account, so of the same kind.
    auto& folder = static_cast<MaildirMailbox&>(target);
    return account_->attempt([&] { return Transfer(*this, folder, remove).run(uids); });
}

void MaildirMailbox::move_everything(MaildirMailbox& target) {
    if (Result<void> fresh = refresh(); !fresh)
        throw ThrownFailure(fresh.error());
    Result<std::vector<Message>> all = messages();
    if (!all)
        throw ThrownFailure(all.error());
    std::vector<std::uint32_t> uids;
    for (const Message& message : *all)
        uids.push_back(message.uid);
    if (!uids.empty())
        Transfer(*this, target, true).run(uids);
}

}  // namespace store
