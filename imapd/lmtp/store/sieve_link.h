// imapd/lmtp/store/sieve_link.h - hands messages for users with scripts to sieve-delivery, over one connection.
//
// Failure     deliver() gives an answer of 451 where sieve-delivery cannot be reached or goes away: the message comes again.
// Lifetime    one per process; connects when it is first needed, and again after a loss.
#pragma once

#include <string>

#include "lib/event/fd.h"
#include "lib/event/loop.h"
#include "lib/event/task.h"
#include "lib/ipc/records/sieve.h"
#include "lib/ipc/service_client.h"

namespace lmtp_store {

class SieveLink {
  public:
    SieveLink(event::Loop& loop, std::string socket);

    // `content` is empty where the request holds the message.
    event::Task<ipc::records::SieveDelivered> deliver(ipc::records::SieveDeliver request, event::Fd content);

  private:
    ipc::RecordClient<ipc::records::SieveDeliver, ipc::records::SieveDelivered> sieve_;
};

}  // namespace lmtp_store
