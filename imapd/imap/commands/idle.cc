// IDLE (RFC 2177). While it lasts, the process holds as little as it can.
#include <algorithm>

#include "imapd/imap/command_table.h"
#include "lib/message/header.h"

namespace imapd {

Reply command_idle(Session& session, const imap::Command&) {
    using Clock = std::chrono::steady_clock;
    sessions::Wire& wire = session.wire();
    wire.write("+ idling\r\n");
    std::unique_ptr<store::Watch> watch;
    if (session.has_selected()) {
        watch = session.selected().mailbox().watch();
        session.report(true);  // what happened before the watch began
    }
    session.rest();
    auto last_sign = Clock::now();
    for (;;) {
        std::chrono::milliseconds patience = session.settings().idle_notify_interval;
        int descriptor = watch ? watch->descriptor() : -1;
        if (watch && descriptor < 0)
            patience = std::min<std::chrono::milliseconds>(patience, session.settings().idle_poll_interval);
        sessions::Wire::Woken woken = wire.wait(descriptor, patience);
        if (woken == sessions::Wire::Woken::input)
            break;
        if (watch && watch->changed()) {
            session.report(true);
            session.rest();
            last_sign = Clock::now();
        } else if (Clock::now() - last_sign >= session.settings().idle_notify_interval) {
            wire.write("* OK Still here\r\n");
            wire.flush();
            wire.rest();
            last_sign = Clock::now();
        }
    }
    if (!message::equal_ignoring_case(wire.read_line(65536), "DONE"))
        return Reply::bad("DONE is expected");
    return Reply::ok("Idle is over");
}

}  // namespace imapd
