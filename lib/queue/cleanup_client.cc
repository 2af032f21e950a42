#include "lib/queue/cleanup_client.h"

#include <algorithm>

#include "lib/event/error.h"

namespace queue {

using namespace std::chrono_literals;
using ipc::records::CleanupContent;
using ipc::records::CleanupEnd;
using ipc::records::CleanupOpen;
using ipc::records::CleanupRecipients;
using ipc::records::CleanupReply;

namespace {
constexpr std::size_t kMostIdle = 4;
constexpr std::size_t kMaxReply = 64 << 10;
constexpr std::size_t kRecipients = 1000;  // in one record

event::Task<std::expected<CleanupReply, std::string>> tell(
    ipc::CleanupPool::Lease& lease, const CleanupOpen& open, const CleanupClient::Content& content) {
    ipc::Channel& channel = lease.channel;
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
    std::expected<CleanupReply, std::string> reply = co_await channel.receive<CleanupReply>(kMaxReply);
    if (reply)
        lease.memo.queue_id = reply->next_queue_id;
    co_return std::move(reply);
}

}  // namespace

void CleanupClient::break_off(const std::string& why) { throw event::StreamError(event::StreamError::Kind::io, why); }

CleanupClient::Content CleanupClient::content_of(FileContent::Reader& reader) {
    return [&reader](bool restart) {
        if (restart)
            reader.restart();
        const auto block = reader.next();
        if (!block)
            break_off(block.error());
        return std::string{*block};
    };
}

CleanupClient::CleanupClient(event::Loop& loop, std::string path)
    : pool_(ipc::open_cleanup_pool(loop, std::move(path), 30s, kMostIdle)) {}

event::Task<CleanupReply> CleanupClient::submit(CleanupOpen open, Content content) {
    ipc::CleanupPool::Talk<CleanupReply> talk = [&open, &content](
                                                    ipc::CleanupPool::Lease& lease) { return tell(lease, open, content); };
    std::expected<CleanupReply, std::string> reply = co_await pool_.converse<CleanupReply>(talk);
    if (reply)
        co_return *reply;
    CleanupReply failure;
    failure.dsn = "4.3.0";
    failure.reason = reply.error();
    co_return failure;
}

}  // namespace queue
