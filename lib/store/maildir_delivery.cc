#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "lib/store/delivery.h"
#include "lib/store/maildir_mailbox.h"
#include "lib/store/maildir_name.h"
#include "lib/store/trouble.h"
#include "lib/store/uid_list.h"

namespace store {

constexpr std::size_t kBuffer = 65536;
constexpr std::uint32_t kLastUid = UINT32_MAX - 1;

// tmp/x is written; then, under the lock, one rename gives it its name and UID; then one sync of the file
// makes content, name and UID durable together.
class MaildirDelivery final : public Delivery {
  public:
    MaildirDelivery(std::shared_ptr<MaildirAccount> account, const MaildirMailbox& mailbox)
        : account_(account),
          mailbox_(std::move(account), mailbox.name(), mailbox.directory(), mailbox.folder()),
          unique_(unique_maildir_name()) {}

    ~MaildirDelivery() override {
        if (file_ && !committed_)
            unlinkat(mailbox_.folder()->tmp(), unique_.c_str(), 0);
    }

    Result<void> open() {
        return account_->attempt([&] {
            constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
            file_ = event::Fd(openat(mailbox_.folder()->tmp(), unique_.c_str(), kFlags, 0600));
            if (!file_)
                system_trouble(mailbox_.name() + ": create file in tmp");
        });
    }

    Result<void> write(std::string_view chunk) override {
        return account_->attempt([&] {
            count(chunk);
            if (buffer_.size() + chunk.size() < kBuffer) {
                buffer_ += chunk;
                return;
            }
            put(buffer_);
            buffer_.clear();
            put(chunk);
        });
    }

    Result<Delivered> commit(const Options& options) override {
        return account_->attempt([&] {
            put(buffer_);
            buffer_.clear();
            if (options.date)
                set_date(*options.date);
            Delivered delivered = publish(options);
            if (fsync(file_.get()) != 0) {
                int error = errno;
                unlinkat(target_, name_.c_str(), 0);
                system_trouble(mailbox_.name() + ": sync message", error);
            }
            return delivered;
        });
    }

  private:
    void count(std::string_view chunk) {
        size_ += chunk.size();
        for (std::size_t at = chunk.find('\n'); at != std::string_view::npos; at = chunk.find('\n', at + 1)) {
            char before = at == 0 ? last_ : chunk[at - 1];
            if (before != '\r')
                ++bare_;
        }
        if (!chunk.empty())
            last_ = chunk.back();
    }

    void put(std::string_view octets) {
        while (!octets.empty()) {
            ssize_t n = ::write(file_.get(), octets.data(), octets.size());
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                system_trouble(mailbox_.name() + ": write message");
            octets.remove_prefix(static_cast<std::size_t>(n));
        }
    }

    void set_date(std::int64_t date) {
        timespec times[2] = {{date, 0}, {date, 0}};
        if (futimens(file_.get(), times) != 0)
            system_trouble(mailbox_.name() + ": set date of message");
    }

    Delivered publish(const Options& options) {
        std::unique_ptr<MaildirMailbox::Writing> writing = mailbox_.begin_change(false);
        BoxState& state = writing->box.state;
        if (state.uid_next > kLastUid)
            trouble(Failure::Kind::temporary, mailbox_.name() + ": all UIDs are used up");
        Flags flags = options.flags;
        mailbox_.adopt_keywords(*writing, options.keywords, flags);
        std::uint32_t uid = state.uid_next;
        reserve_uids(mailbox_, state, uid);

        std::string base = fmt::format("{},S={},W={},U={}", unique_, size_, size_ + bare_, uid);
        bool in_new = options.arrival && flags == 0;
        std::string name = in_new ? base : base + maildir_info(flags);
        target_ = mailbox_.folder()->part(in_new);
        OwnChange change(target_, in_new ? state.new_time : state.cur_time, in_new ? state.new_racy : state.cur_racy);
        writing->intent = {state.id, uid};
        writing->index->set_intent(writing->intent);
        if (renameat(mailbox_.folder()->tmp(), unique_.c_str(), target_, name.c_str()) != 0)
            system_trouble(mailbox_.name() + ": rename message");
        name_ = std::move(name);
        committed_ = true;
        try {
            record(*writing, options, flags, uid, base, change);
        } catch (...) {
            // Nothing of it may be seen: it goes back, and perhaps is tried once more.
            renameat(target_, name_.c_str(), mailbox_.folder()->tmp(), unique_.c_str());
            committed_ = false;
            throw;
        }
        return {uid, writing->box.state.uid_validity};
    }

    void record(MaildirMailbox::Writing& writing, const Options& options, Flags flags, std::uint32_t uid,
        const std::string& base, OwnChange& change) {
        BoxState& state = writing.box.state;
        change.done();
        UidList list(mailbox_.folder()->self(), mailbox_.name());
        list.append({{uid, base}}, false);
        struct stat info {};
        if (list.identity(info)) {
            state.list_inode = info.st_ino;
            state.list_size = info.st_size;
        }
        ++state.list_lines;

        MailState mail;
        mail.flags = flags;
        mail.in_new = target_ == mailbox_.folder()->fresh() ? 1 : 0;
        mail.size = static_cast<std::int64_t>(size_);
        mail.virtual_size = static_cast<std::int64_t>(size_ + bare_);
        if (options.date)
            mail.date = std::clamp<std::int64_t>(*options.date, 0, 253402300799);
        if (state.unseen == 0 && !(flags & kSeen)) {
            state.first_unseen_uid = uid;
            state.first_unseen_sequence = state.messages + 1;
        }
        writing.txn.put_mail(state.id, uid, mail, name_);
        ++state.messages;
        state.unseen += (flags & kSeen) ? 0 : 1;
        state.in_new += mail.in_new;
        state.uid_next = uid + 1;
        ++state.generation;
        mailbox_.finish_change(writing);
    }

    std::shared_ptr<MaildirAccount> account_;
    MaildirMailbox mailbox_;
    std::string unique_;
    std::string name_;
    event::Fd file_;
    int target_ = -1;
    std::string buffer_;
    std::uint64_t size_ = 0;
    std::uint64_t bare_ = 0;
    char last_ = 0;
    bool committed_ = false;
};

Result<std::unique_ptr<Delivery>> MaildirMailbox::deliver() {
    auto delivery = std::make_unique<MaildirDelivery>(account_, *this);
    if (Result<void> opened = delivery->open(); !opened)
        return std::unexpected(opened.error());
    return delivery;
}

}  // namespace store
