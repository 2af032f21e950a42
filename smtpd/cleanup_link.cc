#include "smtpd/cleanup_link.h"

#include <sys/socket.h>

namespace smtpd {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxIdle = 100;

// cleanup says nothing between messages: whatever can be read then is the end of the connection.
bool is_gone(ipc::Channel& channel) {
    char octet = 0;
    return ::recv(channel.stream().descriptor(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

}  // namespace

CleanupLink::CleanupLink(event::Loop& loop, std::string socket) : loop_(loop), socket_(std::move(socket)) {}

event::Task<ipc::Channel> CleanupLink::connect() {
    if (service_) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
            throw event::StreamError(event::StreamError::Kind::io, "cannot make a socket pair");
        event::Stream stream(loop_, event::Fd(ends[0]));
        service_(event::Fd(ends[1]));
        co_return ipc::Channel(std::move(stream));
    }
    ipc::Channel channel = co_await ipc::connect_service(loop_, socket_, 10s);
    co_return std::move(channel);
}

event::Task<std::expected<CleanupLink::Lease, std::string>> CleanupLink::acquire() {
    while (!idle_.empty()) {
        Lease lease = std::move(idle_.back());
        idle_.pop_back();
        if (!is_gone(lease.channel))
            co_return std::move(lease);
    }
    std::string reason;
    try {
        Lease lease;
        lease.channel = co_await connect();
        lease.channel.stream().set_timeout(10s);
        std::expected<ipc::records::CleanupReady, std::string> ready =
            co_await lease.channel.receive<ipc::records::CleanupReady>();
        if (ready) {
            lease.queue_id = ready->queue_id;
            co_return std::move(lease);
        }
        reason = ready.error();
    } catch (const event::StreamError& error) {
        reason = error.what();
    }
    co_return std::unexpected(socket_ + ": " + reason);
}

void CleanupLink::give_back(Lease lease) {
    if (idle_.size() < kMaxIdle)
        idle_.push_back(std::move(lease));
}

}  // namespace smtpd
