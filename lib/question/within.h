// lib/question/within.h - a time limit for anything that is awaited.
//
//     std::optional<Reply> reply = co_await question::within(loop, 5s, ask_them(request));
//
// Failure     no value where the time is over: the task was cancelled then, and has ended. What it throws is thrown.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/task.h"

namespace question {
namespace detail {

template <class T>
event::Task<void> keep(event::Task<T> task, std::optional<T>& result) {
    result = co_await std::move(task);
}

inline event::Task<void> pass(event::Loop& loop, std::chrono::milliseconds time) { co_await event::sleep_for(loop, time); }

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

}  // namespace question
