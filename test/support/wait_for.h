// test/support/wait_for.h - runs one task to its end and hands out its result, for tests that are no coroutines.
#pragma once

#include <optional>
#include <utility>

#include "lib/event/loop.h"
#include "lib/event/task.h"

namespace test {

template <class T>
event::Task<void> keep_result(event::Task<T> task, std::optional<T>& result) {
    result = co_await std::move(task);
}

template <class T>
T wait_for(event::Loop& loop, event::Task<T> task) {
    std::optional<T> result;
    loop.spawn(keep_result(std::move(task), result));
    loop.run_until_idle();
    return std::move(result).value();
}

}  // namespace test
