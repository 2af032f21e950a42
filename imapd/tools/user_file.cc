#include "imapd/tools/user_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/config/logical_lines.h"
#include "lib/file/replace.h"
#include "lib/text/text.h"

namespace mailadm {
namespace {

std::string system_reason(const std::string& what) { return what + ": " + std::strerror(errno); }

// Opens and locks the file that has the name now: whoever had the lock before may have put another one in its place.
std::expected<int, std::string> lock_file(const std::string& path, bool may_create) {
    for (;;) {
        int fd = ::open(path.c_str(), (may_create ? O_CREAT | O_RDWR : O_RDONLY) | O_CLOEXEC, 0600);
        if (fd < 0)
            return std::unexpected(system_reason("open " + path));
        struct stat locked {};
        struct stat named {};
        if (::flock(fd, LOCK_EX) < 0 || ::fstat(fd, &locked) < 0) {
            std::string reason = system_reason("lock " + path);
            ::close(fd);
            return std::unexpected(reason);
        }
        if (::stat(path.c_str(), &named) == 0 && named.st_ino == locked.st_ino)
            return fd;
        ::close(fd);
    }
}

std::string name_in(std::string_view line) { return text::lower(text::trim(line.substr(0, line.find(':')))); }

}  // namespace

std::expected<UserFile, std::string> UserFile::open(const std::string& path, bool may_create) {
    auto lock = lock_file(path, may_create);
    if (!lock)
        return std::unexpected(lock.error());
    UserFile file(path, *lock);
    auto content = config::read_text_file(path);
    if (!content)
        return std::unexpected(content.error());
    file.parsed_ = auth::PasswdFile::parse(*content, path);
    std::string_view rest = *content;
    while (!rest.empty()) {
        std::size_t end = rest.find('\n');
        file.lines_.emplace_back(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return file;
}

UserFile::~UserFile() {
    if (lock_ >= 0)
        ::close(lock_);
}

UserFile::UserFile(UserFile&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      lines_(std::move(other.lines_)),
      parsed_(std::move(other.parsed_)) {}

std::vector<std::string>::iterator UserFile::line_of(const std::string& name) {
    return std::ranges::find_if(
        lines_, [&](const std::string& line) { return !line.empty() && line.front() != '#' && name_in(line) == name; });
}

void UserFile::add(const auth::UserEntry& entry) { lines_.push_back(auth::format_entry(entry)); }

bool UserFile::set_password(const std::string& name, const std::string& password) {
    auto line = line_of(name);
    if (line == lines_.end())
        return false;
    std::size_t first = line->find(':');
    std::size_t second = first == std::string::npos ? first : line->find(':', first + 1);
    std::string rest = second == std::string::npos ? "" : line->substr(second);
    *line = line->substr(0, first) + ":" + password + rest;
    return true;
}

bool UserFile::remove(const std::string& name) {
    auto line = line_of(name);
    if (line == lines_.end())
        return false;
    lines_.erase(line);
    return true;
}

std::expected<void, std::string> UserFile::save() {
    std::string content;
    for (const std::string& line : lines_)
        content += line + "\n";
    auto done = file::replace_file(path_, content);
    if (!done)
        return std::unexpected(done.error().text());
    return {};
}

}  // namespace mailadm
