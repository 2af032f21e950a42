// qmgr/showq/listing.h - what waits in the queue, read from the directories.
//
// showq sends it to postqueue; postqueue makes it itself when the mail system is down and root asks.
//
// Failure     a message that goes away meanwhile, or that cannot be read, is left out.
// Trust       files are checked like everywhere; nothing is locked, so a listing never disturbs a delivery.
#pragma once

#include <string>
#include <vector>

#include "lib/ipc/records/showq.h"
#include "lib/queue/spool.h"

namespace showq {

// One message after the other; the queues in the order incoming, active, deferred, hold, maildrop.
class Listing {
  public:
    explicit Listing(const queue::Spool& spool);

    // The next messages, at most a few dozen; empty at the end. Blocks.
    std::vector<ipc::records::ShowqMessage> next();

  private:
    const queue::Spool& spool_;
    queue::Scan scan_;
};

}  // namespace showq
