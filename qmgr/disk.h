// qmgr/disk.h - the changes that the queue manager makes on the disk, in order, beside the loop.
//
// Removing, renaming and appending may wait for the file system's journal, so they are done by one thread, in the
// order in which they were asked for, many at a time when there are many. `done` is called in the loop.
//
// Failure     a job returns its trouble; `done` gets it.
#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "lib/event/loop.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "lib/event/thread_pool.h"
#include "lib/queue/queue_file.h"

namespace qmgr {

class Disk {
  public:
    using Job = std::function<std::optional<queue::Failure>()>;
    using Done = std::function<void(const std::optional<queue::Failure>&)>;

    explicit Disk(event::Loop& loop);

    void run(Job job, Done done);
    // As run(), for a coroutine.
    event::Task<std::optional<queue::Failure>> perform(Job job);
    // Jobs that are not done yet.
    std::size_t pending() const { return pending_; }

  private:
    struct Work {
        Job job;
        Done done;
        std::optional<queue::Failure> trouble;
    };
    event::Task<void> serve();

    event::Loop& loop_;
    event::ThreadPool pool_;
    event::Notice arrived_;
    std::vector<Work> queue_;
    std::size_t pending_ = 0;
};

}  // namespace qmgr
