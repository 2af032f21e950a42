// cleanup/qmgr_link.h - tells the queue manager what has just been committed.
//
// A hand-over is a courtesy: the message is on the disk, and a queue manager that is down or busy finds it there.
// So nothing here waits or fails towards the caller. When the queue manager does not keep up, hand-overs are
// dropped and it is asked to look into incoming/ itself.
#pragma once

#include <string>
#include <string_view>

#include "lib/event/fd.h"
#include "lib/event/loop.h"
#include "lib/event/task.h"
#include "lib/ipc/records/qmgr.h"
#include "lib/ipc/service_link.h"

namespace cleanup {

class QmgrLink final : ipc::ServiceLink::Owner {
  public:
    QmgrLink(event::Loop& loop, std::string socket);
    ~QmgrLink();

    // Connects, and again a second after each failure, for as long as the process lives.
    void start() { link_.want(); }

    // `file` is the committed queue file; its lock goes along.
    void hand_over(const ipc::records::QueueHandover& handover, event::Fd file);

  private:
    void link_ready() override;
    void link_frame(std::string_view) override {}
    void link_down(const std::string& reason, bool reached) override;
    event::Task<void> try_again();

    event::Loop& loop_;
    ipc::ServiceLink link_;
    event::Context* trying_ = nullptr;
    bool missed_ = true;  // a hand-over was dropped, or came before we were connected
    bool warned_ = false;
};

}  // namespace cleanup
