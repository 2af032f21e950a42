// start, stop, reload, abort, flush, status: talking to the master that runs.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "lib/event/endpoint.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/records/master.h"
#include "lib/ipc/records/qmgr.h"
#include "master/tools/malleposte/commands.h"

namespace malleposte {
namespace {

using namespace std::chrono_literals;

constexpr auto kStopPatience = 60s;

std::string pid_path(const Configuration& configuration) {
    return configuration.params.queue_directory() + "/pid/master.pid";
}

// Waits until the lock on the pid file is free: the kernel tells, without looking again and again.
bool wait_until_stopped(const Configuration& configuration, std::chrono::seconds patience) {
    event::Fd file(::open(pid_path(configuration).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
        return true;
    pid_t waiter = ::fork();
    if (waiter == 0) {
        ::alarm(static_cast<unsigned>(patience.count()));
        ::_exit(::flock(file.get(), LOCK_SH) == 0 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(waiter, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int signal_master(const Invocation& call, int signal, const char* doing) {
    Configuration configuration;
    load_configuration(call, configuration, signal == SIGHUP);
    if (signal == SIGHUP && configuration.unsafe)
        return EX_CONFIG;
    int pid = running_master(configuration);
    if (pid == 0) {
        fail("the mail system is not running");
        return 1;
    }
    if (::kill(pid, signal) != 0) {
        fail(std::string("cannot tell master to ") + doing + ": " + std::strerror(errno));
        return EX_NOPERM;
    }
    return 0;
}

// The child's last word: "ready", or why it does not start.
std::string read_word(int descriptor) {
    std::string word;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(descriptor, buffer, sizeof buffer)) > 0;)
        word.append(buffer, static_cast<std::size_t>(count));
    return word;
}

[[noreturn]] void become_master(const Configuration& configuration, const Invocation& call, int ready) {
    std::string program = configuration.params.daemon_directory() + "/master";
    std::string descriptor = std::to_string(ready);
    std::vector<const char*> argv{"master", "-c", call.config_directory.c_str()};
    if (ready >= 0) {
        argv.push_back("-w");
        argv.push_back(descriptor.c_str());
    }
    argv.push_back(nullptr);
    ::execv(program.c_str(), const_cast<char* const*>(argv.data()));
    std::string reason = "cannot run " + program + ": " + std::strerror(errno);
    if (ready >= 0) [[maybe_unused]]
        ssize_t written = ::write(ready, reason.data(), reason.size());
    else
        fail(reason);
    ::_exit(1);
}

// Out of the caller's session, with the standard descriptors at /dev/null; the pipe alone stays.
void leave_terminal() {
    ::setsid();
    int null = ::open("/dev/null", O_RDWR);
    for (int descriptor = 0; descriptor <= 2; ++descriptor)
        ::dup2(null, descriptor);
    if (null > 2)
        ::close(null);
}

event::Task<void> fetch_status(event::Loop& loop, std::string path, ipc::records::MasterStatus& out, std::string& error) {
    try {
        ipc::Channel channel = co_await ipc::connect_service(loop, path, 5s);
        channel.stream().set_timeout(5s);
        std::expected<ipc::records::MasterStatus, std::string> status =
            co_await channel.receive<ipc::records::MasterStatus>();
        if (status)
            out = std::move(*status);
        else
            error = status.error();
    } catch (const event::StreamError& failure) {
        error = failure.what();
    }
}

event::Task<void> send_flush(event::Loop& loop, std::string path, std::string& error) {
    try {
        ipc::Channel channel = co_await ipc::connect_service(loop, path, 5s);
        channel.stream().set_timeout(30s);
        ipc::records::QmgrCommand command;
        command.verb = ipc::records::QmgrVerb::flush_all;
        channel.write(command);
        std::expected<ipc::records::QmgrAnswer, std::string> answer = co_await channel.receive<ipc::records::QmgrAnswer>();
        if (!answer || !answer->ok)
            error = answer ? answer->reason : answer.error();
    } catch (const event::StreamError& failure) {
        error = failure.what();
    }
}

}  // namespace

int running_master(const Configuration& configuration) {
    event::Fd file(::open(pid_path(configuration).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file || ::flock(file.get(), LOCK_SH | LOCK_NB) == 0)
        return 0;
    char digits[32] = {};
    [[maybe_unused]] ssize_t count = ::read(file.get(), digits, sizeof digits - 1);
    return std::atoi(digits);
}

int start(const Invocation& call, bool foreground) {
    Configuration configuration;
    load_configuration(call, configuration, true);
    if (configuration.unsafe)
        return EX_CONFIG;
    if (running_master(configuration) != 0) {
        fail("the mail system is already running");
        return 1;
    }
    if (foreground)
        become_master(configuration, call, -1);
    int ends[2];
    if (::pipe(ends) != 0) {
        fail(std::string("cannot make a pipe: ") + std::strerror(errno));
        return EX_OSERR;
    }
    pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        leave_terminal();
        if (::fork() != 0)
            ::_exit(0);
        become_master(configuration, call, ends[1]);
    }
    ::close(ends[1]);
    ::waitpid(child, nullptr, 0);
    std::string word = read_word(ends[0]);
    if (word.starts_with("ready")) {
        say("starting the mail system");
        if (word.size() > 5)
            fail("warning: " + word.substr(5) + "; until that is mended the log goes to syslog");
        return 0;
    }
    fail(word.empty() ? "master ended while it started; its log says why" : word);
    return 1;
}

int stop(const Invocation& call) {
    if (int failed = signal_master(call, SIGTERM, "stop"))
        return failed;
    say("stopping the mail system");
    Configuration configuration;
    load_configuration(call, configuration, false);
    if (wait_until_stopped(configuration, kStopPatience))
        return 0;
    fail("the mail system has not stopped within a minute; malleposte abort ends it at once");
    return EX_TEMPFAIL;
}

int abort(const Invocation& call) {
    if (int failed = signal_master(call, SIGQUIT, "abort"))
        return failed;
    say("aborting the mail system");
    Configuration configuration;
    load_configuration(call, configuration, false);
    return wait_until_stopped(configuration, 10s) ? 0 : EX_TEMPFAIL;
}

int reload(const Invocation& call) {
    if (int failed = signal_master(call, SIGHUP, "reload"))
        return failed;
    say("refreshing the mail system");
    return 0;
}

int flush(const Invocation& call) {
    Configuration configuration;
    load_configuration(call, configuration, false);
    event::Loop loop;
    std::string error;
    loop.spawn(send_flush(loop, configuration.params.queue_directory() + "/public/qmgr", error));
    loop.run_until_idle();
    if (error.empty())
        return 0;
    fail("cannot flush the queue: " + error);
    return EX_UNAVAILABLE;
}

int status(const Invocation& call) {
    Configuration configuration;
    load_configuration(call, configuration, false);
    int pid = running_master(configuration);
    if (pid == 0) {
        say("the mail system is not running");
        return 1;
    }
    say("the mail system is running: PID: " + std::to_string(pid));
    event::Loop loop;
    ipc::records::MasterStatus status;
    std::string error;
    loop.spawn(fetch_status(loop, configuration.params.queue_directory() + "/private/master", status, error));
    loop.run_until_idle();
    if (!error.empty())
        return 0;  // an ordinary user may know that it runs, not more
    std::time_t since = static_cast<std::time_t>(status.since);
    char when[64] = {};
    std::strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", std::localtime(&since));
    std::printf("started %s, reloads %lld\n", when, static_cast<long long>(status.reloads));
    std::printf("%-24s %-6s %-12s %9s %9s %s\n", "service", "type", "command", "processes", "started", "");
    for (const auto& service : status.services)
        std::printf("%-24s %-6s %-12s %9zu %9lld %s\n", service.name.c_str(), service.type.c_str(), service.command.c_str(),
            service.pids.size(), static_cast<long long>(service.started),
            service.throttled ? "throttled: its process died at once, see the log" : "");
    return 0;
}

}  // namespace malleposte
