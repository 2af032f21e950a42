// An account that lies in memory: another kind of storage, to see that nothing above lib/store minds which it is.
#pragma once

#include <algorithm>
#include <ctime>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/imap/describe.h"
#include "lib/message/structure.h"
#include "lib/store/account.h"

namespace store_test {

struct MemoryMessage {
    store::Message message;
    std::string text;
    std::int64_t date = 0;
};

struct MemoryBox {
    std::map<std::uint32_t, MemoryMessage> messages;
    std::vector<std::string> keywords;
    std::uint32_t uid_validity = 1, uid_next = 1, first_recent = 1;
    store::Modseq modseq = 1;
    std::vector<std::pair<store::Modseq, std::uint32_t>> gone;

    // The number, not the bit's place in file names: this kind has no files.
    store::Flags bits_of(const std::vector<std::string>& wanted) {
        store::Flags bits = 0;
        for (const std::string& keyword : wanted) {
            auto found = std::find(keywords.begin(), keywords.end(), keyword);
            if (found == keywords.end())
                found = keywords.insert(keywords.end(), keyword);
            bits |= store::keyword_bit(static_cast<std::size_t>(found - keywords.begin()));
        }
        return bits;
    }

    std::uint32_t add(std::string text, store::Flags flags, std::int64_t date) {
        std::uint32_t uid = uid_next++;
        messages[uid] = {{uid, flags, ++modseq}, std::move(text), date};
        return uid;
    }
};

inline std::unexpected<store::Failure> no_such(const char* what) {
    return std::unexpected(store::Failure{store::Failure::Kind::not_found, std::string("no such ") + what});
}

class MemoryDelivery final : public store::Delivery {
  public:
    explicit MemoryDelivery(std::shared_ptr<MemoryBox> box) : box_(std::move(box)) {}
    store::Result<void> write(std::string_view chunk) override {
        text_ += chunk;
        return {};
    }
    store::Result<Delivered> commit(const Options& options) override {
        store::Flags flags = options.flags | box_->bits_of(options.keywords);
        return Delivered{box_->add(std::move(text_), flags, options.date.value_or(std::time(nullptr))), box_->uid_validity};
    }

  private:
    std::shared_ptr<MemoryBox> box_;
    std::string text_;
};

class NoWatch final : public store::Watch {
  public:
    int descriptor() const override { return -1; }
    bool changed() override { return true; }
};

class MemoryMailbox final : public store::Mailbox {
  public:
    MemoryMailbox(const store::Account& account, std::string name, std::shared_ptr<MemoryBox> box)
        : account_(account), name_(std::move(name)), box_(std::move(box)) {}

    const std::string& name() const override { return name_; }
    const store::Account& account() const override { return account_; }
    store::Result<void> refresh() override { return {}; }
    store::Modseq highest_modseq() const override { return box_->modseq; }
    const std::vector<std::string>& keywords() const override { return box_->keywords; }
    bool takes_keywords() const override { return true; }

    store::Result<store::MailboxStatus> status() override {
        store::MailboxStatus status;
        for (const auto& [uid, one] : box_->messages) {
            ++status.messages;
            status.recent += uid >= box_->first_recent ? 1 : 0;
            if (!(one.message.flags & store::kSeen) && status.unseen++ == 0)
                status.first_unseen = status.messages;
        }
        status.uid_next = box_->uid_next;
        status.uid_validity = box_->uid_validity;
        status.highest_modseq = box_->modseq;
        return status;
    }

    store::Result<std::vector<store::Message>> messages() override {
        std::vector<store::Message> list;
        for (const auto& [uid, one] : box_->messages)
            list.push_back(one.message);
        return list;
    }

    store::Result<std::optional<std::vector<store::UidRange>>> expunged_since(store::Modseq modseq) override {
        std::vector<store::UidRange> ranges;
        for (const auto& [when, uid] : box_->gone) {
            if (when > modseq)
                ranges.push_back({uid, uid});
        }
        return ranges;
    }

    store::Result<std::uint32_t> claim_recent() override { return std::exchange(box_->first_recent, box_->uid_next); }

    store::Result<std::int64_t> internal_date(std::uint32_t uid) override {
        auto found = box_->messages.find(uid);
        if (found == box_->messages.end())
            return no_such("message");
        return found->second.date;
    }

    store::Result<std::uint64_t> virtual_size(std::uint32_t uid) override {
        auto found = box_->messages.find(uid);
        if (found == box_->messages.end())
            return no_such("message");
        return message::parse_structure(found->second.text).root().end.octets();
    }

    store::Result<store::Content> content(std::uint32_t uid) override {
        auto found = box_->messages.find(uid);
        if (found == box_->messages.end())
            return no_such("message");
        return store::Content(found->second.text);
    }
    store::Result<store::Content> header(std::uint32_t uid) override { return content(uid); }

    store::Result<std::string_view> answer(std::uint32_t uid, store::Answer which) override {
        auto found = box_->messages.find(uid);
        if (found == box_->messages.end())
            return no_such("message");
        const std::string& text = found->second.text;
        bool extended = which == store::Answer::body_structure;
        answer_ = which == store::Answer::envelope
                      ? imap::format_envelope(text)
                      : imap::format_body_structure(message::parse_structure(text), text, extended);
        return std::string_view(answer_);
    }

    store::Result<std::vector<store::Message>> change_flags(const std::vector<std::uint32_t>& uids, store::FlagChange change,
        store::Flags flags, const std::vector<std::string>& keywords) override {
        store::Flags bits = flags | box_->bits_of(keywords);
        std::vector<store::Message> changed;
        ++box_->modseq;
        for (std::uint32_t uid : uids) {
            auto found = box_->messages.find(uid);
            if (found == box_->messages.end())
                continue;
            store::Message& message = found->second.message;
            message.flags = change == store::FlagChange::add      ? message.flags | bits
                            : change == store::FlagChange::remove ? message.flags & ~bits
                                                                  : bits;
            message.modseq = box_->modseq;
            changed.push_back(message);
        }
        return changed;
    }

    store::Result<void> expunge(const std::vector<std::uint32_t>& uids) override {
        ++box_->modseq;
        for (std::uint32_t uid : uids) {
            if (box_->messages.erase(uid) > 0)
                box_->gone.emplace_back(box_->modseq, uid);
        }
        return {};
    }

    store::Result<std::unique_ptr<store::Delivery>> deliver() override { return std::make_unique<MemoryDelivery>(box_); }
    std::unique_ptr<store::Watch> watch() override { return std::make_unique<NoWatch>(); }
    void rest() override {}

  private:
    store::Result<store::Copied> transfer(
        const std::vector<std::uint32_t>& uids, store::Mailbox& target, bool remove) override {
        MemoryBox& to = *static_cast<MemoryMailbox&>(target).box_;
        store::Copied copied;
        copied.uid_validity = to.uid_validity;
        for (std::uint32_t uid : uids) {
            if (!box_->messages.contains(uid))
                return no_such("message");
        }
        for (std::uint32_t uid : uids) {
            MemoryMessage one = box_->messages[uid];
            copied.from.push_back(uid);
            copied.to.push_back(to.add(one.text, one.message.flags, one.date));
        }
        if (remove)
            (void)expunge(uids);
        return copied;
    }

    const store::Account& account_;
    std::string name_;
    std::shared_ptr<MemoryBox> box_;
    std::string answer_;
};

class MemoryAccount final : public store::Account {
  public:
    MemoryAccount() { boxes_["INBOX"] = std::make_shared<MemoryBox>(); }

    char separator() const override { return '/'; }
    store::Result<std::vector<std::string>> list() override {
        std::vector<std::string> names;
        for (const auto& [name, box] : boxes_)
            names.push_back(name);
        return names;
    }
    store::Result<std::unique_ptr<store::Mailbox>> open(std::string_view name) override {
        auto found = boxes_.find(name == "inbox" ? "INBOX" : std::string(name));
        if (found == boxes_.end())
            return no_such("mailbox");
        return std::make_unique<MemoryMailbox>(*this, found->first, found->second);
    }
    store::Result<void> create(std::string_view name) override {
        auto box = std::make_shared<MemoryBox>();
        box->uid_validity = ++last_validity_;
        boxes_.emplace(name, box);
        return {};
    }
    store::Result<void> remove(std::string_view name) override {
        if (boxes_.erase(std::string(name)) == 0)
            return no_such("mailbox");
        return {};
    }
    store::Result<void> rename(std::string_view from, std::string_view to) override {
        auto node = boxes_.extract(std::string(from));
        if (!node)
            return no_such("mailbox");
        node.key() = to;
        boxes_.insert(std::move(node));
        return {};
    }
    store::Result<std::vector<std::string>> subscriptions() override {
        return std::vector<std::string>(subscribed_.begin(), subscribed_.end());
    }
    store::Result<void> subscribe(std::string_view name, bool wanted) override {
        if (wanted)
            subscribed_.emplace(name);
        else
            subscribed_.erase(std::string(name));
        return {};
    }
    void rest() override {}

  private:
    std::map<std::string, std::shared_ptr<MemoryBox>> boxes_;
    std::set<std::string> subscribed_;
    std::uint32_t last_validity_ = 1;
};

}  // namespace store_test
