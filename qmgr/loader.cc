#include "qmgr/loader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "lib/log/log.h"
#include "lib/text/text.h"
#include "qmgr/now.h"

namespace qmgr {
namespace {

using queue::Damage;

constexpr std::size_t kMessages = 50;
constexpr std::size_t kNames = 2000;
constexpr std::int64_t kFreshSeconds = 10;  // a new file's writer may not have its lock yet

void set_apart(const queue::Spool& spool, const std::string& queue, const std::string& id, const std::string& why) {
    const auto moved = spool.move(id, queue, "corrupt");
    if (moved)
        logging::warning("{}: {}/{} is damaged: {}; moved to corrupt/", id, queue, id, why);
    else
        logging::warning("{}: {}/{} is damaged: {}; {}", id, queue, id, why, moved.error().text);
}

void remove_debris(const queue::Spool& spool, const std::string& queue, const std::string& id, const struct stat& info) {
    if (std::abs(now_seconds() - info.st_mtim.tv_sec) < kFreshSeconds)
        return;
    const auto removed = spool.remove(queue, id);
    if (removed && *removed)
        logging::info("{}: removed {}/{}, which was never finished and never acknowledged", id, queue, id);
}

// What is wrong with the file, dealt with.
void handle_damage(const queue::Spool& spool, const std::string& queue, const std::string& id, const struct stat& info,
    const Damage& damage) {
    switch (damage.kind) {
    case Damage::Kind::unfinished: return remove_debris(spool, queue, id, info);
    case Damage::Kind::damaged: return set_apart(spool, queue, id, damage.text);
    case Damage::Kind::unreadable: logging::warning("{}: {}/{} cannot be read now: {}", id, queue, id, damage.text);
    }
}

std::unique_ptr<Message> make_message(queue::Message&& read, const std::string& queue, event::Fd file) {
    auto message = std::make_unique<Message>();
    message->id = read.envelope.queue_id;
    message->queue = queue;
    message->envelope = std::move(read.envelope);
    message->file = std::move(file);
    message->content = read.layout.content();
    message->status_end = read.status_end;
    message->expire = read.expire;
    apply_statuses(*message, read.statuses);
    return message;
}

}  // namespace

std::unique_ptr<Message> load_message(const queue::Spool& spool, const std::string& queue, const std::string& id) {
    auto opened = spool.open_message(queue, id, true);
    if (!opened) {
        logging::warning("{}: {}", id, opened.error().text);
        return nullptr;
    }
    struct stat info {};
    // Without a lock of our own: it is being written, or is active already.
    if (!*opened || !queue::try_lock((*opened)->get()) || fstat((*opened)->get(), &info) != 0 || info.st_nlink == 0)
        return nullptr;
    event::Fd file = std::move(**opened);
    auto read = queue::read_message(file.get(), queue::Verify::content_too);
    if (!read) {
        handle_damage(spool, queue, id, info, read.error());
        return nullptr;
    }
    if (read->envelope.queue_id != id) {
        set_apart(spool, queue, id, "it is message " + read->envelope.queue_id + " under another name");
        return nullptr;
    }
    if (read->torn && ftruncate(file.get(), static_cast<off_t>(read->status_end)) == 0)
        logging::warning("{}: dropped damaged status records; some recipients may get the message again", id);
    return make_message(std::move(*read), queue, std::move(file));
}

bool Wanted::is_for_site(const Message& message) const {
    if (site.empty())
        return true;
    return std::any_of(
        message.envelope.recipients.begin(), message.envelope.recipients.end(), [&](const envelope::Recipient& recipient) {
            const std::size_t at = recipient.address.rfind('@');
            return at != std::string::npos &&
                   text::equal_ignoring_case(std::string_view{recipient.address}.substr(at + 1), site);
        });
}

Slice load_slice(const queue::Spool& spool, const std::string& queue, queue::DirectoryScan& scan, const Wanted& wanted) {
    Slice slice;
    for (std::size_t seen = 0; seen < kNames && slice.messages.size() < kMessages;) {
        const std::vector<queue::Entry> entries = scan.next(kMessages);
        slice.end = entries.empty();
        if (slice.end)
            break;
        seen += entries.size();
        for (const queue::Entry& entry : entries) {
            if (!wanted.is_due(entry))
                continue;
            auto message = load_message(spool, queue, entry.id);
            if (message && wanted.is_for_site(*message))
                slice.messages.push_back(std::move(message));
        }
    }
    return slice;
}

}  // namespace qmgr
