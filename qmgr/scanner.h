// qmgr/scanner.h - finds the messages that nobody handed over, and those whose time has come.
//
// After a start everything comes from the directories alone. Later incoming/ is searched when a hand-over was
// refused or missed, deferred/ every queue_run_delay or when somebody flushes. A search goes on in slices in the
// thread pool and stops while the active queue is full, so that a million messages are as easy as ten.
#pragma once

#include <chrono>
#include <set>
#include <string>

#include "lib/event/loop.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "lib/event/thread_pool.h"
#include "lib/queue/spool.h"
#include "qmgr/loader.h"
#include "qmgr/params.h"
#include "qmgr/scheduler.h"

namespace qmgr {

class Scanner {
  public:
    Scanner(event::Loop& loop, const Params& params, const queue::Spool& spool, Scheduler& scheduler);

    void want_incoming();
    void want_deferred();
    // Everything, due or not, dead destinations too.
    void flush_all();
    void flush_site(std::string domain);
    // One message; empty, or why not.
    event::Task<std::string> flush_id(std::string id);
    // A hand-over was refused for lack of room.
    void note_overflow() { overflow_ = true; }

  private:
    event::Task<void> serve_incoming();
    event::Task<void> serve_deferred();
    event::Task<void> tick();
    event::Task<void> watch_clock();
    event::Task<void> scan(std::vector<queue::QueueName> queues, bool old_mail, Wanted wanted);
    void room_was_made();

    event::Loop& loop_;
    const Params& params_;
    const queue::Spool& spool_;
    Scheduler& scheduler_;
    event::ThreadPool pool_;
    event::Notice incoming_notice_;
    event::Notice deferred_notice_;
    event::Notice room_;
    bool incoming_wanted_ = true;
    bool deferred_wanted_ = true;
    bool all_wanted_ = false;
    bool overflow_ = false;
    std::set<std::string> sites_wanted_;
};

}  // namespace qmgr
