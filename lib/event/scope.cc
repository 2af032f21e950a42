#include "lib/event/scope.h"

#include <algorithm>
#include <memory>

#include "lib/event/libevent.h"
#include "lib/log/log.h"

namespace event {

void Notice::notify_all() {
    std::deque<Wait*> waiters;
    waiters.swap(waiters_);
    for (Wait* waiter : waiters)
        loop_.schedule(waiter->handle_);
}

void Notice::notify_one() {
    if (waiters_.empty())
        return;
    Wait* waiter = waiters_.front();
    waiters_.pop_front();
    loop_.schedule(waiter->handle_);
}

bool Notice::Wait::leave() {
    auto place = std::find(notice_.waiters_.begin(), notice_.waiters_.end(), this);
    if (place == notice_.waiters_.end())
        return false;
    notice_.waiters_.erase(place);
    loop_.schedule(handle_);
    return true;
}

void Notice::Wait::cancel() {
    if (cancellable_)
        leave();
}

namespace {

void on_wait_over(int, short, void* argument) { static_cast<Notice::TimedWait*>(argument)->fire(); }

}  // namespace

void Notice::TimedWait::arm() {
    auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(limit_).count();
    timeval interval{static_cast<time_t>(microseconds / 1000000), static_cast<suseconds_t>(microseconds % 1000000)};
    timer_ = evtimer_new(loop_.base(), on_wait_over, this);
    evtimer_add(timer_, &interval);
}

void Notice::TimedWait::disarm() {
    if (timer_ != nullptr)
        event_free(std::exchange(timer_, nullptr));
}

void Notice::TimedWait::fire() { over_ = leave(); }

Scope::~Scope() {
    if (running_ != 0)
        logging::panic("a scope was left with {} tasks running", running_);
}

void Scope::spawn(Task<void> task) {
    ++running_;
    // The context lives as long as the task; a task that ends at once has none left to cancel.
    struct Slot {
        Context* context = nullptr;
        bool ended = false;
    };
    auto slot = std::make_shared<Slot>();
    auto on_end = [this, slot] {
        contexts_.erase(slot->context);
        slot->ended = true;
        if (--running_ == 0)
            empty_.notify_all();
    };
    loop_.spawn(std::move(task), &slot->context, on_end);
    if (!slot->ended)
        contexts_.insert(slot->context);
}

void Scope::cancel() {
    for (Context* context : contexts_)
        context->cancel();
}

Task<void> Scope::close() {
    while (running_ != 0)
        co_await empty_.wait(false);
}

namespace {

struct Race {
    explicit Race(Loop& loop) : over(loop) {}
    Notice over;
    std::optional<std::size_t> winner;
    std::exception_ptr error;
};

Task<void> run_in_race(Task<void> task, std::size_t index, Race& race) {
    std::exception_ptr error;
    try {
        co_await std::move(task);
    } catch (...) {
        error = std::current_exception();
    }
    if (race.winner)
        co_return;
    race.winner = index;
    race.error = error;
    race.over.notify_all();
}

}  // namespace

Task<std::size_t> first_of(Loop& loop, std::vector<Task<void>> tasks) {
    Race race(loop);
    Scope scope(loop);
    for (std::size_t i = 0; i < tasks.size() && !race.winner; ++i)
        scope.spawn(run_in_race(std::move(tasks[i]), i, race));
    std::exception_ptr cancelled;
    try {
        while (!race.winner)
            co_await race.over.wait();
    } catch (...) {
        cancelled = std::current_exception();
    }
    scope.cancel();
    co_await scope.close();
    if (cancelled)
        std::rethrow_exception(cancelled);
    if (race.error)
        std::rethrow_exception(race.error);
    co_return *race.winner;
}

}  // namespace event
