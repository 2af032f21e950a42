#include "master/tools/postconf/master_listing.h"

#include <fmt/format.h>

#include <functional>
#include <map>

#include "lib/command/command.h"
#include "lib/text/text.h"

namespace postconf {
namespace {

// A service's name may hold no slash, but an -o parameter's value may: only the first two slashes separate.
std::vector<std::string> parts_of(std::string_view pattern) {
    std::vector<std::string> parts;
    while (parts.size() < 2) {
        std::size_t slash = pattern.find('/');
        parts.emplace_back(pattern.substr(0, slash));
        if (slash == std::string_view::npos)
            return parts;
        pattern.remove_prefix(slash + 1);
    }
    parts.emplace_back(pattern);
    return parts;
}

using Visit = std::function<bool(const config::Service&, const std::string& third)>;

// Calls visit for every service that fits; it says whether it found what was asked for.
int for_each(const config::MasterCf& cf, const std::vector<std::string>& patterns, const Visit& visit) {
    std::vector<std::string> wanted = patterns.empty() ? std::vector<std::string>{"*"} : patterns;
    for (const std::string& pattern : wanted) {
        bool found = false;
        for (const config::Service& service : cf.services()) {
            if (fits(service, pattern))
                found = visit(service, third_part(pattern)) || found;
        }
        if (!found && !patterns.empty())
            command::warn(fmt::format("unmatched request: \"{}\"", pattern));
    }
    return 0;
}

}  // namespace

const std::vector<std::string_view> kFieldNames{
    "service", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command"};

bool fits(const config::Service& service, std::string_view pattern) {
    std::vector<std::string> parts = parts_of(pattern);
    bool name_fits = parts[0] == "*" || parts[0] == service.name;
    bool type_fits = parts.size() < 2 || parts[1] == "*" || parts[1] == config::service_type_name(service.type);
    return name_fits && type_fits;
}

std::string third_part(std::string_view pattern) {
    std::vector<std::string> parts = parts_of(pattern);
    return parts.size() < 3 ? "*" : parts[2];
}

int list_services(const config::MasterCf& cf, const std::vector<std::string>& patterns, bool fold) {
    return for_each(cf, patterns, [&](const config::Service& service, const std::string&) {
        fmt::print("{}\n", format_service(service, fold));
        return true;
    });
}

int list_fields(const config::MasterCf& cf, const std::vector<std::string>& patterns, const Layout& layout) {
    return for_each(cf, patterns, [&](const config::Service& service, const std::string& field) {
        bool found = false;
        for (std::size_t i = 0; i < kFieldNames.size(); ++i) {
            if (field != "*" && field != kFieldNames[i])
                continue;
            found = true;
            std::string value = kFieldNames[i] == "command" ? format_command(service) : service.columns[i];
            fmt::print("{}\n", format_setting(fmt::format("{}/{}", service.key(), kFieldNames[i]), value, layout));
        }
        return found;
    });
}

int list_service_parameters(const config::MasterCf& cf, const std::vector<std::string>& patterns, const Layout& layout) {
    return for_each(cf, patterns, [&](const config::Service& service, const std::string& name) {
        std::map<std::string, std::string> sorted;
        for (const auto& [parameter, value] : service.overrides)
            sorted[parameter] = value;
        bool found = false;
        for (const auto& [parameter, value] : sorted) {
            if (name != "*" && name != parameter)
                continue;
            found = true;
            fmt::print("{}\n", format_setting(service.key() + "/" + parameter, value, layout));
        }
        return found;
    });
}

}  // namespace postconf
