#include "cleanup/qmgr_link.h"

#include "lib/event/error.h"
#include "lib/log/log.h"

namespace cleanup {

using namespace std::chrono_literals;
using ipc::records::QmgrCommand;
using ipc::records::QmgrVerb;

namespace {
constexpr std::size_t kMaxUnsent = 1 << 20;
constexpr std::size_t kMaxEnvelope = 1 << 20;  // a message with more recipients is read from its file
}  // namespace

void QmgrLink::hand_over(const ipc::records::QueueHandover& handover, event::Fd file) {
    if (!connected_ || handover.envelope.size() > kMaxEnvelope || channel_.stream().unsent() > kMaxUnsent) {
        missed_ = true;
    } else {
        channel_.write_with_fd(handover, std::move(file));
        unsent_ = true;
    }
    work_.notify_one();
}

event::Task<void> QmgrLink::connect() {
    std::string reason;
    try {
        channel_ = co_await ipc::connect_service(loop_, path_, 10s);
        connected_ = true;
        warned_ = false;
        missed_ = true;  // what came before we were connected
    } catch (const event::StreamError& error) {
        if (error.kind() == event::StreamError::Kind::cancelled)
            throw;
        reason = error.what();
    }
    if (!reason.empty() && !warned_) {
        logging::warning("{}: new mail waits until the queue manager looks for it", reason);
        warned_ = true;
    }
}

event::Task<void> QmgrLink::send_pending() {
    bool broken = false;
    try {
        if (missed_) {
            missed_ = false;
            QmgrCommand scan;
            scan.verb = QmgrVerb::scan_incoming;
            channel_.write(scan);
        }
        unsent_ = false;
        co_await channel_.stream().flush();
    } catch (const event::StreamError& error) {
        if (error.kind() == event::StreamError::Kind::cancelled)
            throw;
        broken = true;
    }
    if (broken) {
        connected_ = false;
        missed_ = true;
        channel_ = ipc::Channel{};
    }
}

event::Task<void> QmgrLink::run() {
    for (;;) {
        if (!connected_)
            co_await connect();
        if (!connected_) {
            co_await event::sleep_for(loop_, 1s);
            continue;
        }
        if (unsent_ || missed_)
            co_await send_pending();
        else
            co_await work_.wait();
    }
}

}  // namespace cleanup
