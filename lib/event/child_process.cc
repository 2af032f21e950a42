#include "lib/event/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/event/libevent.h"

namespace event {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (const std::string& text : texts)
        result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void become(const ProcessSettings& settings, char* const* arguments, char* const* environment) {
    int null = ::open("/dev/null", O_RDWR);
    int wanted[3] = {settings.input, settings.output, settings.error};
    for (int target = 0; target < 3; ++target) {
        int source = wanted[target] < 0 ? null : wanted[target];
        // Out of the way of the targets first: a source may itself be 0, 1 or 2.
        wanted[target] = ::fcntl(source, F_DUPFD, 3);
    }
    for (int target = 0; target < 3; ++target)
        ::dup2(wanted[target], target);
    ::syscall(SYS_close_range, 3u, ~0u, 0u);
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (settings.directory.empty() || ::chdir(settings.directory.c_str()) == 0)
        ::execve(settings.program.c_str(), arguments, environment);
    ::_exit(127);
}

}  // namespace

std::expected<ChildProcess, std::string> ChildProcess::start(Loop& loop, const ProcessSettings& settings) {
    if (::access(settings.program.c_str(), X_OK) != 0)
        return std::unexpected("cannot run " + settings.program + ": " + std::strerror(errno));
    std::vector<char*> arguments = pointers(settings.arguments);
    std::vector<char*> environment = pointers(settings.environment);
    pid_t pid = ::fork();
    if (pid < 0)
        return std::unexpected(std::string("cannot start a process: ") + std::strerror(errno));
    if (pid == 0)
        become(settings, arguments.data(), environment.data());
    Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0u)));
    if (!handle) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return std::unexpected(std::string("cannot watch a process: ") + std::strerror(errno));
    }
    return ChildProcess(loop, pid, std::move(handle));
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : loop_(other.loop_), pid_(std::exchange(other.pid_, -1)), handle_(std::move(other.handle_)) {}

ChildProcess::~ChildProcess() {
    if (pid_ < 0)
        return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

Task<int> ChildProcess::wait() {
    co_await wait_readable(loop_, handle_.get());
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    co_return status;
}

void ChildProcess::kill(int signal) {
    if (pid_ > 0)
        ::kill(pid_, signal);
}

void ReadableWait::arm() {
    event_ = event_new(loop_.base(), descriptor_, EV_READ, on_ready, this);
    event_add(event_, nullptr);
}

void ReadableWait::on_ready(int, short, void* argument) { static_cast<ReadableWait*>(argument)->wake(); }

void ReadableWait::wake() {
    event_free(std::exchange(event_, nullptr));
    loop_.schedule(handle_);
}

void ReadableWait::cancel() {
    if (event_ != nullptr)
        wake();
}

}  // namespace event
