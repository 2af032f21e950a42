#include "lib/store/mailbox.h"

#include <sys/mman.h>

#include <algorithm>

namespace store {
namespace {

// One message into another account, with its flags and date.
Result<Delivery::Delivered> deliver_copy(Mailbox& from, const Message& message, Mailbox& target) {
    Result<Content> content = from.content(message.uid);
    if (!content)
        return std::unexpected(content.error());
    Delivery::Options options;
    options.arrival = false;
    options.flags = message.flags & kSystemFlags;
    for (std::size_t k = 0; k < from.keywords().size(); ++k) {
        if (message.flags & keyword_bit(k))
            options.keywords.push_back(from.keywords()[k]);
    }
    if (Result<std::int64_t> date = from.internal_date(message.uid))
        options.date = *date;
    Result<std::unique_ptr<Delivery>> delivery = target.deliver();
    if (!delivery)
        return std::unexpected(delivery.error());
    if (Result<void> written = (*delivery)->write(content->text()); !written)
        return std::unexpected(written.error());
    return (*delivery)->commit(options);
}

// Each message is delivered there; if one cannot be, those before it go again.
Result<Copied> copy_to_another_account(Mailbox& from, const std::vector<std::uint32_t>& uids, Mailbox& target) {
    Result<std::vector<Message>> all = from.messages();
    if (!all)
        return std::unexpected(all.error());
    Copied copied;
    for (std::uint32_t uid : uids) {
        auto by_uid = [](const Message& message, std::uint32_t wanted) { return message.uid < wanted; };
        auto found = std::lower_bound(all->begin(), all->end(), uid, by_uid);
        Result<Delivery::Delivered> delivered = std::unexpected(
            Failure{Failure::Kind::not_found, from.name() + ": a message was expunged meanwhile"});
        if (found != all->end() && found->uid == uid)
            delivered = deliver_copy(from, *found, target);
        if (!delivered) {
            if (Result<void> undone = target.expunge(copied.to); !undone)
                return std::unexpected(undone.error());
            return std::unexpected(delivered.error());
        }
        copied.uid_validity = delivered->uid_validity;
        copied.from.push_back(uid);
        copied.to.push_back(delivered->uid);
    }
    return copied;
}

}  // namespace

Content::~Content() {
    if (mapped_)
        munmap(const_cast<void*>(mapped_), size_);
}

Result<Copied> Mailbox::copy(const std::vector<std::uint32_t>& uids, Mailbox& target) {
    if (&target.account() == &account())
        return transfer(uids, target, false);
    return copy_to_another_account(*this, uids, target);
}

Result<Copied> Mailbox::move(const std::vector<std::uint32_t>& uids, Mailbox& target) {
    if (&target.account() == &account())
        return transfer(uids, target, true);
    Result<Copied> copied = copy_to_another_account(*this, uids, target);
    if (!copied)
        return copied;
    if (Result<void> removed = expunge(copied->from); !removed)
        return std::unexpected(removed.error());
    return copied;
}

}  // namespace store
