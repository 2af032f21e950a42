#include "lib/file/write.h"

#include <unistd.h>

#include <cerrno>

namespace file {

bool write_all(int descriptor, std::string_view octets) {
    while (!octets.empty()) {
        const ssize_t count = ::write(descriptor, octets.data(), octets.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        octets.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace file
