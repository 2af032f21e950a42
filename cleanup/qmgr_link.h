// cleanup/qmgr_link.h - tells the queue manager what has just been committed.
//
// A hand-over is a courtesy: the message is on the disk, and a queue manager that is down or busy finds it there.
// So nothing here waits or fails towards the caller. When the queue manager does not keep up, hand-overs are
// dropped and it is asked to look into incoming/ itself.
#pragma once

#include <string>

#include "lib/event/fd.h"
#include "lib/event/loop.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/records/qmgr.h"

namespace cleanup {

class QmgrLink {
  public:
    QmgrLink(event::Loop& loop, std::string path) : loop_{loop}, path_{std::move(path)}, work_{loop} {}

    // `file` is the committed queue file; its lock goes along.
    void hand_over(const ipc::records::QueueHandover& handover, event::Fd file);

    // Runs as long as the process.
    event::Task<void> run();

  private:
    event::Task<void> connect();
    event::Task<void> send_pending();

    event::Loop& loop_;
    std::string path_;
    event::Notice work_;
    ipc::Channel channel_;
    bool connected_ = false;
    bool unsent_ = false;  // something was written since the last flush
    bool missed_ = false;  // a hand-over was dropped
    bool warned_ = false;
};

}  // namespace cleanup
