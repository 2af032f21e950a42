// lib/event/thread_pool.h - where blocking work waits: file syncs, password hashes, SQL, name look-ups.
//
//     auto job = [path] { return load(path); };
//     Table table = co_await pool.run(std::move(job));
//
// Threads start when there is work for them and stay; their stacks are small. A job that has begun cannot be
// cancelled: the coroutine is resumed when it is done.
//
// Failure     what the job throws is thrown by the await.
// Lifetime    the pool outlives its jobs: let the loop run until no task is left before destroying it.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "lib/event/loop.h"

namespace event {

class ThreadPool {
  public:
    ThreadPool(Loop& loop, unsigned threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;

    template <class Job>
    class Run;
    template <class Job>
    Run<std::decay_t<Job>> run(Job&& job) {
        return Run<std::decay_t<Job>>(*this, std::forward<Job>(job));
    }

    // An unawaited job; nobody is told when it is done.
    void post(std::function<void()> job);
    // Jobs that wait for a thread.
    std::size_t waiting() const;
    Loop& loop() const { return loop_; }

  private:
    struct Impl;
    Loop& loop_;
    std::unique_ptr<Impl> impl_;
};

template <class Job>
class ThreadPool::Run final : public LoopWaiter {
  public:
    using Result = std::invoke_result_t<Job&>;
    Run(ThreadPool& pool, Job job) : LoopWaiter(pool.loop()), pool_(pool), job_(std::move(job)) {}
    Run(const Run&) = delete;

    bool await_ready() const { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (!begin_wait(handle))
            return false;
        started_ = true;
        pool_.post([this] { work(); });
        return true;
    }
    Result await_resume() {
        if (!started_)
            end_wait();  // cancelled before it began
        else if (context_ != nullptr)
            context_->waiting = nullptr;
        if (error_)
            std::rethrow_exception(error_);
        if constexpr (!std::is_void_v<Result>)
            return std::move(*result_);
    }
    void cancel() override {}

  private:
    void work() {
        try {
            if constexpr (std::is_void_v<Result>)
                job_();
            else
                result_.emplace(job_());
        } catch (...) {
            error_ = std::current_exception();
        }
        loop_.post(handle_);  // the last touch: the frame may be gone after it
    }
    ThreadPool& pool_;
    Job job_;
    bool started_ = false;
    std::exception_ptr error_;
    std::conditional_t<std::is_void_v<Result>, std::optional<bool>, std::optional<Result>> result_;
};

}  // namespace event
