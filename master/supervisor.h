// master/supervisor.h - all services of master.cf: started, reloaded, stopped.
//
// Reload      sockets that are still wanted stay open; running processes finish their dialogues under the old
//             configuration while new ones start under the new. The new services are made whole, with their programs and
//             sockets, before an old one is touched: a configuration that cannot be used is reported, and everything goes
//             on as it was, with the settings it had.
// Stop        processes finish what they are doing, up to kStopPatience; abort() does not wait.
#pragma once

#include <memory>
#include <vector>

#include "master/service.h"

namespace master {

class Supervisor {
  public:
    Supervisor(event::Loop& loop, std::string config_directory);
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;

    // Reads the configuration, opens the sockets, begins. A reason where that cannot be.
    std::expected<void, std::string> start(Params& params, config::MainCf& cf);
    // Soon; what is asked for while one is under way, or just was, becomes one.
    void reload();
    void stop();
    void abort();
    void reap();

    std::size_t processes() const;
    bool stopping() const { return stopping_; }
    ipc::records::MasterStatus status() const;

  private:
    using Services = std::vector<std::unique_ptr<Service>>;
    std::expected<Services, std::string> make_services(const Params& params, const config::MainCf& cf, SocketMap& kept);
    std::expected<Services, std::string> services_after_reload();
    std::expected<SocketMap, std::string> current_sockets() const;
    std::shared_ptr<const Settings> make_settings(const Params& params) const;
    void begin(Services services);
    event::Task<void> reload_in_turn();
    void reload_now();
    void retire(Services services, worker::ToWorker message);
    void drop_ended();
    event::Task<void> close_service(std::unique_ptr<Service> service);
    event::Task<void> lose_patience();
    event::Task<void> keep_jails();

    event::Loop& loop_;
    std::string config_directory_;
    Services services_;
    Services retired_;
    std::int64_t reloads_ = 0;
    std::int64_t since_ = 0;
    bool reload_wanted_ = false;
    bool reloading_ = false;
    bool stopping_ = false;
};

// Rows of a stock master.cf whose work happens inside another process here.
bool is_inside_another(const std::string& command);

}  // namespace master
