#include "lib/queue/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace queue::files {

std::string path_of(QueueName queue, std::string_view id) { return fmt::format("{}/{}", name_of(queue), id); }

Trouble trouble(std::string_view call, std::string_view what) {
    const int error = errno;
    return {error, fmt::format("{} {}: {}", call, what, std::strerror(error))};
}

std::expected<std::optional<event::Fd>, Trouble> open(int root, QueueName queue, std::string_view id, bool writable) {
    const std::string path = path_of(queue, id);
    const int access = writable ? O_RDWR : O_RDONLY;
    event::Fd file{openat(root, path.c_str(), access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (file)
        return std::optional{std::move(file)};
    if (errno == ENOENT)
        return std::optional<event::Fd>{};
    return std::unexpected(trouble("open", path));
}

std::expected<bool, Trouble> move(int root, std::string_view id, QueueName from, QueueName to) {
    const std::string source = path_of(from, id);
    const std::string target = path_of(to, id);
    if (renameat(root, source.c_str(), root, target.c_str()) == 0)
        return true;
    if (errno == ENOENT)
        return false;
    return std::unexpected(trouble("rename", source));
}

std::expected<bool, Trouble> remove(int root, QueueName queue, std::string_view id) {
    const std::string path = path_of(queue, id);
    if (unlinkat(root, path.c_str(), 0) == 0)
        return true;
    if (errno == ENOENT)
        return false;
    return std::unexpected(trouble("remove", path));
}

std::expected<bool, Trouble> set_due(int root, QueueName queue, std::string_view id, std::int64_t when) {
    const std::string path = path_of(queue, id);
    const timespec times[2] = {{.tv_sec = when, .tv_nsec = 0}, {.tv_sec = when, .tv_nsec = 0}};
    if (utimensat(root, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    if (errno == ENOENT)
        return false;
    return std::unexpected(trouble("set the time of", path));
}

std::optional<QueueName> find(int root, std::string_view id) {
    for (const QueueName queue :
        {QueueName::hold, QueueName::incoming, QueueName::active, QueueName::deferred, QueueName::corrupt}) {
        struct stat info {};
        if (fstatat(root, path_of(queue, id).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
            return queue;
    }
    return std::nullopt;
}

}  // namespace queue::files
