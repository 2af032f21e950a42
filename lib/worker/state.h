// lib/worker/state.h - inside Program and Jailed; nothing else includes it.
#pragma once

#include <map>
#include <set>

#include "lib/event/endpoint.h"
#include "lib/event/signal.h"
#include "lib/worker/control.h"
#include "lib/worker/peers.h"
#include "lib/worker/program.h"

namespace worker {

// The only way to a Client's inside.
class Seats {
  public:
    static event::Context*& context(Client& client) { return client.context_; }
    static std::function<bool(Client::State)>& ends_now(Client& client) { return client.ends_now_; }
};

struct Program::State {
    // Options from master.
    std::string name;           // of the program
    std::string service;        // in master.cf
    std::string type = "unix";  // inet, unix, pass
    std::string config_directory;
    int listeners = 0;
    bool unprivileged = false;
    bool chroot = false;
    std::vector<std::string> arguments;

    config::MainCf main_cf;
    config::HostParams* params = nullptr;
    event::Loop loop;

    // Clients.
    Peers peers;
    Handler handler;
    int client_limit = 1;
    std::vector<std::unique_ptr<event::Listener>> sockets;
    std::set<Client*> clients;
    std::size_t accepting = 0;  // accept loops that still run
    std::vector<event::Context*> accept_contexts;
    std::uint64_t served = 0;
    event::Clock::time_point idle_since = event::Clock::now();
    event::Clock::time_point looked_at_tables{};
    bool busy_told = false;
    bool stays = false;
    int held = 0;
    bool leaving = false;
    bool stopping = false;
    std::unique_ptr<event::Notice> seat_freed;
    std::vector<std::function<void()>> wakeups, leave_calls, stop_calls;
    std::function<bool()> outdated;

    void parse_options(int argc, char** argv);
    void load_configuration();
    void open_log();
    void enter_jail(Sandbox sandbox);

    void tell(ToMaster message);
    void start_serving();
    void leave(bool stop);
    bool ends(Client::State state) const;  // whether a client in that state is to go now
    bool is_idle() const;
    void end_idle_clients();
    void maybe_finish();
    void client_ended(Client* client);
    void seat_client(event::Fd descriptor);
};

}  // namespace worker
