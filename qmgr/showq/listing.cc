#include "qmgr/showq/listing.h"

#include "lib/queue/queue_file.h"

namespace showq {
namespace {

using ipc::records::ShowqMessage;
using ipc::records::ShowqRecipient;

constexpr const char* kQueues[] = {"incoming", "active", "deferred", "hold", "maildrop"};
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

std::optional<ShowqMessage> describe(const queue::Spool& spool, const std::string& queue, const queue::Entry& entry) {
    auto file = spool.open_message(queue, entry.id, false);
    if (!file || !*file)
        return std::nullopt;
    const auto read = queue::read_message((*file)->get(), queue::Verify::envelope);
    if (!read)
        return std::nullopt;
    const bool delivering = queue == "incoming" || queue == "deferred" || queue == "active";
    ShowqMessage message;
    message.queue_name = delivering && queue::is_locked_by_another((*file)->get()) ? "active" : queue;
    message.queue_id = entry.id;
    message.arrival_time = read->layout.arrival_us / 1'000'000;
    message.size = static_cast<std::int64_t>(read->layout.content_length);
    message.forced_expire = read->expire;
    message.sender = read->envelope.mail.sender;
    message.recipients = waiting_recipients(*read);
    return message;
}

}  // namespace

bool Listing::open_next() {
    while (queue_ < std::size(kQueues)) {
        auto scan = queue::DirectoryScan::open(spool_, kQueues[queue_]);
        if (scan) {
            scan_.emplace(std::move(*scan));
            return true;
        }
        ++queue_;
    }
    return false;
}

std::vector<ShowqMessage> Listing::next() {
    std::vector<ShowqMessage> found;
    while (found.empty() && (scan_ || open_next())) {
        const std::vector<queue::Entry> entries = scan_->next(kSlice);
        if (entries.empty()) {
            scan_.reset();
            ++queue_;
            continue;
        }
        for (const queue::Entry& entry : entries) {
            if (auto message = describe(spool_, kQueues[queue_], entry))
                found.push_back(std::move(*message));
        }
    }
    return found;
}

}  // namespace showq
