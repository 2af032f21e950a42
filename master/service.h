// master/service.h - one row of master.cf at work: its sockets, its processes, its timer.
//
// Processes are started when a client knocks and nobody is free to answer, up to the row's limit. One that
// dies as soon as it was started is not started again before service_throttle_time is over.
//
// Lifetime    a Service lives until its last process has ended; see Supervisor.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/event/scope.h"
#include "lib/ipc/records/master.h"
#include "lib/worker/control.h"
#include "master/listeners.h"

namespace master {

// What all services need to start processes.
struct Settings {
    std::string config_directory;
    std::string daemon_directory;
    std::vector<std::string> environment;
    std::chrono::seconds throttle_time{60};
    int default_process_limit = 100;
    bool root = false;  // otherwise everything runs as the one user that started us
};

class Service {
  public:
    Service(event::Loop& loop, std::shared_ptr<const Settings> settings, config::Service row, SocketMap sockets);
    ~Service();
    Service(const Service&) = delete;

    const config::Service& row() const { return row_; }
    // Watches the sockets and starts the timer.
    void begin();
    // The same sockets once more, for the service that may follow this one.
    std::expected<void, std::string> share_sockets(SocketMap& with) const;
    // No more processes; the sockets are closed, the processes told.
    void retire(worker::ToWorker message);
    void kill_all(int signal);
    // Once no process is left: ends the tasks, so that the Service may be destroyed.
    event::Task<void> close();

    // Whether `pid` was ours; what its end means is logged and acted upon.
    bool process_ended(pid_t pid, int status);
    std::size_t processes() const { return workers_.size(); }
    ipc::records::ServiceStatus status() const;

  private:
    struct Worker {
        pid_t pid = -1;
        std::shared_ptr<event::Fd> control;  // shared with listen_to(), which waits on it
        event::Clock::time_point started;
        bool ready = false;  // has said that it takes clients
        bool available = false;
        bool leaving = false;
    };

    bool needs_process() const;
    int limit() const;
    void update_watch();
    Worker* start_process();
    void wake();
    void tell(Worker& worker, worker::ToWorker message);
    void throttle();
    std::vector<std::string> arguments() const;
    [[noreturn]] void become_worker(int control, const std::vector<std::string>& arguments) const;

    event::Task<void> watch(int descriptor);
    event::Task<void> listen_to(pid_t pid, std::shared_ptr<event::Fd> control);
    event::Task<void> run_timer();
    event::Task<void> end_throttle();

    event::Loop& loop_;
    std::shared_ptr<const Settings> settings_;  // those of when it was made: a reload makes new services
    config::Service row_;
    SocketMap sockets_;
    std::map<pid_t, Worker> workers_;
    event::Scope watching_, tasks_;
    bool watching_now_ = false;
    bool throttled_ = false;
    bool retired_ = false;
    std::int64_t started_ = 0;
};

}  // namespace master
