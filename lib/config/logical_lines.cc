#include "lib/config/logical_lines.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace config {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

}  // namespace

std::vector<LogicalLine> split_logical_lines(std::string_view text) {
    std::vector<LogicalLine> lines;
    int number = 0;
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++number;
        std::size_t start = 0;
        while (start < line.size() && is_blank(line[start]))
            ++start;
        if (start == line.size() || line[start] == '#')
            continue;
        if (start > 0 && !lines.empty()) {
            lines.back().text.append(line);
            lines.back().last_line = number;
        } else {
            lines.push_back({number, number, std::string(line), start > 0});
        }
    }
    return lines;
}

std::expected<std::string, std::string> read_text_file(const std::string& path) {
    auto failure = [&](const char* verb) {
        return std::unexpected(std::string(verb) + " " + path + ": " + std::strerror(errno));
    };
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failure("open");
    std::string text;
    char buffer[65536];
    for (;;) {
        ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int saved = errno;
            ::close(fd);
            errno = saved;
            return failure("read");
        }
        if (got == 0)
            break;
        text.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(fd);
    return text;
}

}  // namespace config
