// lib/worker/control.h - what master and a worker say to each other.
//
// One octet a message, over the worker's control socket (descriptor kControlDescriptor). When it closes, the
// other side is gone: a worker whose master died finishes what it holds and exits.
#pragma once

namespace worker {

inline constexpr int kControlDescriptor = 3;
inline constexpr int kFirstListener = 4;  // the service's listening sockets, as many as -s says

enum class ToWorker : char {
    drain = 'D',   // reload: take no more clients; running dialogues go on to their own end
    stop = 'S',    // finish what is being done, say goodbye, exit
    wakeup = 'W',  // the service's timer
};

enum class ToMaster : char {
    available = 'A',  // takes clients
    busy = 'B',       // has as many clients as it may have; another process is needed for more
    leaving = 'X',    // takes no more clients: idle for too long, used up, or draining
    failed = 'F',     // could not start; the log says why: do not start it again at once
};

}  // namespace worker
