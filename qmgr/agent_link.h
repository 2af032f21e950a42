// qmgr/agent_link.h - a connection to a delivery agent or to bounce that is there when there is work.
//
// The owner writes requests whenever ready() holds and gets frames back in any order. The agent may close an
// idle connection at any time (it was idle for too long, or reloads): that is no failure, and the next want()
// makes a new one.
//
// Failure     link_down() tells that the service cannot be reached, or that the connection broke; the owner knows
//             what was outstanding.
// Lifetime    run() and flush_loop() are spawned once and run as long as the process.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lib/event/fd.h"
#include "lib/event/loop.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "lib/ipc/channel.h"

namespace qmgr {

class AgentLink {
  public:
    class Owner {
      public:
        virtual void link_ready() = 0;
        virtual void link_frame(std::string_view frame) = 0;
        // `reached` is false where no connection could be made at all.
        virtual void link_down(const std::string& reason, bool reached) = 0;

      protected:
        ~Owner() = default;
    };

    AgentLink(event::Loop& loop, std::string path, Owner& owner);

    bool ready() const { return channel_ != nullptr; }
    void want();

    template <ipc::RecordType T>
    void write(const T& record, event::Fd descriptor) {
        channel_->write_with_fd(record, std::move(descriptor));
        unsent_.notify_one();
        dirty_ = true;
    }

  private:
    event::Task<void> run();
    event::Task<void> flush_loop();
    event::Task<std::string> connect();
    event::Task<std::string> read_frames();

    event::Loop& loop_;
    std::string path_;
    Owner& owner_;
    event::Notice wanted_notice_;
    event::Notice unsent_;
    bool wanted_ = false;
    bool dirty_ = false;
    std::shared_ptr<ipc::Channel> channel_;
};

}  // namespace qmgr
