#include "lib/store/maildir/sync.h"

#include <fcntl.h>
#include <sys/random.h>

#include <algorithm>
#include <charconv>

#include "lib/store/maildir/expunge_log.h"
#include "lib/store/maildir/keywords.h"
#include "lib/store/maildir/name.h"
#include "lib/store/maildir/small_file.h"
#include "lib/store/thrown_failure.h"
#include "lib/text/append.h"

namespace store {
namespace {

constexpr std::uint32_t kReserve = 256;        // UIDs promised ahead: one sync of the list for so many messages
constexpr Modseq kReserveModseqs = 1'000'000;  // they are plenty

std::string hexadecimal(const std::uint8_t* octets, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
        text::append(text, "{:02x}", octets[i]);
    return text;
}

std::uint32_t is_racy(const FileTime& time, std::int64_t read_at) {
    std::int64_t window = time.nanoseconds != 0 ? 20'000'000 : 2'000'000'000;
    return read_at - (time.seconds * 1'000'000'000 + time.nanoseconds) <= window ? 1 : 0;
}

// Above what this server gave out before it lost its memory, where even the list has lost it, and above what another server
// (which counts changes from 1) may have told the same clients.
Modseq first_modseq() { return static_cast<Modseq>(std::max<std::int64_t>(now_nanoseconds(), 0) / 1000); }

}  // namespace

// For a large mailbox a second look costs, so it waits a little longer; a change with the very same time stamp is rare.
bool racy_due(const BoxState& state, const FileTime& time, bool racy) {
    if (!racy)
        return false;
    std::int64_t now = now_nanoseconds();
    std::int64_t window = time.nanoseconds != 0 ? 20'000'000 : 2'000'000'000;
    std::int64_t patience = std::min<std::int64_t>(std::int64_t{state.messages} * 50'000, 5'000'000'000);
    std::int64_t changed = time.seconds * 1'000'000'000 + time.nanoseconds;
    return now - changed > window && now - std::max(changed, state.last_scan) > patience;
}

OwnChange::OwnChange(int directory, FileTime& recorded, std::uint32_t& racy)
    : directory_(directory), recorded_(recorded), racy_(racy), was_known_(modification_time(directory) == recorded) {}

void OwnChange::done() {
    if (!was_known_)
        return;
    recorded_ = modification_time(directory_);
    racy_ = 1;
}

void note_uid_list(const MaildirMailbox& mailbox, BoxState& state) {
    struct stat info {};
    if (UidList(mailbox.folder()->self(), mailbox.name()).identity(info)) {
        state.list_inode = info.st_ino;
        state.list_size = info.st_size;
        state.list_time = file_time(info);
    }
}

bool is_known_uid_list(const MaildirMailbox& mailbox, const BoxState& state) {
    struct stat info {};
    return UidList(mailbox.folder()->self(), mailbox.name()).identity(info) && info.st_ino == state.list_inode &&
           info.st_size == state.list_size && file_time(info) == state.list_time;
}

void promise(MaildirMailbox& mailbox, BoxState& state, std::uint32_t last) {
    bool uids = last < state.uid_ceiling;
    bool modseqs = state.highest_modseq + 1 < state.modseq_ceiling;
    if (uids && modseqs)
        return;
    // One sync for both.
    std::uint32_t ceiling = last > kLastUid - kReserve ? UINT32_MAX : last + 1 + kReserve;
    state.uid_ceiling = std::max(state.uid_ceiling, ceiling);
    state.modseq_ceiling = std::max(state.modseq_ceiling, state.highest_modseq + 1 + kReserveModseqs);
    UidList(mailbox.folder()->self(), mailbox.name()).raise(state.uid_ceiling, state.modseq_ceiling);
    note_uid_list(mailbox, state);
}

Modseq next_modseq(MaildirMailbox& mailbox, BoxState& state) {
    promise(mailbox, state, state.uid_next - 1);
    return ++state.highest_modseq;
}

bool MaildirMailbox::is_clean(const BoxState& state) const {
    if (!state.scanned)
        return false;
    FileTime new_now = modification_time(folder_->fresh());
    FileTime cur_now = modification_time(folder_->cur());
    if (!(new_now == state.new_time) || !(cur_now == state.cur_time))
        return false;
    if (racy_due(state, state.new_time, state.new_racy) || racy_due(state, state.cur_time, state.cur_racy))
        return false;
    if (!is_known_uid_list(*this, state))
        return false;
    struct stat info {};
    bool keywords = fstatat(folder_->self(), kKeywordsFile, &info, AT_SYMLINK_NOFOLLOW) == 0;
    return (keywords ? file_time(info) : FileTime{}) == state.keywords_time;
}

Sync::Sync(MaildirMailbox& mailbox, Txn& txn, BoxRecord& box) : mailbox_(mailbox), txn_(txn), box_(box), state_(box.state) {}

void Sync::run(bool thorough) {
    if (state_.id == 0)
        begin_box();
    if (!is_known_uid_list(mailbox_, state_))
        read_uid_list();
    read_keywords();

    std::int64_t started = now_nanoseconds();
    FileTime new_now = modification_time(mailbox_.folder()->fresh());
    FileTime cur_now = modification_time(mailbox_.folder()->cur());
    rebuilding_ = !state_.scanned;
    bool all = thorough || rebuilding_ || state_.unsettled_uid != 0;
    bool new_too = all || !(new_now == state_.new_time) || racy_due(state_, new_now, state_.new_racy);
    bool cur_too = all || !(cur_now == state_.cur_time) || racy_due(state_, cur_now, state_.cur_racy);
    if (new_too || cur_too) {
        scan(new_too, cur_too);
        if (!match(new_too, cur_too) && !(new_too && cur_too)) {
            // Files left the directory that was read: they may be in the other one.
            new_too = cur_too = true;
            new_now = modification_time(mailbox_.folder()->fresh());
            cur_now = modification_time(mailbox_.folder()->cur());
            scan(true, true);
            match(true, true);
        }
        if (!missing_.empty())
            confirm_missing();
        apply_matches();
        add_new_messages();
    }
    save_uid_list();
    if (new_too) {
        state_.new_time = new_now;
        state_.new_racy = is_racy(new_now, started);
    }
    if (cur_too) {
        state_.cur_time = cur_now;
        state_.cur_racy = is_racy(cur_now, started);
        state_.last_scan = started;
    }
    state_.scanned = 1;
}

// A folder that the index does not know: its UIDVALIDITY comes from the list, or is made.
void Sync::begin_box() {
    state_.id = txn_.new_box_id();
    state_.highest_modseq = std::max(state_.highest_modseq, first_modseq());
    if (getentropy(state_.guid, sizeof state_.guid) != 0)
        system_trouble("getentropy");
}

void Sync::read_uid_list() {
    UidList list(mailbox_.folder()->self(), mailbox_.name());
    list_ = list.read();
    const UidList::Contents& contents = list_;
    list_found_ = contents.found;
    list_loaded_ = true;
    if (contents.found && state_.uid_validity != 0 && contents.uid_validity != state_.uid_validity) {
        // Made anew by another program: what we knew is no longer true.
        if (modseq_ != 0 || !listing_.entries().empty())
            trouble(Failure::Kind::temporary, mailbox_.name() + ": another program replaces the list of UIDs just now");
        txn_.remove_all_mail(state_.id);
        BoxState fresh;
        fresh.highest_modseq = state_.highest_modseq;
        state_ = fresh;
        begin_box();
    }
    if (contents.found) {
        state_.uid_validity = contents.uid_validity;
        state_.uid_ceiling = contents.uid_next;
        state_.modseq_ceiling = contents.modseq_next;
        if (!state_.scanned)
            state_.highest_modseq = std::max(state_.highest_modseq, contents.modseq_next);
        list_next_ = contents.uid_next;
        state_.list_lines = contents.lines;
        listed_.reserve(contents.entries.size());
        for (const UidListEntry& entry : contents.entries)
            listed_[entry.base] = entry.uid;
        std::string_view guid = contents.guid;
        for (std::size_t i = 0; i < sizeof state_.guid && guid.size() == 2 * sizeof state_.guid; ++i)
            std::from_chars(guid.data() + 2 * i, guid.data() + 2 * i + 2, state_.guid[i], 16);
    } else {
        list_rewrite_ = true;
        if (state_.uid_validity == 0)
            state_.uid_validity = mailbox_.maildir().next_uid_validity();
    }
}

void Sync::read_keywords() {
    struct stat info {};
    bool found = fstatat(mailbox_.folder()->self(), kKeywordsFile, &info, AT_SYMLINK_NOFOLLOW) == 0;
    FileTime time = found ? file_time(info) : FileTime{};
    if (time == state_.keywords_time)
        return;
    std::vector<std::string> keywords = parse_keywords(
        read_small_file(mailbox_.folder()->self(), kKeywordsFile, mailbox_.name()));
    touch_keywords(renamed_keywords(box_.keywords, keywords));
    box_.keywords = std::move(keywords);
    state_.keywords_time = time;
}

// Flags that mean something else now have changed, although no file was renamed.
void Sync::touch_keywords(Flags renamed) {
    if (renamed == 0)
        return;
    std::vector<std::uint32_t> uids;
    txn_.each_listed(state_.id, [&](const Message* first, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            if (first[i].flags & renamed)
                uids.push_back(first[i].uid);
        }
        return true;
    });
    modseq();  // the list of keywords itself is to be told
    for (std::uint32_t uid : uids) {
        std::optional<MailRecord> record = txn_.find_mail(state_.id, uid);
        MailState mail = record->state;
        std::string name(record->name);
        mail.modseq = modseq();
        txn_.put_mail(state_.id, uid, mail, name);
    }
}

// One for everything that a run finds: it is one change to those who hear of it. Promised in save_uid_list().
Modseq Sync::modseq() {
    if (modseq_ == 0)
        modseq_ = ++state_.highest_modseq;
    return modseq_;
}

void Sync::scan(bool new_too, bool cur_too) {
    listing_.clear();
    if (cur_too)
        listing_.read(mailbox_.folder()->cur(), false, mailbox_.name());
    if (new_too)
        listing_.read(mailbox_.folder()->fresh(), true, mailbox_.name());
}

// Pairs what the index knows with what was read. False if something is gone.
bool Sync::match(bool new_read, bool cur_read) {
    changes_.clear();
    missing_.clear();
    txn_.each_mail(state_.id, 0, [&](std::uint32_t uid, const MailRecord& record) {
        Listing::Entry* entry = listing_.find(maildir_base(record.name));
        if (!entry) {
            if (record.state.in_new ? new_read : cur_read)
                missing_.push_back(uid);
            return true;
        }
        entry->matched = true;
        bool in_new = entry->in_new;
        if (in_new && !record.state.in_new && !cur_read)
            return true;  // in both; cur/ counts
        if (entry->name != record.name || in_new != (record.state.in_new != 0)) {
            Change change{uid, record.state, entry->name};
            change.state.in_new = in_new ? 1 : 0;
            change.state.flags = parse_maildir_name(entry->name).flags;
            if (change.state.flags != record.state.flags)
                change.state.modseq = modseq();
            changes_.push_back(change);
        }
        return true;
    });
    return missing_.empty();
}

// A file that is renamed while a directory is read may be seen in neither place: look once more.
void Sync::confirm_missing() {
    Listing again;
    again.read(mailbox_.folder()->cur(), false, mailbox_.name());
    again.read(mailbox_.folder()->fresh(), true, mailbox_.name());
    std::erase_if(missing_, [&](std::uint32_t uid) {
        std::optional<MailRecord> record = txn_.find_mail(state_.id, uid);
        return record && again.find(maildir_base(record->name));
    });
}

void Sync::apply_matches() {
    for (const Change& change : changes_) {
        std::optional<MailRecord> old = txn_.find_mail(state_.id, change.uid);
        state_.unseen += (old->state.flags & kSeen) ? 1 : 0;
        state_.unseen -= (change.state.flags & kSeen) ? 1 : 0;
        state_.in_new += change.state.in_new - old->state.in_new;
        txn_.put_mail(state_.id, change.uid, change.state, change.name);
    }
    for (std::uint32_t uid : missing_) {
        std::optional<MailRecord> old = txn_.find_mail(state_.id, uid);
        state_.unseen -= (old->state.flags & kSeen) ? 0 : 1;
        state_.in_new -= old->state.in_new;
        --state_.messages;
        txn_.remove_mail(state_.id, uid);
    }
    if (!missing_.empty())
        ExpungeLog(txn_, state_).add(missing_, modseq());
    if (!changes_.empty() || !missing_.empty())
        state_.first_unseen_uid = 0;
}

// UIDs that no name proves, and the promises, go into the list, on the disk, before anybody is told of them.
void Sync::save_uid_list() {
    if (rebuilding_ && list_loaded_)
        state_.uid_next = std::max(state_.uid_next, list_next_);
    settle();
    if (rebuilding_)
        ExpungeLog(txn_, state_).forget();
    bool stale = state_.list_lines > 2 * std::int64_t{state_.messages} + 1000;
    bool many = list_additions_.size() > 1000;
    if (list_rewrite_ || stale || many)
        rewrite_uid_list();
    else
        extend_uid_list();
    note_uid_list(mailbox_, state_);
}

void Sync::rewrite_uid_list() {
    UidList::Contents contents;
    contents.uid_validity = state_.uid_validity;
    std::uint32_t wanted = state_.uid_next > kLastUid - kReserve ? UINT32_MAX : state_.uid_next + kReserve;
    contents.uid_next = std::max(state_.uid_ceiling, wanted);
    contents.modseq_next = std::max(state_.modseq_ceiling, state_.highest_modseq + kReserveModseqs);
    contents.guid = hexadecimal(state_.guid, sizeof state_.guid);
    contents.entries.reserve(state_.messages);
    txn_.each_mail(state_.id, 0, [&contents](std::uint32_t uid, const MailRecord& record) {
        contents.entries.push_back({uid, std::string(maildir_base(record.name))});
        return true;
    });
    UidList(mailbox_.folder()->self(), mailbox_.name()).rewrite(contents);
    state_.uid_ceiling = contents.uid_next;
    state_.modseq_ceiling = contents.modseq_next;
    state_.list_lines = state_.messages;
}

void Sync::extend_uid_list() {
    if (!list_additions_.empty()) {
        std::vector<UidListEntry> entries;
        for (auto& [uid, base] : list_additions_)
            entries.push_back({uid, std::move(base)});
        UidList(mailbox_.folder()->self(), mailbox_.name()).append(entries, additions_durable_);
        state_.list_lines += static_cast<std::int64_t>(entries.size());
    }
    if (state_.uid_next > state_.uid_ceiling || state_.highest_modseq >= state_.modseq_ceiling)
        promise(mailbox_, state_, state_.uid_next - 1);
}

}  // namespace store
