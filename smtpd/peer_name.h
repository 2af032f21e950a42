// smtpd/peer_name.h - the name of a client, believed only if it leads back to the address.
//
// Standards   RFC 5321, 4.1.4; RFC 1912, 2.1 (forward-confirmed reverse DNS)
// Trust       whoever owns the address writes its PTR record: a name that is no host name, or does not resolve to
//             the address, is "unknown".
#pragma once

#include <map>
#include <string>

#include "lib/event/endpoint.h"
#include "lib/event/thread_pool.h"

namespace smtpd {

class PeerNames {
  public:
    explicit PeerNames(event::Loop& loop);

    // "mx.example.test", or "unknown". Answers are kept for a minute; loopback is "localhost".
    event::Task<std::string> find(event::SocketAddress address);

  private:
    struct Entry {
        std::string name;
        event::Clock::time_point until;
    };
    event::ThreadPool pool_;
    std::map<std::string, Entry> cache_;
};

}  // namespace smtpd
