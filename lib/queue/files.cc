#include "lib/queue/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace queue::files {

namespace {

struct flock whole_file_lock() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

}  // namespace

std::string path_of(QueueName queue, std::string_view id) { return fmt::format("{}/{}", name_of(queue), id); }

Failure trouble(std::string_view call, std::string_view what) {
    const int error = errno;
    return {error, fmt::format("{} {}: {}", call, what, std::strerror(error))};
}

std::expected<std::optional<event::Fd>, Failure> open(int root, QueueName queue, std::string_view id, bool writable) {
    const std::string path = path_of(queue, id);
    const int access = writable ? O_RDWR : O_RDONLY;
    event::Fd file{openat(root, path.c_str(), access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (file)
        return std::optional{std::move(file)};
    if (errno == ENOENT)
        return std::optional<event::Fd>{};
    return std::unexpected(trouble("open", path));
}

std::expected<bool, Failure> move(int root, std::string_view id, QueueName from, QueueName to) {
    const std::string source = path_of(from, id);
    const std::string target = path_of(to, id);
    if (renameat(root, source.c_str(), root, target.c_str()) == 0)
        return true;
    if (errno == ENOENT)
        return false;
    return std::unexpected(trouble("rename", source));
}

std::expected<bool, Failure> remove(int root, QueueName queue, std::string_view id) {
    const std::string path = path_of(queue, id);
    if (unlinkat(root, path.c_str(), 0) == 0)
        return true;
    if (errno == ENOENT)
        return false;
    return std::unexpected(trouble("remove", path));
}

std::expected<bool, Failure> set_due(int root, QueueName queue, std::string_view id, std::int64_t when) {
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

bool try_lock(int file) {
    struct flock lock = whole_file_lock();
    return fcntl(file, F_OFD_SETLK, &lock) == 0;
}

bool is_locked_by_another(int file) {
    struct flock lock = whole_file_lock();
    return fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool lock(int file) {
    struct flock lock = whole_file_lock();
    while (fcntl(file, F_OFD_SETLKW, &lock) != 0) {
        if (errno != EINTR)
            return false;
    }
    return true;
}

std::expected<void, Failure> append_statuses(int file, std::uint64_t end, std::string_view records) {
    while (!records.empty()) {
        const ssize_t done = pwrite(file, records.data(), records.size(), static_cast<off_t>(end));
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return std::unexpected(Failure{errno, fmt::format("write a status record: {}", std::strerror(errno))});
        records.remove_prefix(static_cast<std::size_t>(done));
        end += static_cast<std::uint64_t>(done);
    }
    return {};
}

}  // namespace queue::files
