// imapd/login/imap_link.h - hands authenticated connections to imapd, or managesieved.
//
// Failure     hand_over() returns the reason, fit for the client ("..., try again later"); empty when it is done.
// Lifetime    outlives the sessions; the loop outlives it.
#pragma once

#include <string>

#include "lib/event/fd.h"
#include "lib/event/loop.h"
#include "lib/event/task.h"
#include "lib/ipc/records/imap_handover.h"
#include "lib/ipc/service_client.h"

namespace login {

class ImapLink {
  public:
    ImapLink(event::Loop& loop, std::string socket);

    // handover.request_id is filled in here.
    event::Task<std::string> hand_over(ipc::records::ImapHandover handover, event::Fd client);

  private:
    ipc::RecordClient<ipc::records::ImapHandover, ipc::records::ImapHandoverReply> imap_;
};

}  // namespace login
