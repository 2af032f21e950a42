// lib/event/child_process.h - another program, started without a shell and awaited without blocking.
//
// The child gets exactly the descriptors, arguments and environment that are named; signals and masks are
// reset. A child whose owner goes is killed and reaped.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <vector>

#include "lib/event/fd.h"
#include "lib/event/loop.h"
#include "lib/event/task.h"

namespace event {

struct ProcessSettings {
    std::string program;                      // an absolute path
    std::vector<std::string> arguments;       // argv, the program's name first
    std::vector<std::string> environment;     // NAME=value; nothing is inherited
    std::string directory;                    // working directory; empty: ours
    int input = -1, output = -1, error = -1;  // -1: /dev/null
};

class ChildProcess {
  public:
    static std::expected<ChildProcess, std::string> start(Loop& loop, const ProcessSettings& settings);
    ChildProcess(ChildProcess&&) noexcept;
    ChildProcess& operator=(ChildProcess&&) = delete;
    ~ChildProcess();

    pid_t pid() const { return pid_; }
    // The status as waitpid() gives it; once.
    Task<int> wait();
    void kill(int signal);

  private:
    ChildProcess(Loop& loop, pid_t pid, Fd handle) : loop_(loop), pid_(pid), handle_(std::move(handle)) {}
    Loop& loop_;
    pid_t pid_ = -1;
    Fd handle_;  // a pidfd: readable when the child has ended
};

// Sleeps until the descriptor can be read (pidfd, inotify, a FIFO); any kind that epoll takes.
class ReadableWait final : public LoopWaiter {
  public:
    ReadableWait(Loop& loop, int descriptor) : LoopWaiter(loop), descriptor_(descriptor) {}
    ReadableWait(const ReadableWait&) = delete;
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

  private:
    void arm();
    void wake();
    static void on_ready(int, short, void* argument);
    int descriptor_;
    libevent_event* event_ = nullptr;
};

inline ReadableWait wait_readable(Loop& loop, int descriptor) { return ReadableWait(loop, descriptor); }

}  // namespace event
