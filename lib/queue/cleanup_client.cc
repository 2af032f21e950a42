#include "lib/queue/cleanup_client.h"

#include <algorithm>

#include "lib/event/error.h"

namespace queue {

using namespace std::chrono_literals;
using ipc::records::CleanupContent;
using ipc::records::CleanupEnd;
using ipc::records::CleanupOpen;
using ipc::records::CleanupReady;
using ipc::records::CleanupRecipients;
using ipc::records::CleanupReply;

namespace {
constexpr std::size_t kMostIdle = 4;
constexpr std::size_t kMaxReply = 64 << 10;
constexpr std::size_t kRecipients = 1000;  // in one record
}  // namespace

event::Task<CleanupClient::Connection> CleanupClient::take_connection() {
    Connection connection;
    if (!idle_.empty()) {
        connection = std::move(idle_.back());
        idle_.pop_back();
        co_return std::move(connection);
    }
    connection.channel = co_await ipc::connect_service(loop_, path_, 30s);
    std::expected<CleanupReady, std::string> ready = co_await connection.channel.receive<CleanupReady>(kMaxReply);
    if (!ready)
        throw event::StreamError(event::StreamError::Kind::io, path_ + ": " + ready.error());
    co_return std::move(connection);
}

event::Task<std::expected<CleanupReply, std::string>> CleanupClient::talk(
    Connection& connection, const CleanupOpen& open, const Content& content) {
    ipc::Channel& channel = connection.channel;
    CleanupOpen first = open;
    first.recipients.resize(std::min(open.recipients.size(), kRecipients));
    channel.write(first);
    for (std::size_t at = kRecipients; at < open.recipients.size(); at += kRecipients) {
        const std::size_t end = std::min(at + kRecipients, open.recipients.size());
        CleanupRecipients more;
        more.recipients.assign(open.recipients.begin() + static_cast<std::ptrdiff_t>(at),
            open.recipients.begin() + static_cast<std::ptrdiff_t>(end));
        channel.write(more);
        co_await channel.stream().drain();
    }
    CleanupContent part;
    part.octets = content(true);
    while (!part.octets.empty()) {
        channel.write(part);
        co_await channel.stream().drain();
        part.octets = content(false);
    }
    channel.write(CleanupEnd{});
    co_await channel.stream().flush();
    co_return co_await channel.receive<CleanupReply>(kMaxReply);
}

// `stale`: a kept connection turned out to be closed; another attempt makes sense.
event::Task<std::expected<CleanupReply, std::string>> CleanupClient::try_once(
    const CleanupOpen& open, const Content& content, bool& stale) {
    Connection connection;
    std::expected<CleanupReply, std::string> reply = std::unexpected(std::string{});
    try {
        connection = co_await take_connection();
        reply = co_await talk(connection, open, content);
    } catch (const event::StreamError& error) {
        if (error.kind() == event::StreamError::Kind::cancelled)
            throw;
        reply = std::unexpected(path_ + ": " + error.what());
    }
    stale = !reply && connection.used;
    connection.used = true;
    if (reply && idle_.size() < kMostIdle)
        idle_.push_back(std::move(connection));
    co_return reply;
}

event::Task<CleanupReply> CleanupClient::submit(CleanupOpen open, Content content) {
    std::expected<CleanupReply, std::string> reply = std::unexpected(std::string{});
    bool again = true;
    while (again) {
        bool stale = false;
        reply = co_await try_once(open, content, stale);
        again = stale;
    }
    if (reply)
        co_return *reply;
    CleanupReply failure;
    failure.dsn = "4.3.0";
    failure.reason = reply.error();
    co_return failure;
}

}  // namespace queue
