// lib/question/alone.h - asks where there is no loop: in commands, which have nothing else to do than wait.
//
//     question::Alone alone;
//     dict::Answer answer = alone.wait(table->lookup(alone.asker(), key));
//
// Failure     what the task throws is thrown here.
#pragma once

#include <csignal>
#include <exception>
#include <optional>
#include <utility>

#include "lib/event/loop.h"
#include "lib/event/task.h"
#include "lib/question/asker.h"
#include "lib/question/pending.h"

namespace question {

class Alone {
  public:
    Alone() : asker_(loop_) { std::signal(SIGPIPE, pipe_handler_); }  // a command's reader may leave: the command ends too
    Alone(const Alone&) = delete;

    Asker& asker() { return asker_; }
    event::Loop& loop() { return loop_; }

    template <class T>
    T wait(Pending<T> pending) {
        if (pending.is_ready())
            return std::move(pending.value());
        return wait(finish(std::move(pending)));
    }
    template <class T>
    T wait(event::Task<T> task) {
        std::optional<T> result;
        std::exception_ptr failure;
        loop_.spawn(keep(std::move(task), result, failure));
        loop_.run_until_idle();
        if (failure)
            std::rethrow_exception(failure);
        return std::move(*result);
    }

  private:
    template <class T>
    static event::Task<T> finish(Pending<T> pending) {
        co_return co_await std::move(pending);
    }
    template <class T>
    static event::Task<void> keep(event::Task<T> task, std::optional<T>& result, std::exception_ptr& failure) {
        try {
            result = co_await std::move(task);
        } catch (...) {
            failure = std::current_exception();
        }
    }

    // The loop ignores it, as a daemon must.
    void (*pipe_handler_)(int) = std::signal(SIGPIPE, SIG_DFL);
    event::Loop loop_;
    Asker asker_;
};

}  // namespace question
