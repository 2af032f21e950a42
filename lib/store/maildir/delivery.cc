#include <algorithm>

#include "lib/store/maildir/mailbox.h"
#include "lib/store/maildir/message_file.h"
#include "lib/store/maildir/name.h"
#include "lib/store/maildir/sync.h"
#include "lib/store/maildir/uid_list.h"
#include "lib/store/thrown_failure.h"
#include "lib/text/append.h"

namespace store {

// Under the lock, one rename gives the file its name and UID; then one sync makes content, name and UID durable together.
class MaildirDelivery final : public Delivery {
  public:
    MaildirDelivery(std::shared_ptr<MaildirAccount> account, const MaildirMailbox& mailbox)
        : account_(account), mailbox_(std::move(account), mailbox.name(), mailbox.directory(), mailbox.folder()) {}

    Result<void> open() {
        return account_->attempt([&] { file_.emplace(mailbox_.folder(), mailbox_.name()); });
    }

    Result<void> write(std::string_view chunk) override {
        return account_->attempt([&] { file_->write(chunk); });
    }

    Result<Delivered> commit(const Options& options) override {
        return account_->attempt([&] {
            if (options.date)
                file_->set_date(*options.date);
            Delivered delivered = publish(options);
            file_->sync();
            return delivered;
        });
    }

  private:
    Delivered publish(const Options& options) {
        std::unique_ptr<MaildirMailbox::Writing> writing = mailbox_.begin_change(false);
        BoxState& state = writing->box.state;
        if (state.uid_next > kLastUid)
            trouble(Failure::Kind::temporary, mailbox_.name() + ": all UIDs are used up");
        MailState mail;
        mail.flags = options.flags;
        mailbox_.adopt_keywords(writing->box, options.keywords, mail.flags);
        std::uint32_t uid = state.uid_next;
        promise(mailbox_, state, uid);
        mail.modseq = next_modseq(mailbox_, state);
        mail.in_new = options.arrival && mail.flags == 0 ? 1 : 0;
        mail.size = static_cast<std::int64_t>(file_->size());
        mail.virtual_size = static_cast<std::int64_t>(file_->virtual_size());
        if (options.date)
            mail.date = clamp_date(*options.date);

        std::string base = file_->base_name();
        text::append(base, ",U={}", uid);
        bool in_new = mail.in_new != 0;
        int directory = mailbox_.folder()->part(in_new);
        OwnChange change(directory, in_new ? state.new_time : state.cur_time, in_new ? state.new_racy : state.cur_racy);
        writing->intent = {state.id, uid};
        writing->index->set_intent(writing->intent);
        std::string name = in_new ? base : base + maildir_info(mail.flags);
        file_->publish(directory, name);
        try {
            change.done();
            UidList(mailbox_.folder()->self(), mailbox_.name()).append({{uid, base}}, false);
            note_uid_list(mailbox_, state);
            ++state.list_lines;
            record(*writing, uid, mail, name);
            mailbox_.finish_change(*writing);
        } catch (...) {
            // Nothing of it may be seen: it goes back, and perhaps is tried once more.
            file_->retract();
            throw;
        }
        return {uid, writing->box.state.uid_validity};
    }

    static void record(MaildirMailbox::Writing& writing, std::uint32_t uid, const MailState& mail, std::string_view name) {
        BoxState& state = writing.box.state;
        bool seen = (mail.flags & kSeen) != 0;
        if (state.unseen == 0 && !seen) {
            state.first_unseen_uid = uid;
            state.first_unseen_sequence = state.messages + 1;
        }
        writing.txn.put_mail(state.id, uid, mail, name);
        ++state.messages;
        state.unseen += seen ? 0 : 1;
        state.in_new += mail.in_new;
        state.uid_next = uid + 1;
    }

    std::shared_ptr<MaildirAccount> account_;
    MaildirMailbox mailbox_;
    std::optional<MessageFile> file_;
};

Result<std::unique_ptr<Delivery>> MaildirMailbox::deliver() {
    auto delivery = std::make_unique<MaildirDelivery>(account_, *this);
    if (Result<void> opened = delivery->open(); !opened)
        return std::unexpected(opened.error());
    return delivery;
}

}  // namespace store
