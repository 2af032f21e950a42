// lib/event/task.h - Task<T>: a coroutine that reads like the protocol it speaks.
//
// A Task is lazy, move-only and awaited in the statement that makes it. Only Loop::spawn() and Scope::spawn()
// start one without awaiting it. Awaiting starts the child at once on the same stack ("inline start"); the
// awaiting coroutine sleeps only if the child did. g++ 12 miscompiles several legal spellings of co_await:
// test/lint enforces the narrow style, test/unit/lib/event/compiler_traps_test.cc shows the traps.
//
// Cancellation  every root has a Context that its children share. Cancelling marks it and wakes whatever the
//               root waits for; that await, and each later one, throws StreamError of kind `cancelled`.
//               Nothing resumes inline: a cancelled coroutine runs in a later turn of the loop.
// Failure       exceptions pass from a child to whom awaits it.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace event {

// Something a coroutine sleeps on. It lives in the sleeping coroutine's frame.
class Waiter {
  public:
    // Unhooks from what it waits for and schedules the coroutine; does nothing where that cannot be cut short.
    virtual void cancel() = 0;

  protected:
    ~Waiter() = default;
};

// What the coroutines of one root share.
struct Context {
    Waiter* waiting = nullptr;  // the leaf that all of them wait for
    bool cancelled = false;

    void cancel() {
        cancelled = true;
        if (waiting != nullptr)
            waiting->cancel();
    }
};

namespace detail {

struct PromiseBase {
    std::coroutine_handle<> continuation;
    Context* context = nullptr;
    bool suspended = false;  // whether the awaiting coroutine sleeps and must be resumed
    std::exception_ptr error;

    struct Final {
        bool await_ready() noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
            PromiseBase& promise = self.promise();
            return promise.suspended ? promise.continuation : std::noop_coroutine();
        }
        void await_resume() noexcept {}
    };

    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void unhandled_exception() { error = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
    std::optional<T> value;
    auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
    template <class U>
    void return_value(U&& result) {
        value.emplace(std::forward<U>(result));
    }
    T take() {
        if (error)
            std::rethrow_exception(error);
        return std::move(*value);
    }
};

template <>
struct Promise<void> : PromiseBase {
    auto get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
    void return_void() {}
    void take() {
        if (error)
            std::rethrow_exception(error);
    }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
  public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    Task(Handle handle) : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            destroy();
            handle_ = std::exchange(other.handle_, {});
        }
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() { destroy(); }

    bool await_ready() const noexcept { return false; }
    template <class ParentPromise>
    bool await_suspend(std::coroutine_handle<ParentPromise> parent) {
        promise_type& promise = handle_.promise();
        promise.context = parent.promise().context;
        promise.continuation = parent;
        handle_.resume();
        if (handle_.done())
            return false;
        promise.suspended = true;
        return true;
    }
    T await_resume() { return handle_.promise().take(); }

  private:
    void destroy() {
        if (handle_)
            handle_.destroy();
    }
    Handle handle_;
};

}  // namespace event
