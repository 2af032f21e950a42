#include "lib/dict/watched_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace dict {

WatchedFile::WatchedFile(const std::string& path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd_ < 0 || ::fstat(fd_, &seen_) < 0)
        error_ = errno;
}

WatchedFile::~WatchedFile() {
    if (fd_ >= 0)
        ::close(fd_);
}

WatchedFile::WatchedFile(WatchedFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), error_(other.error_), seen_(other.seen_) {}

WatchedFile& WatchedFile::operator=(WatchedFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(error_, other.error_);
    std::swap(seen_, other.seen_);
    return *this;
}

bool WatchedFile::changed() const {
    struct stat now {};
    if (fd_ < 0 || ::fstat(fd_, &now) < 0)
        return true;
    return now.st_nlink == 0 || now.st_mtim.tv_sec != seen_.st_mtim.tv_sec || now.st_mtim.tv_nsec != seen_.st_mtim.tv_nsec ||
           now.st_size != seen_.st_size;
}

}  // namespace dict
