#include "lib/queue/surgery.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "lib/queue/files.h"
#include "lib/time/clock.h"

namespace queue {
namespace {
constexpr std::int64_t kStaleSeconds = 3600;
}

std::expected<bool, Failure> Surgery::remove(QueueName queue, std::string_view id) const {
    return files::remove(root_, queue, id);
}

std::expected<bool, Failure> Surgery::hold(QueueName queue, std::string_view id) const {
    if (queue == QueueName::hold)
        return false;
    return files::move(root_, id, queue, QueueName::hold);
}

std::expected<bool, Failure> Surgery::release(std::string_view id) const {
    auto released = files::move(root_, id, QueueName::hold, QueueName::deferred);
    if (released && *released)
        static_cast<void>(files::set_due(root_, QueueName::deferred, id, wall_clock::now_seconds()));
    return released;
}

std::expected<bool, Failure> Surgery::requeue(QueueName queue, std::string_view id) const {
    if (queue == QueueName::maildrop)
        return false;
    return files::move(root_, id, queue, QueueName::maildrop);
}

std::expected<bool, Failure> Surgery::expire(QueueName queue, std::string_view id) const {
    const std::string path = files::path_of(queue, id);
    struct stat info {};
    if (fstatat(root_, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
        return false;
    if (fchmodat(root_, path.c_str(), (info.st_mode & 07777) | files::kExpireBit, 0) == 0)
        return true;
    return std::unexpected(files::trouble("chmod", path));
}

std::string Surgery::check(const Entry& entry) const {
    const std::string label = files::path_of(entry.queue, entry.id);
    const auto seen = spool_.look(entry, Verify::content_too);
    if (!seen) {
        if (seen.error().kind != Damage::Kind::damaged || entry.queue == QueueName::corrupt)
            return {};
        const auto moved = files::move(root_, entry.id, entry.queue, QueueName::corrupt);
        if (!moved)
            return moved.error().text;
        if (!*moved)
            return {};
        return fmt::format("{} is damaged: {}; moved to {}/", label, seen.error().text, name_of(QueueName::corrupt));
    }
    const std::string& right_id = seen->message.envelope.queue_id;
    if (right_id == entry.id || !is_queue_id(right_id))
        return {};
    const std::string right = files::path_of(entry.queue, right_id);
    if (renameat2(root_, label.c_str(), root_, right.c_str(), RENAME_NOREPLACE) == 0)
        return fmt::format("{} renamed to {}, as it says inside", label, right);
    return fmt::format("{} should be {}: {}", label, right, std::strerror(errno));
}

bool Surgery::purge(const Entry& entry) const {
    if (std::abs(wall_clock::now_seconds() - entry.due) < kStaleSeconds)
        return false;
    const auto file = files::open(root_, entry.queue, entry.id, true);
    if (!file || !*file || !files::try_lock((*file)->get()))
        return false;
    const auto read = read_message((*file)->get(), Verify::envelope);
    if (read || read.error().kind != Damage::Kind::unfinished)
        return false;
    return files::remove(root_, entry.queue, entry.id).value_or(false);
}

}  // namespace queue
