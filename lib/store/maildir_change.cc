#include <fcntl.h>

#include <algorithm>

#include "lib/store/maildir_mailbox.h"
#include "lib/store/maildir_name.h"
#include "lib/store/trouble.h"
#include "lib/store/uid_list.h"
#include "lib/text/append.h"

namespace store {
namespace {

constexpr std::uint32_t kLastUid = UINT32_MAX - 1;

void sync_directory(int directory, const std::string& name) {
    if (fsync(directory) != 0)
        system_trouble(name + ": sync");
}

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
        if (n < 0 || write(out.get(), buffer.data(), static_cast<std::size_t>(n)) != n)
            system_trouble(mailbox + ": copy message");
    }
    timespec times[2] = {info.st_mtim, info.st_mtim};
    if (futimens(out.get(), times) != 0 || fsync(out.get()) != 0)
        system_trouble(mailbox + ": copy message");
}

}  // namespace

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

void MaildirMailbox::change_one(Writing& writing, std::uint32_t uid, Flags now, MailState mail, std::string_view old_name) {
    BoxState& state = writing.box.state;
    std::string name = std::string(maildir_base(old_name)) + maildir_info(now);
    std::string old(old_name);
    if (renameat(folder_->part(mail.in_new != 0), old.c_str(), folder_->cur(), name.c_str()) != 0)
        system_trouble(name_ + ": rename " + old);
    state.unseen += (mail.flags & kSeen) ? 1 : 0;
    state.unseen -= (now & kSeen) ? 1 : 0;
    state.in_new -= mail.in_new;
    mail.flags = now;
    mail.in_new = 0;
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
        adopt_keywords(*writing, keywords, bits);
        OwnChange cur(folder_->cur(), state.cur_time, state.cur_racy);
        OwnChange fresh(folder_->fresh(), state.new_time, state.new_racy);
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
                Flags now = wanted(located->state.flags);
                change_one(*writing, uid, now, located->state, located->name);
                renamed = true;
                changed.push_back({uid, now});
            } else {
                changed.push_back({uid, record->state.flags});
            }
        }
        if (renamed) {
            ++state.generation;
            state.first_unseen_uid = 0;
            cur.done();
            if (left_new)
                fresh.done();
        }
        finish_change(*writing);
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
            ++state.generation;
        }
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

// What a copy has done so far, to be undone when it cannot be finished.
struct MaildirMailbox::Step {
    int from = -1;
    std::string old_name;
    std::string new_name;
};

Result<Copied> MaildirMailbox::copy(const std::vector<std::uint32_t>& uids, Mailbox& target) {
    return account_->attempt([&] {
        auto* folder = dynamic_cast<MaildirMailbox*>(&target);
        if (folder && folder->account_ == account_)
            return transfer(uids, *folder, false);
        return copy_octets(uids, target);
    });
}

Result<Copied> MaildirMailbox::move(const std::vector<std::uint32_t>& uids, Mailbox& target) {
    return account_->attempt([&] {
        auto* folder = dynamic_cast<MaildirMailbox*>(&target);
        if (folder && folder->account_ == account_)
            return transfer(uids, *folder, true);
        Copied copied = copy_octets(uids, target);
        if (Result<void> removed = expunge(copied.from); !removed)
            throw Trouble(removed.error());
        return copied;
    });
}

void MaildirMailbox::move_everything(MaildirMailbox& target) {
    if (Result<void> fresh = refresh(); !fresh)
        throw Trouble(fresh.error());
    Result<std::vector<Message>> all = messages();
    if (!all)
        throw Trouble(all.error());
    std::vector<std::uint32_t> uids;
    for (const Message& message : *all)
        uids.push_back(message.uid);
    if (!uids.empty())
        transfer(uids, target, true);
}

// Both mailboxes change in one transaction: links (or renames) to the final names, the UID in each, then
// one sync of the directory. A file's content never changes, so two names may share it.
Copied MaildirMailbox::transfer(const std::vector<std::uint32_t>& uids, MaildirMailbox& target, bool remove) {
    bool same = &target == this || target.directory_ == directory_;
    target.flush_pending();
    target.reading_.reset();
    std::unique_ptr<Writing> source = begin_change(false);
    BoxRecord other;
    if (!same) {
        target.require_current();
        if (std::optional<BoxRecord> found = source->txn.find_box(target.directory_))
            other = std::move(*found);
        Sync(target, source->txn, other).run(false);
    } else {
        Sync(*this, source->txn, source->box).run(false);
    }
    BoxRecord& into = same ? source->box : other;
    BoxState& to = into.state;
    BoxState& from = source->box.state;
    Copied copied;
    copied.uid_validity = to.uid_validity;

    std::vector<Located> sources;
    for (std::uint32_t uid : uids) {
        std::optional<Located> located = find_for_change(*source, uid);
        if (!located)
            trouble(Failure::Kind::not_found, name_ + ": a message was expunged meanwhile");
        sources.push_back(std::move(*located));
        copied.from.push_back(uid);
    }
    if (to.uid_next > kLastUid - std::min<std::size_t>(sources.size(), kLastUid))
        trouble(Failure::Kind::temporary, target.name_ + ": all UIDs are used up");
    auto count = static_cast<std::uint32_t>(sources.size());
    if (count == 0) {
        if (!same)
            source->txn.put_box(target.directory_, other);
        finish_change(*source);
        return copied;
    }
    reserve_uids(target, to, to.uid_next + count - 1);
    source->intent = {to.id, to.uid_next + count - 1};
    source->index->set_intent(source->intent);

    OwnChange target_cur(target.folder_->cur(), to.cur_time, to.cur_racy);
    OwnChange source_cur(folder_->cur(), from.cur_time, from.cur_racy);
    OwnChange source_new(folder_->fresh(), from.new_time, from.new_racy);
    std::vector<Step> done;
    std::vector<UidListEntry> listed;
    try {
        for (std::size_t i = 0; i < sources.size(); ++i) {
            Located& located = sources[i];
            MailState mail = located.state;
            if (!same && (mail.flags & ~(kSystemFlags | kPassed))) {
                std::vector<std::string> names;
                for (std::size_t k = 0; k < source->box.keywords.size(); ++k) {
                    if ((mail.flags & keyword_bit(k)) && !source->box.keywords[k].empty())
                        names.push_back(source->box.keywords[k]);
                }
                mail.flags &= kSystemFlags | kPassed;
                Writing& writing = *source;
                std::swap(writing.box, other);
                try {
                    target.adopt_keywords(writing, names, mail.flags);
                } catch (const Trouble&) {
                    // The target has no room for them: the message goes without (RFC 3501, 6.4.7: SHOULD).
                }
                std::swap(writing.box, other);
            }
            std::uint32_t uid = to.uid_next++;
            MaildirName old = parse_maildir_name(located.name);
            std::string name = unique_maildir_name();
            if (old.size)
                text::append(name, ",S={}", *old.size);
            if (old.virtual_size)
                text::append(name, ",W={}", *old.virtual_size);
            text::append(name, ",U={}", uid);
            listed.push_back({uid, name});
            name += maildir_info(mail.flags);
            int directory = folder_->part(located.state.in_new != 0);
            int result = remove ? renameat(directory, located.name.c_str(), target.folder_->cur(), name.c_str())
                                : linkat(directory, located.name.c_str(), target.folder_->cur(), name.c_str(), 0);
            if (result != 0 && !remove && (errno == EPERM || errno == EMLINK || errno == EXDEV))
                copy_file(directory, located.name.c_str(), target.folder_->cur(), name.c_str(), target.name_);
            else if (result != 0)
                system_trouble(target.name_ + ": copy message");
            done.push_back({directory, located.name, name});
            mail.in_new = 0;
            source->txn.put_mail(to.id, uid, mail, name);
            ++to.messages;
            to.unseen += (mail.flags & kSeen) ? 0 : 1;
            copied.to.push_back(uid);
            if (remove) {
                --from.messages;
                from.unseen -= (located.state.flags & kSeen) ? 0 : 1;
                from.in_new -= located.state.in_new;
                source->txn.remove_mail(from.id, copied.from[i]);
            }
        }
        UidList list(target.folder_->self(), target.name_);
        list.append(listed, false);
        struct stat info {};
        if (list.identity(info)) {
            to.list_inode = info.st_ino;
            to.list_size = info.st_size;
            to.list_lines += static_cast<std::int64_t>(listed.size());
        }
        // Nothing is said before this: from here on a power cut keeps all of it.
        sync_directory(target.folder_->cur(), target.name_);
    } catch (...) {
        for (const Step& step : done) {
            if (remove)
                renameat(target.folder_->cur(), step.new_name.c_str(), step.from, step.old_name.c_str());
            else
                unlinkat(target.folder_->cur(), step.new_name.c_str(), 0);
        }
        throw;
    }
    target_cur.done();
    if (remove) {
        source_cur.done();
        source_new.done();
        ++from.generation;
        from.first_unseen_uid = 0;
    }
    ++to.generation;
    to.first_unseen_uid = 0;
    if (!same)
        source->txn.put_box(target.directory_, other);
    finish_change(*source);
    if (!same)
        target.box_ = other;
    if (remove) {
        sync_directory(folder_->cur(), name_);
        sync_directory(folder_->fresh(), name_);
    }
    return copied;
}

// To another account: each message is delivered there; if one cannot be, those before it go again.
Copied MaildirMailbox::copy_octets(const std::vector<std::uint32_t>& uids, Mailbox& target) {
    Copied copied;
    for (std::uint32_t uid : uids) {
        Located located = locate(uid);
        Content content = read_whole(uid);
        Delivery::Options options;
        options.flags = located.state.flags & kSystemFlags;
        for (std::size_t k = 0; k < box_.keywords.size(); ++k) {
            if (located.state.flags & keyword_bit(k))
                options.keywords.push_back(box_.keywords[k]);
        }
        Result<std::int64_t> date = internal_date(uid);
        if (date)
            options.date = *date;
        Result<std::unique_ptr<Delivery>> delivery = target.deliver();
        Result<Delivery::Delivered> delivered = std::unexpected(Failure{});
        if (!delivery)
            delivered = std::unexpected(delivery.error());
        else if (Result<void> written = (*delivery)->write(content.text()); !written)
            delivered = std::unexpected(written.error());
        else
            delivered = (*delivery)->commit(options);
        if (!delivered) {
            if (Result<void> undone = target.expunge(copied.to); !undone)
                throw Trouble(undone.error());
            throw Trouble(delivered.error());
        }
        copied.uid_validity = delivered->uid_validity;
        copied.from.push_back(uid);
        copied.to.push_back(delivered->uid);
    }
    return copied;
}

}  // namespace store
