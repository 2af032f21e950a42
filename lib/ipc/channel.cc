#include "lib/ipc/channel.h"

namespace ipc {

event::Task<std::optional<std::string_view>> next_frame(event::Stream& stream, std::size_t max) {
    std::string_view start = co_await stream.read_some();
    if (start.empty())
        co_return std::nullopt;
    std::string_view header = co_await stream.read_exactly(4);
    std::size_t size = 0;
    for (char octet : header)
        size = size << 8 | static_cast<unsigned char>(octet);
    if (size > max)
        throw event::StreamError(
            event::StreamError::Kind::too_long, "a record of " + std::to_string(size) + " octets is past the limit");
    std::string_view content = co_await stream.read_exactly(size);
    co_return content;
}

event::Task<Channel> connect_service(event::Loop& loop, std::string path, std::chrono::milliseconds timeout) {
    std::optional<event::StreamError> failure;
    event::Stream stream;
    try {
        stream = co_await event::connect(loop, event::unix_address(path), timeout);
    } catch (const event::StreamError& error) {
        failure = error;
    }
    if (failure)
        throw event::StreamError(failure->kind(), "connect to " + path + ": " + failure->what());
    co_return Channel(std::move(stream));
}

}  // namespace ipc
