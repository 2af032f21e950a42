// lib/config/master_cf.h - the services of master.cf.
//
// Standards   master(5): eight columns, "-" for the default, -o name=value, -o { name = value }, { } quoting
// Failure     a wrong line is left out and reported in problems().
// Lifetime    values own their text.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/config/problem.h"

namespace config {

enum class ServiceType { inet, unix_stream, fifo, pass, unix_dgram };
std::string_view service_type_name(ServiceType type);

struct Service {
    std::string file;
    int line = 0;
    std::string name;  // socket name below public/ or private/, or [host:]port
    ServiceType type = ServiceType::unix_stream;
    bool is_private = true;                                      // the socket is in private/, not public/
    bool unprivileged = true;                                    // runs as mail_owner
    bool chroot = false;                                         // confined to queue_directory
    std::chrono::seconds wakeup{0};                              // 0: never
    bool wakeup_if_used = false;                                 // "?": only once somebody else has used the service
    std::optional<int> process_limit;                            // nothing: $default_process_limit; 0: none
    std::string command;                                         // program name, relative to daemon_directory
    std::vector<std::string> args;                               // what follows, without the -o options
    std::vector<std::pair<std::string, std::string>> overrides;  // -o name=value, in order

    // The eight columns as written (the last is the command), for postconf -M.
    std::vector<std::string> columns;
    // Everything behind the command as written, token by token and without the braces, for postconf -M.
    std::vector<std::string> written_args;

    std::string key() const;  // "smtp/inet"
    const std::string* find_override(std::string_view parameter) const;
};

class MasterCf {
  public:
    static MasterCf load(const std::string& directory);  // DIRECTORY/master.cf
    static MasterCf parse(std::string_view text, const std::string& file_name);

    const std::vector<Service>& services() const { return services_; }
    const Problems& problems() const { return problems_; }
    const Service* find(std::string_view name, ServiceType type) const;

  private:
    std::vector<Service> services_;
    Problems problems_;
};

}  // namespace config
