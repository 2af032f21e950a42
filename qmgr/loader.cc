#include "qmgr/loader.h"

#include <algorithm>

#include "lib/log/log.h"
#include "lib/text/text.h"

namespace qmgr {
namespace {

constexpr std::size_t kMessages = 50;
constexpr std::size_t kNames = 2000;

}  // namespace

std::unique_ptr<Message> load_message(std::expected<queue::Claimed, queue::Refusal> claimed, const std::string& id) {
    if (!claimed) {
        const queue::Refusal& refusal = claimed.error();
        if (refusal.kind == queue::Refusal::Kind::removed)
            logging::info("{}: {}", id, refusal.text);
        else if (!refusal.text.empty())
            logging::warning("{}: {}", id, refusal.text);
        return nullptr;
    }
    if (claimed->message.torn)
        logging::warning("{}: dropped damaged status records; some recipients may get the message again", id);
    return std::make_unique<Message>(std::move(*claimed));
}

bool Wanted::is_flushed(const Message& message) const {
    const auto& recipients = message.envelope.recipients;
    return all || std::any_of(recipients.begin(), recipients.end(), [&](const envelope::Recipient& recipient) {
        const std::size_t at = recipient.address.rfind('@');
        return at != std::string::npos && sites.contains(text::lower(std::string_view{recipient.address}.substr(at + 1)));
    });
}

Slice load_slice(const queue::Spool& spool, queue::Scan& scan, const Wanted& wanted) {
    Slice slice;
    for (std::size_t seen = 0; seen < kNames && slice.messages.size() < kMessages;) {
        const std::vector<queue::Entry> entries = scan.next(kMessages);
        slice.end = entries.empty();
        if (slice.end)
            break;
        seen += entries.size();
        for (const queue::Entry& entry : entries) {
            const bool due = wanted.is_due(entry);
            if (!due && !wanted.all && wanted.sites.empty())
                continue;
            auto message = load_message(spool.claim(entry), entry.id);
            if (!message)
                continue;
            message->flush = wanted.is_flushed(*message);
            if (due || message->flush)
                slice.messages.push_back(std::move(message));
        }
    }
    return slice;
}

}  // namespace qmgr
