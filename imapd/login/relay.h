// imapd/login/relay.h - moves octets between a client under TLS and its session process.
//
// Neither side is read faster than the other takes: at most a buffer's worth waits in each direction.
#pragma once

#include <chrono>

#include "lib/event/stream.h"
#include "lib/event/task.h"

namespace login {

// Until one side ends; what the session has said is then delivered first. True if it was the session.
event::Task<bool> relay(event::Stream& client, event::Stream& session, std::chrono::seconds timeout);

}  // namespace login
