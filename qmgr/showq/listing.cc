#include "qmgr/showq/listing.h"

namespace showq {
namespace {

using ipc::records::ShowqMessage;
using ipc::records::ShowqRecipient;

constexpr std::size_t kSlice = 50;

// The last word about each recipient counts.
std::vector<ShowqRecipient> waiting_recipients(const queue::Message& message) {
    const std::size_t count = message.envelope.recipients.size();
    std::vector<const queue::Status*> last(count, nullptr);
    for (const queue::Status& status : message.statuses) {
        if (status.recipient < count)
            last[status.recipient] = &status;
    }
    std::vector<ShowqRecipient> waiting;
    for (std::size_t i = 0; i < count; ++i) {
        const queue::Status* status = last[i];
        if (status != nullptr &&
            (status->outcome == queue::Outcome::delivered || status->outcome == queue::Outcome::reported))
            continue;
        ShowqRecipient& recipient = waiting.emplace_back();
        recipient.address = message.envelope.recipients[i].address;
        recipient.original = message.envelope.recipients[i].given();
        recipient.reason = status != nullptr ? status->text : "";
        recipient.bounced = status != nullptr && status->outcome == queue::Outcome::bounced;
    }
    return waiting;
}

std::optional<ShowqMessage> describe(const queue::Spool& spool, const queue::Entry& entry) {
    const auto seen = spool.look(entry, queue::Verify::envelope);
    if (!seen)
        return std::nullopt;
    ShowqMessage message;
    message.queue_name = name_of(seen->queue);
    message.queue_id = entry.id;
    message.arrival_time = seen->layout.arrival_us / 1'000'000;
    message.size = static_cast<std::int64_t>(seen->content.size());
    message.forced_expire = seen->message.expire;
    message.sender = seen->message.envelope.mail.sender;
    message.recipients = waiting_recipients(seen->message);
    return message;
}

}  // namespace

Listing::Listing(const queue::Spool& spool)
    : spool_{spool},
      scan_{spool.scan({queue::QueueName::incoming, queue::QueueName::active, queue::QueueName::deferred,
          queue::QueueName::hold, queue::QueueName::maildrop})} {}

std::vector<ShowqMessage> Listing::next() {
    std::vector<ShowqMessage> found;
    while (found.empty()) {
        const std::vector<queue::Entry> entries = scan_.next(kSlice);
        if (entries.empty())
            break;
        for (const queue::Entry& entry : entries) {
            if (auto message = describe(spool_, entry))
                found.push_back(std::move(*message));
        }
    }
    return found;
}

}  // namespace showq
