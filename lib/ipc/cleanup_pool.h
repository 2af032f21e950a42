// lib/ipc/cleanup_pool.h - connections to cleanup(8), each of which carries one message after the other.
//
// The memo of a lease is the queue id that the next message will have, which cleanup tells ahead, so that the log can name a
// message from its first accepted recipient on. See lib/ipc/records/cleanup.h for the talk.
//
// Failure     as ServicePool.
#pragma once

#include <chrono>
#include <string>

#include "lib/ipc/records/cleanup.h"
#include "lib/ipc/service_pool.h"

namespace ipc {

using CleanupPool = ServicePool<records::CleanupReady>;

CleanupPool open_cleanup_pool(
    event::Loop& loop, std::string socket, std::chrono::milliseconds connect, std::size_t most_idle);

}  // namespace ipc
