// imapd/sieve/delivery/parent_link.h - a user's process talks to its parent, in plain blocking calls.
//
//     while (auto job = link.next()) link.answer(deliver(*job));
//
// See lib/ipc/records/sieve.h. Failure: the parent is gone, or says something else than it should: the process ends.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "lib/event/fd.h"
#include "lib/ipc/records/sieve.h"

namespace sieve_delivery {

struct Job {
    ipc::records::SieveDeliver request;
    event::Fd content;
};

class ParentLink {
  public:
    explicit ParentLink(event::Fd socket) : socket_(std::move(socket)) {}

    // Waits so long for the next message, or for the end: false if neither came.
    bool wait(std::chrono::milliseconds longest);
    // The next message; nothing when the process shall end.
    std::optional<Job> next();
    void answer(const ipc::records::SieveDelivered& answer);
    // Mail that a script sends; the answer comes when it is in the queue.
    ipc::records::SieveSubmitted submit(const ipc::records::SieveSubmit& request, const std::string& content);

  private:
    std::optional<std::string> read_frame(event::Fd* descriptor);
    void write_frame(const std::string& frame, int descriptor);

    event::Fd socket_;
};

}  // namespace sieve_delivery
