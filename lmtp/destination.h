// lmtp/destination.h - the servers behind a nexthop, and connections kept between messages.
//
// A nexthop is `unix:path`, `inet:host:port`, `host:port` or `[host]:port`. Connections that have just delivered
// wait a short while for the next message to the same nexthop; qmgr decides how many there are at once.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/event/thread_pool.h"
#include "lmtp/session.h"

namespace lmtp {

class Destinations {
  public:
    Destinations(event::Loop& loop, const Settings& settings);

    // Delivers over a kept connection or a new one; every recipient has a result afterwards.
    event::Task<void> deliver(delivery::Job& job);
    // Says goodbye to connections that waited too long; runs for as long as the process.
    event::Task<void> close_idle();
    void close_all();

  private:
    struct Kept {
        std::unique_ptr<Session> session;
        event::Clock::time_point since;
    };
    event::Task<std::expected<std::unique_ptr<Session>, DestinationFailure>> open(std::string nexthop);
    event::Task<std::expected<std::vector<event::SocketAddress>, std::string>> resolve(event::Endpoint endpoint);
    event::Task<std::expected<std::unique_ptr<Session>, DestinationFailure>> open_first(
        std::vector<event::SocketAddress> addresses, event::Endpoint endpoint);
    std::unique_ptr<Session> take_kept(const std::string& nexthop);
    void keep(const std::string& nexthop, std::unique_ptr<Session> session);
    void dismiss(std::unique_ptr<Session> session);

    event::Loop& loop_;
    const Settings& settings_;
    event::ThreadPool resolver_;  // names that are not addresses
    std::map<std::string, std::vector<Kept>> kept_;
};

}  // namespace lmtp
