// master/listeners.h - the sockets of the services, opened before any worker exists.
//
// A socket stays open over a reload as long as master.cf still asks for the same address, so that no client
// is refused meanwhile; systemd's sockets are used where their address is the one wanted.
//
// Failure     open_listeners() returns a reason that names master.cf's line and the address.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <vector>

#include "lib/config/master_cf.h"
#include "lib/event/endpoint.h"
#include "master/params.h"

namespace master {

// Listening descriptors by address ("127.0.0.1:25") or path ("private/lmtp").
using SocketMap = std::map<std::string, event::Fd>;

// The addresses or paths that a service listens at.
std::expected<std::vector<std::string>, std::string> listener_names(
    const config::Service& service, const Params& params, const config::MainCf& cf);

// Opens those, or takes them out of `kept` (the sockets from before a reload, or systemd's).
std::expected<SocketMap, std::string> open_listeners(
    const config::Service& service, const Params& params, const config::MainCf& cf, SocketMap& kept);

// The sockets that systemd has opened for us (sd_listen_fds(3)).
SocketMap systemd_sockets();

}  // namespace master
