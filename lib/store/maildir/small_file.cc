#include "lib/store/maildir/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lib/event/fd.h"
#include "lib/store/trouble.h"

namespace store {
namespace {

constexpr off_t kLargest = 256 * 1024 * 1024;  // a list of several million messages

bool write_whole(int file, std::string_view text) {
    while (!text.empty()) {
        ssize_t n = write(file, text.data(), text.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

}  // namespace

std::string read_small_file(int directory, const char* name, const std::string& mailbox) {
    event::Fd file(openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file && errno == ENOENT)
        return {};
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0)
        system_trouble(fmt::format("{}: open {}", mailbox, name));
    if (!S_ISREG(info.st_mode) || info.st_size > kLargest)
        trouble(Failure::Kind::temporary, fmt::format("{}: {} is not a regular file, or too large", mailbox, name));
    std::string text(static_cast<std::size_t>(info.st_size), '\0');
    std::size_t have = 0;
    while (have < text.size()) {
        ssize_t n = read(file.get(), text.data() + have, text.size() - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            system_trouble(fmt::format("{}: read {}", mailbox, name));
        if (n == 0)
            break;
        have += static_cast<std::size_t>(n);
    }
    text.resize(have);
    return text;
}

void replace_small_file(int directory, const char* name, std::string_view text, const std::string& mailbox) {
    std::string aside = std::string(name) + ".tmp";
    unlinkat(directory, aside.c_str(), 0);  // of somebody who was killed
    event::Fd file(openat(directory, aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    bool done = file && write_whole(file.get(), text) && fsync(file.get()) == 0 &&
                renameat(directory, aside.c_str(), directory, name) == 0 && fsync(directory) == 0;
    if (done)
        return;
    int error = errno;
    unlinkat(directory, aside.c_str(), 0);
    system_trouble(fmt::format("{}: write {}", mailbox, name), error);
}

}  // namespace store
