#include "cleanup/qmgr_link.h"

#include "lib/log/log.h"

namespace cleanup {

using namespace std::chrono_literals;
using ipc::records::QmgrCommand;
using ipc::records::QmgrVerb;

namespace {
constexpr std::size_t kMaxUnsent = 1 << 20;
constexpr std::size_t kMaxEnvelope = 1 << 20;  // a message with more recipients is read from its file
}  // namespace

QmgrLink::QmgrLink(event::Loop& loop, std::string socket)
    : loop_{loop}, link_{loop, ipc::ServiceSettings{std::move(socket)}, *this} {}

QmgrLink::~QmgrLink() {
    if (trying_ != nullptr)
        trying_->cancel();
}

void QmgrLink::hand_over(const ipc::records::QueueHandover& handover, event::Fd file) {
    link_.renew_if_gone();
    if (link_.ready() && !missed_ && handover.envelope.size() <= kMaxEnvelope && link_.unsent() <= kMaxUnsent)
        return link_.write(handover, std::move(file));
    missed_ = true;
    if (link_.ready() && link_.unsent() <= kMaxUnsent)
        link_ready();
}

// The queue manager is to look for itself: what we did not hand over is in incoming/.
void QmgrLink::link_ready() {
    warned_ = false;
    if (!missed_)
        return;
    missed_ = false;
    QmgrCommand scan;
    scan.verb = QmgrVerb::scan_incoming;
    link_.write(scan);
}

void QmgrLink::link_down(const std::string& reason, bool reached) {
    missed_ = true;
    if (!reached && !warned_) {
        logging::warning("{}: new mail waits until the queue manager looks for it", reason);
        warned_ = true;
    }
    if (reached)
        return link_.want();
    loop_.spawn(try_again(), &trying_, [this] { trying_ = nullptr; });
}

event::Task<void> QmgrLink::try_again() {
    co_await event::sleep_for(loop_, 1s);
    link_.want();
}

}  // namespace cleanup
