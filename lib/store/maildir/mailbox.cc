#include "lib/store/maildir/mailbox.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>

#include "lib/imap/describe.h"
#include "lib/message/header.h"
#include "lib/message/structure.h"
#include "lib/store/maildir/expunge_log.h"
#include "lib/store/maildir/name.h"
#include "lib/store/maildir/sync.h"
#include "lib/store/maildir/uid_list.h"
#include "lib/store/maildir/watch.h"
#include "lib/store/trouble.h"

namespace store {
namespace {

constexpr std::size_t kReadAtOnce = 256 * 1024;  // larger files are mapped
constexpr std::size_t kFirstHeaderRead = 8192;
constexpr std::size_t kMaxHeader = 1024 * 1024;
constexpr std::size_t kMaxPending = 1000;
constexpr std::size_t kMaxPendingOctets = 1024 * 1024;
constexpr int kReadMessage = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr int kMostRenames = 20;                    // of one file while it is looked for
constexpr std::int64_t kLatestDate = 253402300799;  // 31 December 9999: four digits are all IMAP has

std::int64_t count_bare_feeds(std::string_view text) {
    std::int64_t count = 0;
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
        if (at == 0 || text[at - 1] != '\r')
            ++count;
    }
    return count;
}

std::string read_up_to(int file, std::size_t limit, const std::string& name) {
    std::string text(limit, '\0');
    std::size_t have = 0;
    while (have < limit) {
        ssize_t n = pread(file, text.data() + have, limit - have, static_cast<off_t>(have));
        if (n < 0)
            system_trouble(name + ": read message");
        if (n == 0)
            break;
        have += static_cast<std::size_t>(n);
    }
    text.resize(have);
    return text;
}

}  // namespace

std::int64_t clamp_date(std::int64_t date) { return std::clamp<std::int64_t>(date, 0, kLatestDate); }

MaildirMailbox::Writing::Writing(std::shared_ptr<Index> opened, const MaildirMailbox& mailbox)
    : index(std::move(opened)), txn(*index, true) {
    if (std::optional<BoxRecord> found = txn.find_box(mailbox.directory()))
        box = std::move(*found);
}

MaildirMailbox::MaildirMailbox(
    std::shared_ptr<MaildirAccount> account, std::string name, std::string directory, std::shared_ptr<Folder> folder)
    : account_(std::move(account)), name_(std::move(name)), directory_(std::move(directory)), folder_(std::move(folder)) {}

MaildirMailbox::~MaildirMailbox() { rest(); }

void MaildirMailbox::require_current() const {
    if (directory_ != "." && !folder_->is_current(account_->root()))
        trouble(Failure::Kind::not_found, name_ + ": the mailbox was deleted");
}

std::optional<BoxRecord> MaildirMailbox::read_if_clean() {
    reading_.reset();
    std::optional<BoxRecord> box = reading().txn.find_box(directory_);
    reading_.reset();
    if (!box || !is_clean(box->state))
        return std::nullopt;
    return box;
}

Result<void> MaildirMailbox::refresh() {
    return account_->attempt([&] {
        require_current();
        std::optional<BoxRecord> box = read_if_clean();
        if (!box) {
            std::unique_ptr<Writing> writing = begin_change(true);
            finish_change(*writing);
            return;
        }
        if (uid_validity_ != 0 && box->state.uid_validity != uid_validity_)
            trouble(Failure::Kind::not_found, name_ + ": the mailbox was replaced by another");
        uid_validity_ = box->state.uid_validity;
        box_ = std::move(*box);
    });
}

std::unique_ptr<MaildirMailbox::Writing> MaildirMailbox::begin_change(bool scan) {
    flush_pending();
    reading_.reset();
    require_current();
    std::shared_ptr<Index> index = account_->index();
    auto writing = std::make_unique<Writing>(index, *this);
    Index::Intent left = index->intent();
    bool settled = left.box == 0 || (left.box == writing->box.state.id && left.uid < writing->box.state.uid_next);
    if (!settled) {
        writing.reset();
        index->settle_intent();
        writing = std::make_unique<Writing>(index, *this);
    }
    BoxState& state = writing->box.state;
    struct stat info {};
    UidList list(folder_->self(), name_);
    bool list_known = list.identity(info) && info.st_ino == state.list_inode && info.st_size == state.list_size;
    if (scan || !state.scanned || state.unsettled_uid != 0 || !list_known)
        Sync(*this, writing->txn, writing->box).run(false);
    if (uid_validity_ != 0 && state.uid_validity != uid_validity_)
        trouble(Failure::Kind::not_found, name_ + ": the mailbox was replaced by another");
    uid_validity_ = state.uid_validity;
    return writing;
}

void MaildirMailbox::finish_change(Writing& writing) {
    writing.txn.put_box(directory_, writing.box);
    writing.txn.commit();
    writing.index->clear_intent(writing.intent);
    box_ = writing.box;
}

MaildirMailbox::Reading& MaildirMailbox::reading() {
    if (!reading_)
        reading_ = std::make_unique<Reading>(account_->index());
    return *reading_;
}

void MaildirMailbox::rest() {
    // What cannot be stored now is computed again some day.
    (void)account_->attempt([&] { flush_pending(); });
    reading_.reset();
    answer_ = std::string();
}

Result<MailboxStatus> MaildirMailbox::status() {
    return account_->attempt([&] {
        const BoxState& state = box_.state;
        MailboxStatus status;
        status.messages = state.messages;
        status.unseen = state.unseen;
        status.uid_next = state.uid_next;
        status.uid_validity = state.uid_validity;
        status.highest_modseq = state.highest_modseq;
        if (state.first_recent < state.uid_next)
            reading().txn.each_mail(state.id, state.first_recent, [&](std::uint32_t, const MailRecord&) {
                ++status.recent;
                return true;
            });
        if (state.unseen == 0)
            return status;
        if (state.first_unseen_uid != 0) {
            status.first_unseen = state.first_unseen_sequence;
            return status;
        }
        reading().txn.each_listed(state.id, [&status](const Message* first, std::size_t count) {
            for (std::size_t i = 0; i < count; ++i) {
                ++status.first_unseen;
                if (!(first[i].flags & kSeen))
                    return false;
            }
            return true;
        });
        return status;
    });
}

Result<std::vector<Message>> MaildirMailbox::messages() {
    return account_->attempt([&] {
        std::vector<Message> list;
        list.reserve(box_.state.messages + 16);
        // A fresh snapshot, with the generation that belongs to it.
        flush_pending();
        reading_.reset();
        std::optional<BoxRecord> box = reading().txn.find_box(directory_);
        if (!box || box->state.uid_validity != uid_validity_)
            trouble(Failure::Kind::not_found, name_ + ": the mailbox was deleted");
        box_ = std::move(*box);
        reading().txn.list_mail(box_.state.id, list);
        return list;
    });
}

Result<std::optional<std::vector<UidRange>>> MaildirMailbox::expunged_since(Modseq modseq) {
    return account_->attempt([&] {
        flush_pending();
        reading_.reset();
        std::optional<BoxRecord> box = reading().txn.find_box(directory_);
        if (!box || box->state.uid_validity != uid_validity_)
            trouble(Failure::Kind::not_found, name_ + ": the mailbox was deleted");
        return ExpungeLog(reading().txn, box->state).since(modseq);
    });
}

bool MaildirMailbox::takes_keywords() const {
    auto is_free = [](const std::string& keyword) { return keyword.empty(); };
    return box_.keywords.size() < kMaxKeywords || std::any_of(box_.keywords.begin(), box_.keywords.end(), is_free);
}

Result<std::uint32_t> MaildirMailbox::claim_recent() {
    return account_->attempt([&]() -> std::uint32_t {
        if (box_.state.first_recent >= box_.state.uid_next && box_.state.in_new == 0)
            return box_.state.uid_next;
        std::unique_ptr<Writing> writing = begin_change(false);
        BoxState& state = writing->box.state;
        std::uint32_t first = state.first_recent;
        state.first_recent = state.uid_next;
        // Messages that a session has been told of are no longer new: to cur/ they go (maildir(5)).
        std::vector<std::pair<std::uint32_t, std::string>> arrivals;
        if (state.in_new > 0) {
            // They are the last ones, nearly always.
            std::uint32_t from = first > state.in_new ? std::min(first, state.uid_next - state.in_new) : 0;
            for (bool again = true; again; from = 0) {
                arrivals.clear();
                writing->txn.each_mail(state.id, from, [&](std::uint32_t uid, const MailRecord& record) {
                    if (record.state.in_new)
                        arrivals.emplace_back(uid, record.name);
                    return true;
                });
                again = arrivals.size() < state.in_new && from != 0;
            }
        }
        OwnChange cur(folder_->cur(), state.cur_time, state.cur_racy);
        OwnChange fresh(folder_->fresh(), state.new_time, state.new_racy);
        for (const auto& [uid, old_name] : arrivals) {
            MailState mail = writing->txn.find_mail(state.id, uid)->state;
            std::string name = std::string(maildir_base(old_name)) + maildir_info(mail.flags);
            if (renameat(folder_->fresh(), old_name.c_str(), folder_->cur(), name.c_str()) != 0)
                continue;  // gone or renamed: the next look at the directories tells
            mail.in_new = 0;
            --state.in_new;
            writing->txn.put_mail(state.id, uid, mail, name);
        }
        if (!arrivals.empty()) {
            cur.done();
            fresh.done();
        }
        finish_change(*writing);
        return first;
    });
}

MaildirMailbox::Located MaildirMailbox::locate(std::uint32_t uid) {
    std::optional<MailRecord> record = reading().txn.find_mail(box_.state.id, uid);
    if (!record)
        trouble(Failure::Kind::not_found, name_ + ": the message was expunged");
    return {record->state, std::string(record->name)};
}

event::Fd MaildirMailbox::open_message(std::uint32_t uid, Located& located) {
    event::Fd file(openat(folder_->part(located.state.in_new != 0), located.name.c_str(), kReadMessage));
    if (!file && errno == ENOENT)
        return open_again(uid, located);
    if (!file)
        system_trouble(name_ + ": open " + located.name);
    return file;
}

// After somebody renamed or removed the file. It is opened under the lock, where no other session can rename it; a program
// that knows no lock may do so a few times in a row.
event::Fd MaildirMailbox::open_again(std::uint32_t uid, Located& located) {
    // What others changed is told at the next refresh(), not in the middle of a command.
    const Modseq seen = box_.state.highest_modseq;
    event::Fd file;
    for (int attempt = 0; attempt < kMostRenames && !file; ++attempt) {
        std::unique_ptr<Writing> writing = begin_change(false);
        Sync(*this, writing->txn, writing->box).run(true);
        std::optional<MailRecord> record = writing->txn.find_mail(writing->box.state.id, uid);
        int error = ENOENT;
        if (record) {
            located = {record->state, std::string(record->name)};
            file = event::Fd(openat(folder_->part(located.state.in_new != 0), located.name.c_str(), kReadMessage));
            error = errno;
        }
        finish_change(*writing);
        box_.state.highest_modseq = seen;
        if (!record)
            trouble(Failure::Kind::not_found, name_ + ": the message was expunged");
        if (!file && error != ENOENT)
            system_trouble(name_ + ": open " + located.name, error);
    }
    if (!file)
        trouble(Failure::Kind::temporary, name_ + ": " + located.name + " is renamed again and again");
    return file;
}

Content MaildirMailbox::read_whole(std::uint32_t uid) {
    Located located = locate(uid);
    event::Fd file = open_message(uid, located);
    struct stat info {};
    if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
        trouble(Failure::Kind::temporary, name_ + ": " + located.name + " is not a regular file");
    auto size = static_cast<std::size_t>(info.st_size);
    if (located.state.date == MailState::kUnknown)
        pending(uid).date = clamp_date(info.st_mtim.tv_sec);
    if (size <= kReadAtOnce)
        return Content(read_up_to(file.get(), size, name_));
    void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (mapped == MAP_FAILED)
        system_trouble(name_ + ": map " + located.name);
    return Content(mapped, size);
}

Content MaildirMailbox::read_header(std::uint32_t uid) {
    Located located = locate(uid);
    event::Fd file = open_message(uid, located);
    for (std::size_t limit = kFirstHeaderRead;; limit *= 8) {
        std::string text = read_up_to(file.get(), limit, name_);
        if (text.size() < limit || message::header_length(text) < text.size() || limit >= kMaxHeader)
            return Content(std::move(text));
    }
}

Result<Content> MaildirMailbox::content(std::uint32_t uid) {
    return account_->attempt([&] { return read_whole(uid); });
}

Result<Content> MaildirMailbox::header(std::uint32_t uid) {
    return account_->attempt([&] { return read_header(uid); });
}

Result<std::int64_t> MaildirMailbox::internal_date(std::uint32_t uid) {
    return account_->attempt([&]() -> std::int64_t {
        Located located = locate(uid);
        if (located.state.date != MailState::kUnknown)
            return located.state.date;
        Pending& computed = pending(uid);
        if (computed.date != MailState::kUnknown)
            return computed.date;
        struct stat info {};
        int directory = folder_->part(located.state.in_new != 0);
        if (fstatat(directory, located.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
            event::Fd file = open_again(uid, located);
            if (fstat(file.get(), &info) != 0)
                system_trouble(name_ + ": stat " + located.name);
        }
        std::int64_t date = clamp_date(info.st_mtim.tv_sec);
        pending(uid).date = date;
        return date;
    });
}

Result<std::uint64_t> MaildirMailbox::virtual_size(std::uint32_t uid) {
    return account_->attempt([&]() -> std::uint64_t {
        Located located = locate(uid);
        if (located.state.virtual_size != MailState::kUnknown)
            return static_cast<std::uint64_t>(located.state.virtual_size);
        if (std::int64_t computed = pending(uid).virtual_size; computed != MailState::kUnknown)
            return static_cast<std::uint64_t>(computed);
        Content content = read_whole(uid);
        std::string_view text = content.text();
        std::int64_t size = static_cast<std::int64_t>(text.size()) + count_bare_feeds(text);
        pending(uid).virtual_size = size;
        return static_cast<std::uint64_t>(size);
    });
}

Result<std::string_view> MaildirMailbox::answer(std::uint32_t uid, Answer which) {
    return account_->attempt([&]() -> std::string_view {
        std::optional<CacheRecord> cache = reading().txn.find_cache(box_.state.id, uid);
        if (cache) {
            std::string_view found = which == Answer::envelope ? cache->envelope
                                     : which == Answer::body   ? cache->body
                                                               : cache->body_structure;
            if (!found.empty())
                return found;
        }
        return compute(uid, which);
    });
}

std::string_view MaildirMailbox::compute(std::uint32_t uid, Answer which) {
    auto field = [which](Pending& computed) -> std::string& {
        return which == Answer::envelope ? computed.envelope
               : which == Answer::body   ? computed.body
                                         : computed.body_structure;
    };
    if (std::string& known = field(pending(uid)); !known.empty())
        return known;
    if (which == Answer::envelope) {
        Content content = read_header(uid);
        Pending& computed = pending(uid);
        computed.envelope = imap::format_envelope(content.text());
        pending_octets_ += computed.envelope.size();
    } else {
        Content content = read_whole(uid);
        message::Structure structure = message::parse_structure(content.text());
        Pending& computed = pending(uid);
        computed.virtual_size = static_cast<std::int64_t>(structure.root().end.octets());
        computed.body = imap::format_body_structure(structure, content.text(), false);
        computed.body_structure = imap::format_body_structure(structure, content.text(), true);
        if (computed.envelope.empty())
            computed.envelope = imap::format_envelope(content.text());
        pending_octets_ += computed.body.size() + computed.body_structure.size() + computed.envelope.size();
    }
    answer_ = field(pending(uid));
    return answer_;
}

// The entry for what is computed about a message; messages are asked for one after another.
MaildirMailbox::Pending& MaildirMailbox::pending(std::uint32_t uid) {
    if (!pending_.empty() && pending_.back().uid == uid)
        return pending_.back();
    if (pending_.size() >= kMaxPending || pending_octets_ >= kMaxPendingOctets)
        flush_pending();
    pending_.push_back({});
    pending_.back().uid = uid;
    return pending_.back();
}

void MaildirMailbox::flush_pending() {
    std::vector<Pending> all = std::move(pending_);
    pending_.clear();
    pending_octets_ = 0;
    std::erase_if(all, [](const Pending& entry) {
        return entry.date == MailState::kUnknown && entry.virtual_size == MailState::kUnknown && entry.envelope.empty() &&
               entry.body.empty();
    });
    if (all.empty())
        return;
    reading_.reset();
    std::shared_ptr<Index> index = account_->index();
    Txn txn(*index, true);
    std::optional<BoxRecord> box = txn.find_box(directory_);
    if (!box || box->state.uid_validity != uid_validity_)
        return;
    std::uint32_t id = box->state.id;
    for (const Pending& entry : all) {
        std::optional<MailRecord> record = txn.find_mail(id, entry.uid);
        if (!record)
            continue;
        if (entry.date != MailState::kUnknown || entry.virtual_size != MailState::kUnknown) {
            MailState state = record->state;
            std::string name(record->name);
            if (entry.date != MailState::kUnknown)
                state.date = entry.date;
            if (entry.virtual_size != MailState::kUnknown)
                state.virtual_size = entry.virtual_size;
            txn.put_mail(id, entry.uid, state, name);
        }
        if (entry.envelope.empty() && entry.body.empty())
            continue;
        std::string envelope = entry.envelope, body = entry.body, body_structure = entry.body_structure;
        if (std::optional<CacheRecord> old = txn.find_cache(id, entry.uid)) {
            if (envelope.empty())
                envelope = old->envelope;
            if (body.empty())
                body = old->body;
            if (body_structure.empty())
                body_structure = old->body_structure;
        }
        txn.put_cache(id, entry.uid, {envelope, body, body_structure});
    }
    txn.commit();
}

std::unique_ptr<Watch> MaildirMailbox::watch() { return std::make_unique<MaildirWatch>(folder_); }

}  // namespace store
