#include "lib/file/replace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/file/write.h"

namespace file {
namespace {

std::unexpected<Failure> failure(std::string what) {
    const int error = errno;
    return std::unexpected(Failure{std::move(what), error});
}

// The rights of the file to come; where somebody else's file is replaced by root, it stays theirs.
bool set_rights(int descriptor, const Rights& rights, const struct stat* old) {
    if (old != nullptr && ::geteuid() == 0 && ::fchown(descriptor, old->st_uid, old->st_gid) != 0)
        return false;
    return ::fchmod(descriptor, old != nullptr ? old->st_mode & 07777 : rights.mode) == 0;
}

std::expected<void, Failure> write_fresh(
    int directory, const std::string& fresh, std::string_view content, const Rights& rights, const struct stat* old) {
    const int descriptor = ::openat(directory, fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return failure("create " + fresh);
    std::expected<void, Failure> done;
    if (!write_all(descriptor, content) || !set_rights(descriptor, rights, old) || ::fsync(descriptor) != 0)
        done = failure("write " + fresh);
    if (::close(descriptor) != 0 && done)
        done = failure("write " + fresh);
    if (!done)
        ::unlinkat(directory, fresh.c_str(), 0);
    return done;
}

// Written aside and synced; the name of it.
std::expected<std::string, Failure> write_aside(
    int directory, const std::string& path, std::string_view content, const Rights& rights) {
    std::string fresh = fmt::format("{}.new.{}", path, ::getpid());
    struct stat old {};
    const bool kept = rights.keep_rights && ::fstatat(directory, path.c_str(), &old, 0) == 0;
    // Only a process with our number that has ended can have left it.
    ::unlinkat(directory, fresh.c_str(), 0);
    if (auto written = write_fresh(directory, fresh, content, rights, kept ? &old : nullptr); !written)
        return std::unexpected(written.error());
    return fresh;
}

}  // namespace

std::string Failure::text() const { return fmt::format("{}: {}", what, std::strerror(error)); }

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos)
        return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::expected<void, Failure> sync_directory(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return failure("open the directory " + path);
    std::expected<void, Failure> done;
    if (::fsync(descriptor) != 0)
        done = failure("sync the directory " + path);
    ::close(descriptor);
    return done;
}

std::expected<void, Failure> publish(const std::string& fresh, const std::string& path) {
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        auto failed = failure("rename " + fresh + " to " + path);
        ::unlink(fresh.c_str());
        return failed;
    }
    return sync_directory(directory_of(path));
}

std::expected<void, Failure> replace_file(const std::string& path, std::string_view content, Rights rights) {
    auto fresh = write_aside(AT_FDCWD, path, content, rights);
    if (!fresh)
        return std::unexpected(fresh.error());
    return publish(*fresh, path);
}

std::expected<void, Failure> replace_file_at(
    int directory, const std::string& name, std::string_view content, Rights rights) {
    auto fresh = write_aside(directory, name, content, rights);
    if (!fresh)
        return std::unexpected(fresh.error());
    if (::renameat(directory, fresh->c_str(), directory, name.c_str()) != 0) {
        auto failed = failure("rename " + *fresh + " to " + name);
        ::unlinkat(directory, fresh->c_str(), 0);
        return failed;
    }
    if (::fsync(directory) != 0)
        return failure("sync the directory of " + name);
    return {};
}

}  // namespace file
