// lib/question/within.h - a time limit for anything that is awaited, and what an asker wants heeded beside the answer.
//
//     std::optional<Reply> reply = co_await question::within(loop, 5s, ask_them(request));
//     std::expected<Answer, Refusal> answer = co_await question::heeding(asker, ask_them(request));
//
// Failure     no value where the time is over or the asker has taken the question back: the task was cancelled then, and has
//             ended. What it throws is thrown.
#pragma once

#include <expected>
#include <optional>
#include <utility>
#include <vector>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "lib/question/asker.h"
#include "lib/question/pending.h"
#include "lib/question/source.h"

namespace question {
namespace detail {

template <class T>
event::Task<void> keep(event::Task<T> task, std::optional<T>& result) {
    result = co_await std::move(task);
}

inline event::Task<void> pass(event::Loop& loop, std::chrono::milliseconds time) { co_await event::sleep_for(loop, time); }

template <class T>
event::Task<void> keep_pending(Pending<T> pending, std::optional<T>& result) {
    result = co_await std::move(pending);
}

inline event::Task<void> wait_for_cancel(event::Loop& loop, Cancellation& cancellation) {
    event::Notice cancelled(loop);
    Cancellation::Watch watch(&cancellation, [&cancelled] { cancelled.notify_all(); });
    while (!cancellation.cancelled())
        co_await cancelled.wait();
}

}  // namespace detail

template <class T>
event::Task<std::optional<T>> within(event::Loop& loop, std::chrono::milliseconds limit, event::Task<T> task) {
    std::optional<T> result;
    std::vector<event::Task<void>> race;
    race.push_back(detail::keep(std::move(task), result));
    race.push_back(detail::pass(loop, limit));
    co_await event::first_of(loop, std::move(race));
    co_return result;
}

// The answer within the asker's limit, unless he takes the question back. Refusal::broken: he cannot wait at all.
template <class T>
event::Task<std::expected<T, Refusal>> heeding(const Asker& asker, Pending<T> pending) {
    if (asker.is_cancelled())
        co_return std::unexpected(Refusal::cancelled);
    std::optional<T> result;
    if (pending.is_ready()) {
        result = std::move(pending.value());
        co_return std::move(*result);
    }
    if (asker.loop == nullptr)
        co_return std::unexpected(Refusal::broken);
    std::vector<event::Task<void>> race;
    race.push_back(detail::keep_pending(std::move(pending), result));
    if (asker.limit.count() > 0)
        race.push_back(detail::pass(*asker.loop, asker.limit));
    if (asker.cancellation != nullptr)
        race.push_back(detail::wait_for_cancel(*asker.loop, *asker.cancellation));
    co_await event::first_of(*asker.loop, std::move(race));
    if (!result)
        co_return std::unexpected(asker.is_cancelled() ? Refusal::cancelled : Refusal::too_late);
    co_return std::move(*result);
}

}  // namespace question
