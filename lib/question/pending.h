// lib/question/pending.h - Pending<T>: an answer that is here already, or one that is waited for.
//
//     dict::Answer answer = co_await table.lookup(asker, key);
//
// What is known at once goes through without a coroutine and without an allocation: awaiting it neither suspends nor
// allocates. Only what has to be waited for carries a task. A Pending is awaited in the statement that makes it, so what
// its arguments refer to lives long enough.
#pragma once

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>
#include <variant>

#include "lib/event/task.h"

namespace question {

template <class T>
class Pending;

template <class U, class T>
concept ReadyAnswer = std::convertible_to<U, T> && !std::same_as<std::remove_cvref_t<U>, Pending<T>>;

template <class T>
class [[nodiscard]] Pending {
  public:
    template <ReadyAnswer<T> U>
    Pending(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
    Pending(event::Task<T> task) : state_(std::in_place_index<1>, std::move(task)) {}

    bool is_ready() const noexcept { return state_.index() == 0; }
    // Only where it is ready.
    T& value() { return *std::get_if<0>(&state_); }

    bool await_ready() const noexcept { return is_ready(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        return std::get_if<1>(&state_)->await_suspend(handle);
    }
    T await_resume() {
        if (is_ready())
            return std::move(value());
        return std::get_if<1>(&state_)->await_resume();
    }

  private:
    std::variant<T, event::Task<T>> state_;
};

}  // namespace question
