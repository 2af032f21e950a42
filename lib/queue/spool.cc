#include "lib/queue/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/queue/queue_id.h"

namespace queue {
namespace {

std::string path_of(std::string_view queue, std::string_view id) { return fmt::format("{}/{}", queue, id); }

std::unexpected<Trouble> trouble(std::string_view call, std::string_view path) {
    const int error = errno;
    return std::unexpected(Trouble{error, fmt::format("{} {}: {}", call, path, std::strerror(error))});
}

}  // namespace

std::expected<Spool, Trouble> Spool::open(const std::string& directory) {
    event::Fd root{::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!root)
        return trouble("open the queue directory", directory);
    return Spool{std::move(root)};
}

std::expected<void, Trouble> Spool::create_directories() const {
    for (const char* name : {"incoming", "active", "deferred", "hold", "corrupt", "maildrop"}) {
        if (mkdirat(root(), name, 0700) != 0 && errno != EEXIST)
            return trouble("create the directory", name);
    }
    return {};
}

std::expected<std::optional<event::Fd>, Trouble> Spool::open_message(
    std::string_view queue, std::string_view id, bool writable) const {
    const std::string path = path_of(queue, id);
    const int access = writable ? O_RDWR : O_RDONLY;
    event::Fd file{openat(root(), path.c_str(), access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (file)
        return std::optional{std::move(file)};
    if (errno == ENOENT)
        return std::optional<event::Fd>{};
    return trouble("open", path);
}

std::expected<bool, Trouble> Spool::move(std::string_view id, std::string_view from, std::string_view to) const {
    const std::string source = path_of(from, id);
    const std::string target = path_of(to, id);
    if (renameat(root(), source.c_str(), root(), target.c_str()) == 0)
        return true;
    if (errno == ENOENT)
        return false;
    return trouble("rename", source);
}

std::expected<bool, Trouble> Spool::remove(std::string_view queue, std::string_view id) const {
    const std::string path = path_of(queue, id);
    if (unlinkat(root(), path.c_str(), 0) == 0)
        return true;
    if (errno == ENOENT)
        return false;
    return trouble("remove", path);
}

std::expected<bool, Trouble> Spool::set_due(std::string_view queue, std::string_view id, std::int64_t when) const {
    const std::string path = path_of(queue, id);
    const timespec times[2] = {{.tv_sec = when, .tv_nsec = 0}, {.tv_sec = when, .tv_nsec = 0}};
    if (utimensat(root(), path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    if (errno == ENOENT)
        return false;
    return trouble("set the time of", path);
}

std::optional<std::string> Spool::find(std::string_view id) const {
    for (const std::string_view queue : {"hold", "incoming", "active", "deferred", "corrupt"}) {
        struct stat info {};
        if (fstatat(root(), path_of(queue, id).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
            return std::string{queue};
    }
    return std::nullopt;
}

std::expected<std::uint64_t, Trouble> Spool::free_space() const {
    struct statvfs info {};
    if (fstatvfs(root(), &info) != 0)
        return trouble("statvfs", "the queue directory");
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

std::expected<DirectoryScan, Trouble> DirectoryScan::open(const Spool& spool, std::string_view queue) {
    const int fd = openat(spool.root(), std::string{queue}.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* directory = fd < 0 ? nullptr : fdopendir(fd);
    if (directory == nullptr) {
        auto failure = trouble("open the directory", queue);
        if (fd >= 0)
            close(fd);
        return failure;
    }
    return DirectoryScan{directory};
}

std::vector<Entry> DirectoryScan::next(std::size_t count) {
    std::vector<Entry> found;
    while (found.size() < count) {
        const dirent* item = readdir(directory_.get());
        if (item == nullptr)
            break;
        if (!is_queue_id(item->d_name))
            continue;
        struct stat info {};
        const int fd = dirfd(directory_.get());
        if (fstatat(fd, item->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;  // gone already
        found.push_back({item->d_name, info.st_mtim.tv_sec, info.st_mode, info.st_size});
    }
    return found;
}

}  // namespace queue
