// qmgr/bounce/reporter.h - who gets a report, how much is returned, and its way through cleanup.
//
// Failure     a report that cannot be queued is a reply that says so; the queue manager asks again later.
#pragma once

#include <string>

#include "lib/event/fd.h"
#include "lib/event/stream.h"
#include "lib/event/task.h"
#include "lib/ipc/records/bounce.h"
#include "lib/queue/cleanup_client.h"
#include "lib/queue/file_content.h"
#include "lib/worker/program.h"
#include "qmgr/bounce/params.h"
#include "qmgr/bounce/report.h"

namespace bounce {

class Reporter {
  public:
    Reporter(event::Loop& loop, const Params& params);

    event::Loop& loop() { return loop_; }
    // Empty when all reports that are due are in the queue; the reason otherwise.
    event::Task<std::string> report(ipc::records::BounceRequest request, event::Fd file);

  private:
    struct Order {
        std::string from;  // the report's own sender; empty: the null sender
        std::string recipient;
        Audience audience = Audience::sender;
        Returned returned = Returned::message;
    };
    event::Task<std::string> send(
        const ipc::records::BounceRequest& request, const queue::FileContent& content, const Order& order);
    event::Task<std::string> tell_postmaster(const ipc::records::BounceRequest& request, const queue::FileContent& content);
    bool notifies(std::string_view notice_class) const;
    Returned how_much(const ipc::records::BounceRequest& request) const;
    std::string double_bounce_sender() const;

    event::Loop& loop_;
    const Params& params_;
    Site site_;
    queue::CleanupClient cleanup_;
};

// One connection of the queue manager: requests in any number, replies as they become ready.
event::Task<void> serve_requests(event::Stream stream, worker::Client& seat, Reporter& reporter);

}  // namespace bounce
