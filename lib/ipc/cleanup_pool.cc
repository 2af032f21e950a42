#include "lib/ipc/cleanup_pool.h"

namespace ipc {
namespace {

constexpr std::size_t kMaxReady = 4096;

event::Task<records::CleanupReady> read_ready(Channel& channel) {
    std::expected<records::CleanupReady, std::string> ready = co_await channel.receive<records::CleanupReady>(kMaxReady);
    if (!ready)
        throw event::StreamError(event::StreamError::Kind::io, ready.error());
    co_return std::move(*ready);
}

}  // namespace

CleanupPool open_cleanup_pool(
    event::Loop& loop, std::string socket, std::chrono::milliseconds connect, std::size_t most_idle) {
    return CleanupPool(loop, ServiceSettings(std::move(socket), connect), most_idle, read_ready);
}

}  // namespace ipc
