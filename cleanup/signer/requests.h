// cleanup/signer/requests.h - one connection of a program that wants signatures.
#pragma once

#include <functional>

#include "cleanup/signer/key_ring.h"
#include "lib/event/stream.h"
#include "lib/event/task.h"
#include "lib/event/thread_pool.h"
#include "lib/worker/program.h"

namespace signer {

// See lib/ipc/records/signer.h. A record that does not belong ends the connection; so does a request that comes when the
// keys are `outdated`: whoever sent it asks again, and a fresh process answers.
event::Task<void> serve_client(event::Stream stream, worker::Client& seat, const KeyRing& keys, event::ThreadPool& pool,
    std::function<bool()> outdated);

}  // namespace signer
