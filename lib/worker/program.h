// lib/worker/program.h - what the main() of every daemon shares: options, configuration, jail, clients.
//
//     int main(int argc, char** argv) {
//         smtpd::Params params;
//         worker::Program program(argc, argv, "smtpd", params);
//         ... open tables, keys: still with rights, and no client yet ...
//         worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);
//         ... from here on everything may be steered by a stranger ...
//         return jail.serve([&](event::Stream client, worker::Client& seat) {
//             return smtpd::serve_client(std::move(client), seat, services);
//         });
//     }
//
// serve() exists only on a Jailed, and a Jailed is only made by consuming the Program: the order is in the types.
// One process serves many clients at once (client_limit, 1 for a process per client); it leaves when it was
// idle for max_idle, when it has served max_use clients, and when master says so or dies.
//
// Rights      as the service's row of master.cf says: unprivileged (mail_owner) or root, chroot or not. An
//             instance that was not started by root runs everything as that one user.
// Failure     a program that cannot start logs a fatal line; master restarts it slowly.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/common_params.h"
#include "lib/event/loop.h"
#include "lib/event/stream.h"
#include "lib/worker/sandbox.h"

namespace worker {

// A client's place in a worker. What it is doing decides what a reload or a stop does to it.
class Client {
  public:
    enum class State {
        busy,              // is left alone; a stop cancels it after a grace time
        between_commands,  // a dialogue that waits for its peer: ends on stop, goes on over a reload
        between_requests,  // an internal connection with nothing under way: ends on stop and on reload
    };
    // Where the worker is leaving already, an idle client's next wait ends at once.
    void set(State state);
    State state() const { return state_; }

  private:
    friend class Seats;
    State state_ = State::busy;
    event::Context* context_ = nullptr;
    std::function<bool(State)> ends_now_;
};

using Handler = std::function<event::Task<void>(event::Stream, Client&)>;

class Jailed;

class Program {
  public:
    // Reads options and main.cf, loads `params`, opens the log, goes to the queue directory.
    Program(int argc, char** argv, std::string_view name, config::HostParams& params);
    ~Program();
    Program(Program&&) noexcept;

    const std::string& service() const;  // the name in master.cf
    const std::string& config_directory() const;
    const std::vector<std::string>& arguments() const;  // behind the options
    config::MainCf& main_cf();
    event::Loop& loop();

    Jailed enter_jail(Sandbox sandbox) &&;

    struct State;

  private:
    std::unique_ptr<State> state_;
};

class Jailed {
  public:
    explicit Jailed(std::unique_ptr<Program::State> state);
    ~Jailed();
    Jailed(Jailed&&) noexcept;

    event::Loop& loop();
    const std::string& service() const;

    // Called for each wakeup of the service.
    void on_wakeup(std::function<void()> call);
    // Called once when a drain or stop begins.
    void on_leave(std::function<void()> call);
    // Called once when master says stop (or is gone): also what the service forked has to end.
    void on_stop(std::function<void()> call);
    // Asked before each client is taken: when it says yes, this process takes no more and a fresh one follows. For
    // tables that were replaced and cannot be opened again from inside the jail.
    void leave_when(std::function<bool()> outdated);
    // The service stays although it has no clients (qmgr).
    void stay_when_idle();
    // Work that is no client but must be finished before exit.
    void hold();
    void release();
    // Takes no more clients and ends when those that are here have gone; master starts another process when it needs one.
    void leave();
    // Whether no new work should be begun.
    bool leaving() const;

    // Runs until the worker may go; the exit status for main().
    int serve(Handler handler);

  private:
    std::unique_ptr<Program::State> state_;
};

// Gives up root for the named user, with all groups; fatal where that fails.
void become_user(const std::string& user_name);

}  // namespace worker
