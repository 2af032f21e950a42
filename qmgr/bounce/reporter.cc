#include "qmgr/bounce/reporter.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lib/event/error.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/ipc/channel.h"
#include "lib/log/log.h"
#include "lib/text/text.h"

namespace bounce {
namespace {

using ipc::records::BounceKind;
using ipc::records::BounceReply;
using ipc::records::BounceRequest;
using ipc::records::CleanupOpen;
using ipc::records::CleanupReply;

constexpr std::size_t kBlock = 60 << 10;

std::string random_word() {
    std::uint64_t value = 0;
    if (getrandom(&value, sizeof value, 0) != sizeof value)
        value = static_cast<std::uint64_t>(getpid());
    return fmt::format("{:016x}", value);
}

// The length of the header, with the line end of its last field; at most `limit`, cut at a line end. An original that cannot
// be read now may be readable later; that the message waits is better than a report without it.
std::expected<std::uint64_t, std::string> header_length(const queue::FileContent& content, std::uint64_t limit) {
    std::string block;
    while (block.size() < std::min(content.size(), limit)) {
        const auto more = content.read(block.size(), std::min<std::uint64_t>(kBlock, limit - block.size()));
        if (!more)
            return std::unexpected(more.error());
        block += *more;
    }
    const std::size_t end = block.starts_with("\r\n") ? 0 : block.find("\r\n\r\n");
    if (end != std::string::npos)
        return end == 0 ? std::uint64_t{0} : end + 2;
    const std::size_t line = block.rfind("\r\n");
    return line == std::string::npos ? std::uint64_t{0} : line + 2;
}

// Gives head, the first `length` octets of the original, and tail, one after the other.
class ReportContent {
  public:
    ReportContent(Report report, const queue::FileContent& original, std::uint64_t length)
        : report_{std::move(report)}, original_{original}, length_{length} {}

    std::string next(bool restart) {
        if (restart) {
            stage_ = 0;
            at_ = 0;
        }
        if (stage_ == 0) {
            part_ = report_.head;
            stage_ = 1;
        }
        if (part_.empty() && stage_ == 1) {
            std::string block = read_block();
            if (!block.empty())
                return block;
            part_ = report_.tail;
            stage_ = 2;
        }
        std::string piece = part_.substr(0, kBlock);
        part_.erase(0, piece.size());
        return piece;
    }

  private:
    std::string read_block() {
        auto block = original_.read(at_, std::min<std::uint64_t>(kBlock, length_ - at_));
        if (!block)
            queue::CleanupClient::break_off(block.error());
        at_ += block->size();
        return std::move(*block);
    }

    Report report_;
    const queue::FileContent& original_;
    std::uint64_t length_;
    std::uint64_t at_ = 0;
    std::string part_;
    int stage_ = 0;
};

}  // namespace

Reporter::Reporter(event::Loop& loop, const Params& params)
    : loop_{loop}, params_{params}, site_{params.myhostname(), params.mail_name(), params.myorigin()}, cleanup_{loop} {}

bool Reporter::notifies(std::string_view notice_class) const {
    const config::List& classes = params_.notify_classes();
    return std::any_of(classes.begin(), classes.end(),
        [&](const std::string& one) { return text::equal_ignoring_case(one, notice_class); });
}

// RFC 3461, 4.3 and 6.2; only a failure returns the whole, as else nothing is lost.
Returned Reporter::how_much(const BounceRequest& request) const {
    const bool small = request.content.length <= static_cast<std::uint64_t>(params_.bounce_size_limit());
    const bool header_wanted = request.mail.ret == envelope::Ret::headers || request.kind != BounceKind::failure;
    return small && !header_wanted ? Returned::message : Returned::header;
}

std::string Reporter::double_bounce_sender() const { return params_.double_bounce_sender() + "@" + params_.myhostname(); }

event::Task<std::string> Reporter::send(
    const BounceRequest& request, const queue::FileContent& content, const Order& order) {
    std::uint64_t length = content.size();
    if (order.returned == Returned::header) {
        const auto header = header_length(content, static_cast<std::uint64_t>(params_.bounce_size_limit()));
        if (!header)
            co_return header.error();
        length = *header;
    }
    Report report = compose(request, site_, order.recipient, order.audience, order.returned, random_word());
    ReportContent source{std::move(report), content, length};

    CleanupOpen open;
    open.mail.sender = order.from;
    open.mail.flags = envelope::kInternalMail | envelope::kLocalOrigin | envelope::kEightBit |
                      (request.mail.flags & envelope::kSmtpUtf8);
    open.handling = ipc::records::kCleanupOurs;
    open.recipients.emplace_back();
    open.recipients.back().address = order.recipient;
    queue::CleanupClient::Content next = [&](bool restart) { return source.next(restart); };
    CleanupReply reply = co_await cleanup_.submit(std::move(open), std::move(next));
    static constexpr const char* kKinds[] = {"non-delivery", "delay", "delivery status"};
    if (reply.code != 250)
        co_return fmt::format("{} {} {}", reply.code, reply.dsn, reply.reason);
    logging::info("{}: {} {} notification: {}", request.queue_id,
        order.audience == Audience::sender ? "sender" : "postmaster", kKinds[static_cast<std::size_t>(request.kind)],
        reply.queue_id);
    co_return std::string{};
}

event::Task<std::string> Reporter::tell_postmaster(const BounceRequest& request, const queue::FileContent& content) {
    const bool delay = request.kind == BounceKind::delay_warning;
    const bool double_bounce = request.mail.sender.empty();
    const char* notice_class = delay ? "delay" : double_bounce ? "2bounce" : "bounce";
    if (!notifies(notice_class))
        co_return std::string{};
    Order order;
    order.from = double_bounce_sender();
    order.recipient = delay           ? params_.delay_notice_recipient()
                      : double_bounce ? params_.two_bounce_notice_recipient()
                                      : params_.bounce_notice_recipient();
    order.audience = Audience::postmaster;
    order.returned = double_bounce ? how_much(request) : Returned::header;
    co_return co_await send(request, content, order);
}

event::Task<std::string> Reporter::report(BounceRequest request, event::Fd file) {
    if (text::equal_ignoring_case(request.mail.sender, double_bounce_sender())) {
        logging::warning("{}: undeliverable postmaster notification discarded", request.queue_id);
        co_return std::string{};
    }
    request.recipients = who_wants_report(request);
    if (request.recipients.empty() || !file)
        co_return file ? std::string{} : std::string{"the message's content was not passed on"};
    const queue::FileContent content{std::move(file), request.content};
    if (!request.mail.sender.empty()) {
        Order order;
        order.recipient = request.mail.sender;  // and the sender is the null one: nobody answers a report
        order.returned = how_much(request);
        std::string refused = co_await send(request, content, order);
        if (!refused.empty())
            co_return refused;
    }
    if (request.kind == BounceKind::success)
        co_return std::string{};
    std::string refused = co_await tell_postmaster(request, content);
    if (refused.empty() || request.mail.sender.empty())
        co_return refused;
    // The sender knows: to ask again would tell the sender again, as often as the postmaster's copy is refused.
    logging::warning("{}: the postmaster is not told: {}", request.queue_id, refused);
    co_return std::string{};
}

namespace {

struct Connection {
    Connection(event::Stream stream, worker::Client& the_seat, event::Loop& loop)
        : channel{std::move(stream)}, seat{the_seat}, writing{loop, 1}, scope{loop} {}
    ipc::Channel channel;
    worker::Client& seat;
    event::Semaphore writing;
    event::Scope scope;
    std::size_t open = 0;  // requests without a reply
};

event::Task<void> serve_one(Connection& connection, Reporter& reporter, BounceRequest request, event::Fd content) {
    BounceReply reply;
    reply.request_id = request.request_id;
    reply.reason = co_await reporter.report(std::move(request), std::move(content));
    reply.ok = reply.reason.empty();
    co_await connection.writing.acquire();
    try {
        connection.channel.write(reply);
        co_await connection.channel.stream().flush();
    } catch (const event::StreamError&) {
        // The reader sees the same; qmgr asks again and the sender may get two reports.
    }
    connection.writing.release();
    if (--connection.open == 0)
        connection.seat.set(worker::Client::State::between_requests);
}

event::Task<void> read_requests(Connection& connection, Reporter& reporter) {
    for (;;) {
        std::optional<std::string_view> frame = co_await connection.channel.next_frame();
        if (!frame)
            co_return;
        auto request = ipc::decode<BounceRequest>(*frame);
        if (!request) {
            logging::warning("client of private/bounce: {}", request.error());
            co_return;
        }
        connection.seat.set(worker::Client::State::busy);
        ++connection.open;
        event::Fd content = connection.channel.stream().take_fd();
        connection.scope.spawn(serve_one(connection, reporter, std::move(*request), std::move(content)));
    }
}

}  // namespace

event::Task<void> serve_requests(event::Stream stream, worker::Client& seat, Reporter& reporter) {
    Connection connection{std::move(stream), seat, reporter.loop()};
    seat.set(worker::Client::State::between_requests);
    std::string broken;
    try {
        co_await read_requests(connection, reporter);
    } catch (const event::StreamError& error) {
        broken = error.kind() == event::StreamError::Kind::cancelled ? "" : error.what();
    }
    if (!broken.empty())
        logging::warning("client of private/bounce: {}", broken);
    co_await connection.scope.close();
}

}  // namespace bounce
