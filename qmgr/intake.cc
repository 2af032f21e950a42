#include "qmgr/intake.h"

#include <sys/socket.h>
#include <unistd.h>

#include "lib/event/error.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/records/qmgr.h"
#include "lib/log/log.h"

namespace qmgr {
namespace {

using ipc::records::QmgrAnswer;
using ipc::records::QmgrCommand;
using ipc::records::QmgrVerb;
using ipc::records::QueueHandover;

constexpr std::size_t kMaxCommand = 4096;

// Whoever may write into the queue may as well tell us about it.
bool is_one_of_us(int descriptor, const queue::Spool& spool) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return false;
    const auto owner = spool.owner();
    return peer.uid == geteuid() || peer.uid == 0 || (owner && peer.uid == *owner);
}

// A reason, or the message is taken in or left for the next look into the queue.
std::string take_handover(
    std::string_view frame, event::Fd file, const queue::Spool& spool, Scheduler& scheduler, Scanner& scanner) {
    auto handover = ipc::decode<QueueHandover>(frame);
    if (!handover)
        return handover.error();
    auto claimed = spool.accept(std::move(*handover), std::move(file));
    if (!claimed)
        return claimed.error();
    if (scheduler.has_room(false))
        scheduler.admit(std::make_unique<Message>(std::move(*claimed)));
    else
        scanner.note_overflow();
    return {};
}

event::Task<void> obey(const QmgrCommand& command, QmgrAnswer& answer, Scanner& scanner) {
    answer.ok = true;
    switch (command.verb) {
    case QmgrVerb::scan_incoming: scanner.want_incoming(); co_return;
    case QmgrVerb::scan_deferred: scanner.want_deferred(); co_return;
    case QmgrVerb::flush_all: scanner.flush_all(); co_return;
    case QmgrVerb::flush_site: scanner.flush_site(command.argument); co_return;
    case QmgrVerb::flush_id:
        answer.reason = co_await scanner.flush_id(command.argument);
        answer.ok = answer.reason.empty();
        co_return;
    }
    answer.ok = false;
    answer.reason = "unknown command";
}

event::Task<std::string> take_frame(std::string_view frame, ipc::Channel& channel, bool trusted, const queue::Spool& spool,
    Scheduler& scheduler, Scanner& scanner) {
    if (ipc::record_name(frame) == QueueHandover::kRecord) {
        event::Fd file = channel.stream().take_fd();
        if (!trusted)
            co_return std::string{"a hand-over from a process of another user"};
        co_return take_handover(frame, std::move(file), spool, scheduler, scanner);
    }
    const auto command = ipc::decode<QmgrCommand>(frame);
    if (!command)
        co_return command.error();
    QmgrAnswer answer;
    co_await obey(*command, answer, scanner);
    if (command->verb != QmgrVerb::scan_incoming) {
        channel.write(answer);
        co_await channel.stream().flush();
    }
    co_return std::string{};
}

}  // namespace

event::Task<void> serve_client(
    event::Stream stream, worker::Client& seat, const queue::Spool& spool, Scheduler& scheduler, Scanner& scanner) {
    const bool trusted = is_one_of_us(stream.descriptor(), spool);
    const std::size_t limit = trusted ? ipc::kMaxFrame : kMaxCommand;
    ipc::Channel channel{std::move(stream)};
    seat.set(worker::Client::State::between_requests);
    try {
        for (;;) {
            std::optional<std::string_view> frame = co_await channel.next_frame(limit);
            if (!frame)
                co_return;
            std::string wrong = co_await take_frame(*frame, channel, trusted, spool, scheduler, scanner);
            if (!wrong.empty()) {
                logging::warning("client of public/qmgr: {}", wrong);
                co_return;
            }
        }
    } catch (const event::StreamError& error) {
        if (error.kind() == event::StreamError::Kind::cancelled)
            throw;
    }
}

}  // namespace qmgr
