#include "lib/store/maildir/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "lib/event/fd.h"
#include "lib/file/replace.h"
#include "lib/store/thrown_failure.h"

namespace store {
namespace {

constexpr off_t kLargest = 256 * 1024 * 1024;  // a list of several million messages

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
    auto replaced = file::replace_file_at(directory, name, text, {.mode = 0600, .keep_rights = false});
    if (!replaced)
        system_trouble(mailbox + ": " + replaced.error().what, replaced.error().error);
}

}  // namespace store
