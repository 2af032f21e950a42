#include "cleanup/session.h"

#include "lib/event/error.h"
#include "lib/log/log.h"

namespace cleanup {

using ipc::records::CleanupAbort;
using ipc::records::CleanupContent;
using ipc::records::CleanupEnd;
using ipc::records::CleanupOpen;
using ipc::records::CleanupReady;
using ipc::records::CleanupRecipients;
using ipc::records::CleanupReply;

namespace {
constexpr std::size_t kMaxRecord = 4 << 20;
}

std::string Session::next_id() {
    auto id = service_.ids().next();
    if (!id)
        logging::warning("{}", id.error());
    return id.value_or("");
}

event::Task<void> Session::end_message(CleanupEnd end) {
    CleanupReply reply = co_await intake_->finish(std::move(end));
    intake_.reset();
    queue_id_ = next_id();
    reply.next_queue_id = queue_id_;
    channel_.write(reply);
    co_await channel_.stream().flush();
}

event::Task<std::string> Session::take_frame(std::string_view frame) {
    const std::string_view name = ipc::record_name(frame);
    if (name == CleanupOpen::kRecord) {
        auto open = ipc::decode<CleanupOpen>(frame);
        if (!open || intake_)
            co_return open ? "a message begins inside another" : open.error();
        intake_.emplace(service_, queue_id_, std::move(*open));
    } else if (!intake_) {
        co_return "a message begins with " + std::string{name.substr(0, 40)};
    } else if (name == CleanupRecipients::kRecord) {
        auto more = ipc::decode<CleanupRecipients>(frame);
        if (!more)
            co_return more.error();
        intake_->add_recipients(std::move(more->recipients));
    } else if (name == CleanupContent::kRecord) {
        auto content = ipc::decode<CleanupContent>(frame);
        if (!content)
            co_return content.error();
        co_await intake_->add_content(std::move(content->octets));
    } else if (name == CleanupEnd::kRecord) {
        auto end = ipc::decode<CleanupEnd>(frame);
        if (!end)
            co_return end.error();
        co_await end_message(std::move(*end));
    } else if (name == CleanupAbort::kRecord) {
        intake_.reset();
    } else {
        co_return "an unknown record";
    }
    co_return std::string{};
}

event::Task<void> Session::converse() {
    queue_id_ = next_id();
    CleanupReady ready;
    ready.queue_id = queue_id_;
    channel_.write(ready);
    while (!queue_id_.empty()) {
        channel_.stream().push();  // the answer, before a process that is to leave may end here
        seat_.set(intake_ ? worker::Client::State::busy : worker::Client::State::between_requests);
        std::optional<std::string_view> frame = co_await channel_.next_frame(kMaxRecord);
        if (!frame)
            co_return;
        std::string wrong = co_await take_frame(*frame);
        if (!wrong.empty()) {
            logging::warning("client of public/cleanup: {}", wrong);
            co_return;
        }
    }
}

event::Task<void> serve_client(event::Stream stream, worker::Client& seat, Service& service) {
    Session session{std::move(stream), seat, service};
    try {
        co_await session.converse();
    } catch (const event::StreamError& error) {
        if (error.kind() != event::StreamError::Kind::eof && error.kind() != event::StreamError::Kind::cancelled)
            logging::warning("client of public/cleanup: {}", error.what());
    }
}

}  // namespace cleanup
