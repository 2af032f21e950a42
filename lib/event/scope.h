// lib/event/scope.h - work that runs beside its owner, and ends before it.
//
// A Scope holds detached tasks. Its owner awaits close() before it goes; destroying a scope that still has
// tasks is a panic, because they would touch what is gone. first_of() races tasks and keeps none running.
#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "lib/event/loop.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"

namespace event {

class Scope {
  public:
    explicit Scope(Loop& loop) : loop_(loop), empty_(loop) {}
    ~Scope();
    Scope(const Scope&) = delete;

    void spawn(Task<void> task);
    std::size_t size() const { return running_; }
    // Tells every task to stop; they do so in later turns.
    void cancel();
    // Waits until every task has ended. It does not cancel them, and is not cut short by cancellation.
    Task<void> close();

  private:
    Loop& loop_;
    Notice empty_;
    std::size_t running_ = 0;
    std::set<Context*> contexts_;
};

// Runs all of them until one has ended, then cancels and awaits the others. Returns the index of the first;
// rethrows what it threw. A cancelled read leaves its octets in the stream, so nothing is lost.
Task<std::size_t> first_of(Loop& loop, std::vector<Task<void>> tasks);

}  // namespace event
