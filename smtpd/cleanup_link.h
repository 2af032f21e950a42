// smtpd/cleanup_link.h - connections to cleanup(8), kept between messages.
//
// Each carries one message at a time. cleanup tells the next message's queue id ahead, so the log can name the
// message from its first accepted recipient on. See lib/ipc/records/cleanup.h.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "lib/ipc/channel.h"
#include "lib/ipc/records/cleanup.h"

namespace smtpd {

class CleanupLink {
  public:
    struct Lease {
        ipc::Channel channel;
        std::string queue_id;
    };

    CleanupLink(event::Loop& loop, std::string socket);

    // Talks to this instead of connecting: called with the other end of each connection.
    void use(std::function<void(event::Fd)> service) { service_ = std::move(service); }

    // A connection for one message; the reason where cleanup cannot be reached.
    event::Task<std::expected<Lease, std::string>> acquire();
    // Gives it back after a reply, or unused.
    void give_back(Lease lease);

  private:
    event::Task<ipc::Channel> connect();

    event::Loop& loop_;
    std::string socket_;
    std::function<void(event::Fd)> service_;
    std::vector<Lease> idle_;
};

}  // namespace smtpd
