#include "master/supervisor.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <set>

#include "lib/log/log.h"
#include "lib/text/text.h"
#include "master/jails.h"
#include "master/spool.h"
#include "master/systemd.h"

namespace master {

using namespace std::chrono_literals;
using worker::ToWorker;

namespace {

constexpr auto kStopPatience = 30s;
constexpr auto kJailLook = 1s;
constexpr auto kBetweenReloads = 2s;

// Address rewriting, TLS sessions, connection reuse, shared tables and log writing need no process of their own.
constexpr std::array<std::string_view, 8> kInsideAnother{
    "trivial-rewrite", "tlsmgr", "scache", "proxymap", "postlogd", "dnsblog", "tlsproxy", "proxywrite"};

std::vector<std::string> worker_environment(const Params& params, const std::string& config_directory) {
    std::vector<std::string> environment{"MAIL_CONFIG=" + config_directory, "PATH=/usr/bin:/bin"};
    for (const std::string& item : params.import_environment()) {
        if (item.starts_with("MAIL_CONFIG"))
            continue;
        if (item.find('=') != std::string::npos)
            environment.push_back(item);
        else if (const char* value = ::getenv(item.c_str()))
            environment.push_back(item + "=" + value);
    }
    // Reports of the sanitizers in a test build.
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS"})
        if (const char* value = ::getenv(name))
            environment.push_back(std::string(name) + "=" + value);
    return environment;
}

}  // namespace

bool is_inside_another(const std::string& command) {
    return std::find(kInsideAnother.begin(), kInsideAnother.end(), command) != kInsideAnother.end();
}

Supervisor::Supervisor(event::Loop& loop, std::string config_directory)
    : loop_(loop), config_directory_(std::move(config_directory)), since_(std::time(nullptr)) {}

Supervisor::~Supervisor() = default;

std::shared_ptr<const Settings> Supervisor::make_settings(const Params& params) const {
    auto settings = std::make_shared<Settings>();
    settings->config_directory = config_directory_;
    settings->daemon_directory = params.daemon_directory();
    settings->environment = worker_environment(params, config_directory_);
    settings->throttle_time = params.service_throttle_time();
    settings->default_process_limit = params.default_process_limit();
    settings->root = ::geteuid() == 0;
    return settings;
}

namespace {

std::string key_of(const config::Service& row) {
    return fmt::format("{}/{}", row.name, config::service_type_name(row.type));
}

// The rows that need a process here, each with a program that can be run. A stock master.cf has rows for programs that this
// suite has not, which are passed over; but no service that runs now ends because its program is not found, and a
// daemon_directory in which nothing is found is a mistake.
std::expected<std::vector<config::Service>, std::string> rows_to_run(
    const std::string& config_directory, const Params& params, const std::set<std::string>& running) {
    const config::MasterCf table = config::MasterCf::load(config_directory);
    for (const config::Problem& problem : table.problems()) {
        logging::warning("{}", config::format_problem(problem));
        if (problem.unsafe)
            return std::unexpected(config::format_problem(problem));
    }
    std::vector<config::Service> rows;
    for (const config::Service& row : table.services()) {
        if (is_inside_another(row.command)) {
            logging::info(
                "{}, line {}: {} needs no process of its own here; the row is accepted", row.file, row.line, row.command);
            continue;
        }
        const std::string program = row.command.starts_with('/') ? row.command
                                                                 : params.daemon_directory() + "/" + row.command;
        if (::access(program.c_str(), X_OK) == 0) {
            rows.push_back(row);
            continue;
        }
        const std::string missing = fmt::format(
            "{}, line {}: service {}: there is no program {}", row.file, row.line, key_of(row), program);
        if (running.contains(key_of(row)))
            return std::unexpected(missing);
        logging::warning("{}; the service is not started", missing);
    }
    if (rows.empty())
        return std::unexpected(fmt::format("{}/master.cf: no service has a program below daemon_directory = {}",
            config_directory, params.daemon_directory()));
    return rows;
}

}  // namespace

std::expected<Supervisor::Services, std::string> Supervisor::make_services(
    const Params& params, const config::MainCf& cf, SocketMap& kept) {
    std::set<std::string> running;
    for (const auto& service : services_)
        running.insert(key_of(service->row()));
    auto rows = rows_to_run(config_directory_, params, running);
    if (!rows)
        return std::unexpected(rows.error());
    const std::shared_ptr<const Settings> settings = make_settings(params);
    Services services;
    for (const config::Service& row : *rows) {
        auto sockets = open_listeners(row, params, cf, kept);
        if (!sockets)
            return std::unexpected(sockets.error());
        services.push_back(std::make_unique<Service>(loop_, settings, row, std::move(*sockets)));
    }
    if (auto ready = prepare_jails(params, *rows); !ready)
        return std::unexpected(ready.error());
    return services;
}

// Other software makes its sockets when it likes: a jail gets the new one within a second.
event::Task<void> Supervisor::keep_jails() {
    for (;;) {
        co_await event::sleep_for(loop_, kJailLook);
        if (stopping_)
            co_return;
        std::vector<config::Service> rows;
        for (const auto& service : services_)
            rows.push_back(service->row());
        refresh_jails(rows);
    }
}

void Supervisor::begin(Services services) {
    services_ = std::move(services);
    for (auto& service : services_)
        service->begin();
}

std::expected<void, std::string> Supervisor::start(Params& params, config::MainCf& cf) {
    SocketMap kept = systemd_sockets();
    auto services = make_services(params, cf, kept);
    if (!services)
        return std::unexpected(services.error());
    for (auto& [name, descriptor] : kept)
        logging::warning("no service of master.cf listens at {}, which systemd opened", name);
    begin(std::move(*services));
    if (::geteuid() == 0)
        loop_.spawn(keep_jails());
    return {};
}

std::expected<SocketMap, std::string> Supervisor::current_sockets() const {
    SocketMap sockets;
    for (const auto& service : services_)
        if (auto shared = service->share_sockets(sockets); !shared)
            return std::unexpected(shared.error());
    return sockets;
}

// What the configuration as it is now asks for; the services that run are not touched.
std::expected<Supervisor::Services, std::string> Supervisor::services_after_reload() {
    config::MainCf cf = config::MainCf::load(config_directory_);
    Params params;
    config::Problems problems = params.load(cf);
    problems.insert(problems.end(), cf.problems().begin(), cf.problems().end());
    for (const config::Problem& problem : problems) {
        logging::warning("{}", config::format_problem(problem));
        if (problem.unsafe)
            return std::unexpected(config::format_problem(problem));
    }
    if (auto ready = prepare_spool(params); !ready)
        return std::unexpected(ready.error());
    auto kept = current_sockets();
    if (!kept)
        return std::unexpected(kept.error());
    return make_services(params, cf, *kept);
}

// Each reload starts every process anew: a hundred in a row would leave the machine nothing else to do.
void Supervisor::reload() {
    reload_wanted_ = true;
    if (!std::exchange(reloading_, true))
        loop_.spawn(reload_in_turn());
}

event::Task<void> Supervisor::reload_in_turn() {
    while (std::exchange(reload_wanted_, false)) {
        reload_now();
        co_await event::sleep_for(loop_, kBetweenReloads);
    }
    reloading_ = false;
}

void Supervisor::reload_now() {
    if (stopping_)
        return;
    const std::string told = fmt::format("reload -- version {}, configuration {}", "0.1.0", config_directory_);
    systemd_reloading();
    auto services = services_after_reload();
    if (!services) {
        logging::info("{}", told);
        logging::error("{}; the new configuration is not used, everything goes on as before", services.error());
    } else {
        retire(std::exchange(services_, {}), ToWorker::drain);
        begin(std::move(*services));
        logging::info("{}", told);
        ++reloads_;
    }
    systemd_ready();
}

void Supervisor::retire(Services services, ToWorker message) {
    for (auto& service : services) {
        service->retire(message);
        retired_.push_back(std::move(service));
    }
    drop_ended();
}

void Supervisor::stop() {
    if (std::exchange(stopping_, true))
        return;
    logging::info("stopping the mail system");
    systemd_stopping();
    retire(std::exchange(services_, {}), ToWorker::stop);
    for (auto& service : retired_)
        service->retire(ToWorker::stop);  // those of before a reload, too
    loop_.spawn(lose_patience());
}

event::Task<void> Supervisor::lose_patience() {
    co_await event::sleep_for(loop_, kStopPatience);
    for (auto& service : retired_)
        service->kill_all(SIGKILL);
}

void Supervisor::abort() {
    stopping_ = true;
    logging::info("aborting the mail system");
    retire(std::exchange(services_, {}), ToWorker::stop);
    for (auto& service : retired_)
        service->kill_all(SIGKILL);
}

void Supervisor::reap() {
    int status = 0;
    while (pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
        if (pid < 0)
            break;
        auto ended = [&](auto& service) { return service->process_ended(pid, status); };
        if (!std::any_of(services_.begin(), services_.end(), ended))
            std::any_of(retired_.begin(), retired_.end(), ended);
    }
    drop_ended();
}

void Supervisor::drop_ended() {
    for (auto& service : retired_)
        if (service && service->processes() == 0)
            loop_.spawn(close_service(std::move(service)));
    std::erase(retired_, nullptr);
    if (stopping_ && processes() == 0)
        loop_.stop();
}

event::Task<void> Supervisor::close_service(std::unique_ptr<Service> service) { co_await service->close(); }

std::size_t Supervisor::processes() const {
    std::size_t count = 0;
    for (const auto& service : services_)
        count += service->processes();
    for (const auto& service : retired_)
        count += service ? service->processes() : 0;
    return count;
}

ipc::records::MasterStatus Supervisor::status() const {
    ipc::records::MasterStatus status;
    status.pid = ::getpid();
    status.since = since_;
    status.reloads = reloads_;
    for (const auto& service : services_)
        status.services.push_back(service->status());
    return status;
}

}  // namespace master
