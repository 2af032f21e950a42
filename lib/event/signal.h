// lib/event/signal.h - how coroutines of one loop wait for each other: notices, queues, semaphores.
//
// All of it belongs to the loop's thread. Waking schedules the sleeper for the next turn; nothing resumes inline.
#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "lib/event/loop.h"

namespace event {

// Wakes everybody who waits at that moment. wait() always sleeps: test the condition before and after.
class Notice {
  public:
    explicit Notice(Loop& loop) : loop_(loop) {}
    ~Notice() = default;
    Notice(const Notice&) = delete;

    class Wait;
    class TimedWait;
    Wait wait(bool cancellable = true);
    // As wait(), for at most that long; false where the time is over.
    TimedWait wait_for(std::chrono::milliseconds limit);
    void notify_all();
    void notify_one();
    bool has_waiters() const { return !waiters_.empty(); }

  private:
    Loop& loop_;
    std::deque<Wait*> waiters_;
};

class Notice::Wait : public LoopWaiter {
  public:
    Wait(Notice& notice, bool cancellable) : LoopWaiter(notice.loop_), notice_(notice), cancellable_(cancellable) {}
    Wait(const Wait&) = delete;
    bool await_ready() const { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        bool may_sleep = begin_wait(handle);
        if (!may_sleep && cancellable_)
            return false;
        notice_.waiters_.push_back(this);
        return true;
    }
    void await_resume() {
        if (cancellable_)
            end_wait();
        else if (context_ != nullptr)
            context_->waiting = nullptr;
    }
    void cancel() override;

  protected:
    // Leaves the notice; false where it was woken already.
    bool leave();

  private:
    friend class Notice;
    Notice& notice_;
    bool cancellable_;
};

class Notice::TimedWait final : public Notice::Wait {
  public:
    TimedWait(Notice& notice, std::chrono::milliseconds limit) : Wait(notice, true), limit_(limit) {}
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (!Wait::await_suspend(handle))
            return false;
        arm();
        return true;
    }
    bool await_resume() {
        disarm();
        Wait::await_resume();
        return !over_;
    }
    void fire();

  private:
    void arm();
    void disarm();
    std::chrono::milliseconds limit_;
    libevent_event* timer_ = nullptr;
    bool over_ = false;
};

inline Notice::Wait Notice::wait(bool cancellable) { return Wait(*this, cancellable); }
inline Notice::TimedWait Notice::wait_for(std::chrono::milliseconds limit) { return TimedWait(*this, limit); }

// Values from producers to consumers, in order; push() never waits.
template <class T>
class Queue {
  public:
    explicit Queue(Loop& loop) : filled_(loop) {}
    void push(T value) {
        values_.push_back(std::move(value));
        filled_.notify_one();
    }
    // The next value; none once the queue is closed and empty.
    Task<std::optional<T>> pop() {
        while (values_.empty() && !closed_)
            co_await filled_.wait();
        std::optional<T> value;
        if (!values_.empty()) {
            value.emplace(std::move(values_.front()));
            values_.pop_front();
        }
        co_return value;
    }
    void close() {
        closed_ = true;
        filled_.notify_all();
    }
    std::size_t size() const { return values_.size(); }

  private:
    std::deque<T> values_;
    bool closed_ = false;
    Notice filled_;
};

// At most `permits` holders at once.
class Semaphore {
  public:
    Semaphore(Loop& loop, std::size_t permits) : free_(permits), freed_(loop) {}
    Task<void> acquire() {
        while (free_ == 0)
            co_await freed_.wait();
        --free_;
    }
    void release() {
        ++free_;
        freed_.notify_one();
    }
    std::size_t available() const { return free_; }

  private:
    std::size_t free_;
    Notice freed_;
};

}  // namespace event
