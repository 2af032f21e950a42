// lib/event/loop.h - the event loop of a worker: one thread, many coroutines.
//
// The loop belongs to the thread that runs it. post() is the only member that other threads may call.
// Coroutines are resumed by the loop alone, never from inside another one.
//
// Lifetime    streams, timers and tasks must not outlive their loop. run() returns when stop() was called;
//             cancel_all() followed by run_until_idle() ends what is left, through the sessions' own clean-up.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/event/error.h"
#include "lib/event/task.h"

struct event_base;
struct libevent_event;

namespace event {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

class Loop {
  public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run();
    void stop();
    // Runs until no spawned task is left; for a worker that drains, and for tests.
    void run_until_idle();

    // Starts a root task; it runs at once up to its first wait. An exception that escapes is logged.
    void spawn(Task<void> task);
    // As spawn(), and calls `on_end` when it is over; `context` lets the caller cancel it until then.
    void spawn(Task<void> task, Context** context, std::function<void()> on_end);
    std::size_t tasks() const;
    void cancel_all();

    // Resumes `handle` in the next turn.
    void schedule(std::coroutine_handle<> handle);
    // As schedule(), from any thread.
    void post(std::coroutine_handle<> handle);
    void post(std::function<void()> call);

    // Calls `call` in the loop whenever the signal arrives.
    void on_signal(int signal, std::function<void()> call);

    // Counts turns, so that one busy stream can be made to wait for the others.
    std::uint64_t turn() const;
    event_base* base() const;
    // 64 KiB that anybody may read into between two awaits.
    char* scratch();
    static constexpr std::size_t kScratchSize = 65536;

    struct Impl;
    Impl& impl() { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

// What every awaiter of this folder does about its context. An awaiter derives from it, calls begin_wait()
// in await_suspend() and end_wait() first in await_resume().
class LoopWaiter : public Waiter {
  public:
    explicit LoopWaiter(Loop& loop) : loop_(loop) {}

  protected:
    ~LoopWaiter() = default;
    // False where the root is cancelled already: do not sleep.
    template <class Promise>
    bool begin_wait(std::coroutine_handle<Promise> handle) {
        handle_ = handle;
        context_ = handle.promise().context;
        if (context_ != nullptr && context_->cancelled)
            return false;
        if (context_ != nullptr)
            context_->waiting = this;
        return true;
    }
    void end_wait() {
        if (context_ == nullptr)
            return;
        context_->waiting = nullptr;
        if (context_->cancelled)
            throw StreamError(StreamError::Kind::cancelled, "stopped");
    }
    Loop& loop_;
    std::coroutine_handle<> handle_;
    Context* context_ = nullptr;
};

// Sleeps; ends early only by cancellation.
class Sleep final : public LoopWaiter {
  public:
    Sleep(Loop& loop, std::chrono::milliseconds duration) : LoopWaiter(loop), duration_(duration) {}
    Sleep(const Sleep&) = delete;
    bool await_ready() const { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (!begin_wait(handle))
            return false;
        arm();
        return true;
    }
    void await_resume() { end_wait(); }
    void cancel() override;
    void fire();

  private:
    void arm();
    std::chrono::milliseconds duration_;
    libevent_event* timer_ = nullptr;
};

// Goes on in the next turn, so that a caller is left before anything else happens.
class NextTurn final : public LoopWaiter {
  public:
    explicit NextTurn(Loop& loop) : LoopWaiter(loop) {}
    NextTurn(const NextTurn&) = delete;
    bool await_ready() const { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (!begin_wait(handle))
            return false;
        loop_.schedule(handle);
        return true;
    }
    void await_resume() { end_wait(); }
    void cancel() override {}  // it is scheduled already
};

inline NextTurn next_turn(Loop& loop) { return NextTurn(loop); }

inline Sleep sleep_for(Loop& loop, std::chrono::milliseconds duration) { return Sleep(loop, duration); }

}  // namespace event
