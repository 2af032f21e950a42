// imapd/login/imap_link.h - hands authenticated connections to imapd.
//
// One connection to private/imap carries all hand-overs of this process; it is made when first needed and anew when
// imapd has gone away.
//
// Failure     hand_over() returns the reason, fit for the client ("..., try again later"); empty when it is done.
// Lifetime    outlives the sessions; the loop outlives it.
#pragma once

#include <memory>
#include <string>

#include "lib/event/fd.h"
#include "lib/event/loop.h"
#include "lib/event/task.h"
#include "lib/ipc/records/imap_handover.h"

namespace login {

class ImapLink {
  public:
    ImapLink(event::Loop& loop, std::string socket);
    ~ImapLink();
    ImapLink(const ImapLink&) = delete;

    // handover.request_id is filled in here.
    event::Task<std::string> hand_over(ipc::records::ImapHandover handover, event::Fd client);

    struct State;

  private:
    std::shared_ptr<State> state_;
};

}  // namespace login
