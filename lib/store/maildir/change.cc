// Flags and EXPUNGE.
#include <fcntl.h>
#include <fmt/format.h>

#include "lib/store/maildir/expunge_log.h"
#include "lib/store/maildir/keywords.h"
#include "lib/store/maildir/mailbox.h"
#include "lib/store/maildir/name.h"
#include "lib/store/maildir/small_file.h"
#include "lib/store/maildir/sync.h"
#include "lib/store/thrown_failure.h"

namespace store {

void MaildirMailbox::sync_directory(int directory, const std::string& name) {
    if (fsync(directory) != 0)
        system_trouble(name + ": sync");
}

// The bits of these keywords go into `bits`; new names are durable before they are used.
void MaildirMailbox::adopt_keywords(BoxRecord& box, const std::vector<std::string>& wanted, Flags& bits) {
    std::vector<std::string> known = box.keywords;
    std::optional<Flags> found = store::adopt_keywords(known, wanted);
    if (!found)
        trouble(Failure::Kind::limit,
            fmt::format("{}: a mailbox has at most {} keywords of {} characters", name_, kMaxKeywords, kMaxKeywordLength));
    bits |= *found;
    if (known == box.keywords)
        return;
    replace_small_file(folder_->self(), kKeywordsFile, format_keywords(known), name_);
    box.keywords = std::move(known);
    struct stat info {};
    if (fstatat(folder_->self(), kKeywordsFile, &info, AT_SYMLINK_NOFOLLOW) == 0)
        box.state.keywords_time = file_time(info);
}

// The message's file, found again if another program renamed it; nothing if it is gone.
std::optional<MaildirMailbox::Located> MaildirMailbox::find_for_change(Writing& writing, std::uint32_t uid) {
    for (bool again = true;; again = false) {
        std::optional<MailRecord> record = writing.txn.find_mail(writing.box.state.id, uid);
        if (!record)
            return std::nullopt;
        Located located{record->state, std::string(record->name)};
        struct stat info {};
        int directory = folder_->part(located.state.in_new != 0);
        if (fstatat(directory, located.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
            return located;
        if (!again)
            return std::nullopt;
        Sync(*this, writing.txn, writing.box).run(true);
    }
}

// Names that go back to what they were unless the change is kept.
class MaildirMailbox::Renames {
  public:
    explicit Renames(const MaildirMailbox& mailbox) : mailbox_(mailbox) {}
    Renames(const Renames&) = delete;
    Renames& operator=(const Renames&) = delete;
    ~Renames() {
        for (const Step& step : steps_)
            renameat(mailbox_.folder_->cur(), step.name.c_str(), step.from, step.old.c_str());
    }

    void rename(int from, const std::string& old, const std::string& name) {
        if (renameat(from, old.c_str(), mailbox_.folder_->cur(), name.c_str()) != 0)
            system_trouble(mailbox_.name_ + ": rename " + old);
        steps_.push_back({from, old, name});
    }
    void keep() { steps_.clear(); }

  private:
    struct Step {
        int from = -1;
        std::string old, name;
    };
    const MaildirMailbox& mailbox_;
    std::vector<Step> steps_;
};

void MaildirMailbox::change_one(Writing& writing, Renames& renames, std::uint32_t uid, Flags now, const Located& located) {
    BoxState& state = writing.box.state;
    MailState mail = located.state;
    std::string name = std::string(maildir_base(located.name)) + maildir_info(now);
    renames.rename(folder_->part(mail.in_new != 0), located.name, name);
    state.unseen += (mail.flags & kSeen) ? 1 : 0;
    state.unseen -= (now & kSeen) ? 1 : 0;
    state.in_new -= mail.in_new;
    mail.flags = now;
    mail.in_new = 0;
    mail.modseq = state.highest_modseq;
    writing.txn.put_mail(state.id, uid, mail, name);
}

Result<std::vector<Message>> MaildirMailbox::change_flags(
    const std::vector<std::uint32_t>& uids, FlagChange change, Flags flags, const std::vector<std::string>& keywords) {
    return account_->attempt([&] {
        std::vector<Message> changed;
        changed.reserve(uids.size());
        std::unique_ptr<Writing> writing = begin_change(false);
        BoxState& state = writing->box.state;
        Flags bits = flags;
        adopt_keywords(writing->box, keywords, bits);
        OwnChange cur(folder_->cur(), state.cur_time, state.cur_racy);
        OwnChange fresh(folder_->fresh(), state.new_time, state.new_racy);
        Renames renames(*this);
        bool left_new = false, renamed = false;
        for (std::uint32_t uid : uids) {
            std::optional<MailRecord> record = writing->txn.find_mail(state.id, uid);
            if (!record)
                continue;
            auto wanted = [&](Flags old) {
                if (change == FlagChange::add)
                    return old | bits;
                if (change == FlagChange::remove)
                    return old & ~bits;
                return bits | (old & kPassed);
            };
            if (wanted(record->state.flags) != record->state.flags) {
                std::optional<Located> located = find_for_change(*writing, uid);
                if (!located)
                    continue;
                left_new = left_new || located->state.in_new;
                if (!std::exchange(renamed, true))
                    next_modseq(*this, state);
                Flags now = wanted(located->state.flags);
                change_one(*writing, renames, uid, now, *located);
                changed.push_back({uid, now, state.highest_modseq});
            } else {
                changed.push_back({uid, record->state.flags, record->state.modseq});
            }
        }
        if (renamed) {
            state.first_unseen_uid = 0;
            cur.done();
            if (left_new)
                fresh.done();
        }
        finish_change(*writing);
        renames.keep();
        if (renamed)
            sync_directory(folder_->cur(), name_);
        if (left_new)
            sync_directory(folder_->fresh(), name_);
        return changed;
    });
}

Result<void> MaildirMailbox::expunge(const std::vector<std::uint32_t>& uids) {
    return account_->attempt([&] {
        std::unique_ptr<Writing> writing = begin_change(false);
        BoxState& state = writing->box.state;
        OwnChange cur(folder_->cur(), state.cur_time, state.cur_racy);
        OwnChange fresh(folder_->fresh(), state.new_time, state.new_racy);
        bool left_new = false;
        std::vector<std::uint32_t> gone;
        for (std::uint32_t uid : uids) {
            std::optional<Located> located = find_for_change(*writing, uid);
            if (!located)
                continue;
            int directory = folder_->part(located->state.in_new != 0);
            if (unlinkat(directory, located->name.c_str(), 0) != 0 && errno != ENOENT)
                system_trouble(name_ + ": remove " + located->name);
            left_new = left_new || located->state.in_new;
            --state.messages;
            state.unseen -= (located->state.flags & kSeen) ? 0 : 1;
            state.in_new -= located->state.in_new;
            writing->txn.remove_mail(state.id, uid);
            gone.push_back(uid);
        }
        if (!gone.empty())
            ExpungeLog(writing->txn, state).add(std::move(gone), next_modseq(*this, state));
        state.first_unseen_uid = 0;
        cur.done();
        if (left_new)
            fresh.done();
        finish_change(*writing);
        sync_directory(folder_->cur(), name_);
        if (left_new)
            sync_directory(folder_->fresh(), name_);
    });
}

}  // namespace store
