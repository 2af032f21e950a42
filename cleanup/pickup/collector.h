// cleanup/pickup/collector.h - takes messages from maildrop/ to cleanup.
//
// A file is removed only after cleanup has queued the message, or after bounce has queued the report about it. A
// message that cleanup cannot take now stays and is tried again.
//
// Failure     logged; the file stays, or goes to corrupt/ when it is damaged.
// Trust       maildrop/ is filled by any user through postdrop: links, odd file types and anything that is no whole
//             queue file are refused, and the file's owner is whom the log names. Files of our own user come from
//             postsuper -r and keep their history.
#pragma once

#include <set>
#include <string>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "lib/event/thread_pool.h"
#include "lib/ipc/records/bounce.h"
#include "lib/ipc/records/cleanup.h"
#include "lib/ipc/service_client.h"
#include "lib/queue/cleanup_client.h"
#include "lib/queue/spool.h"

namespace pickup {

class Collector {
  public:
    Collector(event::Loop& loop, const queue::Spool& spool);

    // Something was dropped, or it is time to look.
    void look();
    // Runs as long as the process.
    event::Task<void> run();

  private:
    event::Task<void> collect();
    event::Task<void> collect_one(std::string id);
    static ipc::records::CleanupOpen make_open(const queue::Submission& letter);
    event::Task<std::string> tell_sender(const queue::Submission& letter, const ipc::records::CleanupReply& refusal);
    event::Task<void> settle(const queue::Submission& letter, const ipc::records::CleanupReply& reply);

    event::Loop& loop_;
    const queue::Spool& spool_;
    event::ThreadPool pool_;
    queue::CleanupClient cleanup_;
    ipc::RecordClient<ipc::records::BounceRequest, ipc::records::BounceReply> bounce_;
    event::Semaphore places_;
    event::Notice wanted_notice_;
    bool wanted_ = true;
};

}  // namespace pickup
