#include "cleanup/tools/frames.h"

#include <unistd.h>

#include <cerrno>

namespace tools {
namespace {

bool read_exactly(int descriptor, char* into, std::size_t size) {
    while (size > 0) {
        const ssize_t got = read(descriptor, into, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        into += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

}  // namespace

std::optional<std::string> read_frame(int descriptor, std::size_t max) {
    unsigned char head[4];
    if (!read_exactly(descriptor, reinterpret_cast<char*>(head), sizeof head))
        return std::nullopt;
    const std::size_t size = static_cast<std::size_t>(head[0]) << 24 | head[1] << 16 | head[2] << 8 | head[3];
    if (size > max)
        return std::nullopt;
    std::string frame(size, '\0');
    if (!read_exactly(descriptor, frame.data(), size))
        return std::nullopt;
    return frame;
}

}  // namespace tools
