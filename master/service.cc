#include "master/service.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/event/child_process.h"
#include "lib/log/log.h"

namespace master {

using namespace std::chrono_literals;
using worker::ToMaster;
using worker::ToWorker;

namespace {
constexpr auto kDiedAtOnce = 1s;  // a process that fails earlier than this would be started in a circle
}

Service::Service(event::Loop& loop, std::shared_ptr<const Settings> settings, config::Service row, SocketMap sockets)
    : loop_(loop),
      settings_(std::move(settings)),
      row_(std::move(row)),
      sockets_(std::move(sockets)),
      watching_(loop),
      tasks_(loop) {}

Service::~Service() = default;

int Service::limit() const { return row_.process_limit.value_or(settings_->default_process_limit); }

bool Service::needs_process() const {
    if (retired_ || throttled_)
        return false;
    int running = 0;
    for (const auto& [pid, worker] : workers_) {
        if (worker.leaving)
            continue;
        if (worker.available || !worker.ready)
            return false;
        ++running;
    }
    return limit() == 0 || running < limit();
}

// Somebody is to look at the sockets exactly while no process does.
void Service::update_watch() {
    bool wanted = needs_process();
    if (wanted == watching_now_)
        return;
    watching_now_ = wanted;
    if (!wanted) {
        watching_.cancel();
        return;
    }
    for (const auto& [name, descriptor] : sockets_)
        watching_.spawn(watch(descriptor.get()));
}

event::Task<void> Service::watch(int descriptor) {
    co_await event::wait_readable(loop_, descriptor);
    if (needs_process())
        start_process();
}

void Service::begin() {
    update_watch();
    if (row_.wakeup.count() > 0)
        tasks_.spawn(run_timer());
}

event::Task<void> Service::run_timer() {
    while (!retired_) {
        if (!row_.wakeup_if_used || !workers_.empty())
            wake();
        co_await event::sleep_for(loop_, row_.wakeup);
    }
}

void Service::wake() {
    for (auto& [pid, worker] : workers_) {
        if (!worker.leaving) {
            tell(worker, ToWorker::wakeup);
            return;
        }
    }
    Worker* started = throttled_ || retired_ ? nullptr : start_process();
    if (started != nullptr)
        tell(*started, ToWorker::wakeup);
}

void Service::tell(Worker& worker, ToWorker message) {
    char octet = static_cast<char>(message);
    ::send(worker.control->get(), &octet, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

std::vector<std::string> Service::arguments() const {
    std::vector<std::string> result{row_.command, "-c", settings_->config_directory, "-n", row_.name, "-t",
        std::string(config::service_type_name(row_.type)), "-s", std::to_string(sockets_.size())};
    if (settings_->root && row_.unprivileged)
        result.emplace_back("-u");
    if (settings_->root && row_.chroot)
        result.emplace_back("-r");
    for (const auto& [name, value] : row_.overrides) {
        result.emplace_back("-o");
        result.push_back(name + "=" + value);
    }
    result.insert(result.end(), row_.args.begin(), row_.args.end());
    return result;
}

void Service::become_worker(int control, const std::vector<std::string>& arguments) const {
    // Out of the way of the numbers that the worker expects, then into place.
    std::vector<int> sources{::fcntl(control, F_DUPFD, 256)};
    for (const auto& [name, descriptor] : sockets_)
        sources.push_back(::fcntl(descriptor.get(), F_DUPFD, 256));
    for (std::size_t i = 0; i < sources.size(); ++i)
        ::dup2(sources[i], worker::kControlDescriptor + static_cast<int>(i));
    int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDIN_FILENO);
    ::syscall(SYS_close_range, static_cast<unsigned>(worker::kControlDescriptor + sources.size()), ~0u, 0u);
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    std::string program = row_.command.starts_with('/') ? row_.command : settings_->daemon_directory + "/" + row_.command;
    std::vector<char*> argv, env;
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    for (const std::string& variable : settings_->environment)
        env.push_back(const_cast<char*>(variable.c_str()));
    env.push_back(nullptr);
    ::execve(program.c_str(), argv.data(), env.data());
    logging::exit_fatal(fmt::format("cannot run {}: {}", program, std::strerror(errno)));
}

Service::Worker* Service::start_process() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        logging::warning("cannot start a {} process: {}", row_.command, std::strerror(errno));
        throttle();
        return nullptr;
    }
    event::Fd ours(ends[0]), theirs(ends[1]);
    std::vector<std::string> argv = arguments();
    pid_t pid = ::fork();
    if (pid == 0)
        become_worker(theirs.get(), argv);
    if (pid < 0) {
        logging::warning("cannot start a {} process: {}", row_.command, std::strerror(errno));
        throttle();
        return nullptr;
    }
    ++started_;
    Worker& worker = workers_[pid];
    worker.pid = pid;
    worker.control = std::make_shared<event::Fd>(std::move(ours));
    worker.started = event::Clock::now();
    tasks_.spawn(listen_to(pid, worker.control));
    update_watch();
    return &worker;
}

event::Task<void> Service::listen_to(pid_t pid, std::shared_ptr<event::Fd> control) {
    for (;;) {
        co_await event::wait_readable(loop_, control->get());
        char message = 0;
        ssize_t count = ::recv(control->get(), &message, 1, MSG_DONTWAIT);
        auto found = workers_.find(pid);
        if (count == 0 || found == workers_.end())
            co_return;  // its end is told by waitpid()
        if (count < 0)
            continue;
        Worker& worker = found->second;
        worker.ready = true;
        worker.available = message == static_cast<char>(ToMaster::available);
        if (message == static_cast<char>(ToMaster::leaving))
            worker.leaving = true;
        update_watch();
    }
}

bool Service::process_ended(pid_t pid, int status) {
    auto found = workers_.find(pid);
    if (found == workers_.end())
        return false;
    bool early = !found->second.ready || event::Clock::now() - found->second.started < kDiedAtOnce;
    workers_.erase(found);
    std::string program = settings_->daemon_directory + "/" + row_.command;
    if (WIFSIGNALED(status))
        logging::warning("process {} pid {} killed by signal {}", program, pid, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        logging::warning("process {} pid {} exit status {}", program, pid, WEXITSTATUS(status));
    if (status != 0 && early && !retired_) {
        logging::warning("{}: bad command startup -- throttling", program);
        throttle();
    }
    update_watch();
    return true;
}

void Service::throttle() {
    if (throttled_)
        return;
    throttled_ = true;
    update_watch();
    tasks_.spawn(end_throttle());
}

event::Task<void> Service::end_throttle() {
    co_await event::sleep_for(loop_, settings_->throttle_time);
    throttled_ = false;
    update_watch();
}

std::expected<void, std::string> Service::share_sockets(SocketMap& with) const {
    for (const auto& [name, descriptor] : sockets_) {
        event::Fd copy(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0));
        if (!copy)
            return std::unexpected(fmt::format("cannot keep the socket {}: {}", name, std::strerror(errno)));
        with.insert_or_assign(name, std::move(copy));
    }
    return {};
}

void Service::retire(ToWorker message) {
    retired_ = true;
    update_watch();
    tasks_.cancel();
    for (auto& [pid, worker] : workers_)
        tell(worker, message);
    sockets_.clear();
}

void Service::kill_all(int signal) {
    for (auto& [pid, worker] : workers_)
        ::kill(pid, signal);
}

event::Task<void> Service::close() {
    watching_.cancel();
    tasks_.cancel();
    co_await watching_.close();
    co_await tasks_.close();
}

ipc::records::ServiceStatus Service::status() const {
    ipc::records::ServiceStatus status;
    status.name = row_.name;
    status.type = config::service_type_name(row_.type);
    status.command = row_.command;
    for (const auto& [pid, worker] : workers_)
        status.pids.push_back(pid);
    status.limit = limit();
    status.throttled = throttled_;
    status.started = started_;
    return status;
}

}  // namespace master
