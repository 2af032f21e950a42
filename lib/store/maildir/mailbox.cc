#include "lib/store/maildir/mailbox.h"

#include <algorithm>

#include "lib/store/maildir/expunge_log.h"
#include "lib/store/maildir/name.h"
#include "lib/store/maildir/sync.h"
#include "lib/store/maildir/uid_list.h"
#include "lib/store/maildir/watch.h"
#include "lib/store/thrown_failure.h"

namespace store {

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
    if (scan || !state.scanned || state.unsettled_uid != 0 || !is_known_uid_list(*this, state))
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

std::unique_ptr<Watch> MaildirMailbox::watch() { return std::make_unique<MaildirWatch>(folder_); }

}  // namespace store
