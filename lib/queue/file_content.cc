#include "lib/queue/file_content.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace queue {

namespace {

constexpr std::size_t kBlock = 60 << 10;  // fits into one record on its way to cleanup

std::expected<void, std::string> read_block(
    int file, const ipc::records::ContentPlace& place, std::uint64_t at, std::size_t most, std::string& into) {
    into.resize(at >= place.length ? 0 : std::min<std::uint64_t>(most, place.length - at));
    while (!into.empty()) {
        const ssize_t got = pread(file, into.data(), into.size(), static_cast<off_t>(place.offset + at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return std::unexpected(std::string("cannot read the queue file: ") + std::strerror(errno));
        if (got == 0)
            return std::unexpected("the queue file ends before its content does");
        into.resize(static_cast<std::size_t>(got));
        break;
    }
    return {};
}

}  // namespace

std::expected<std::string, std::string> FileContent::read(std::uint64_t at, std::size_t most) const {
    std::string block;
    if (const auto done = read_block(file_.get(), place_, at, most, block); !done)
        return std::unexpected(done.error());
    return block;
}

std::expected<std::string_view, std::string> FileContent::Reader::next() {
    if (const auto done = read_block(content_->descriptor(), content_->place(), at_, kBlock, block_); !done)
        return std::unexpected(done.error());
    at_ += block_.size();
    return std::string_view{block_};
}

}  // namespace queue
