#include "master/listeners.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <algorithm>

#include "lib/log/log.h"
#include "lib/text/text.h"

namespace master {
namespace {

std::string name_of(const std::string& host, std::uint16_t port) {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

bool wants(const config::List& protocols, std::string_view protocol) {
    for (const std::string& wanted : protocols)
        if (wanted == protocol || wanted == "all")
            return true;
    return false;
}

// The hosts that a row without a host part listens at.
std::vector<std::string> default_hosts(const Params& params, const config::MainCf& cf) {
    const config::List& interfaces = params.inet_interfaces();
    if (std::find(interfaces.begin(), interfaces.end(), "all") == interfaces.end())
        return config::own_addresses(cf);
    std::vector<std::string> hosts;
    if (wants(params.inet_protocols(), "ipv4"))
        hosts.push_back("0.0.0.0");
    if (wants(params.inet_protocols(), "ipv6"))
        hosts.push_back("::");
    return hosts;
}

std::string where(const config::Service& service) {
    return fmt::format("{}, line {}: service {}", service.file, service.line, service.name);
}

std::expected<std::vector<std::string>, std::string> inet_names(
    const config::Service& service, const Params& params, const config::MainCf& cf) {
    // "smtp", "2525", "127.0.0.1:2525", "[::1]:2525", "inet:..." is not in the grammar.
    std::string host, port = service.name;
    if (std::size_t colon = service.name.rfind(':'); colon != std::string::npos) {
        host = service.name.substr(0, colon);
        port = service.name.substr(colon + 1);
        if (host.starts_with('[') && host.ends_with(']'))
            host = host.substr(1, host.size() - 2);
    }
    auto number = event::parse_port(port);
    if (!number)
        return std::unexpected(where(service) + ": " + number.error());
    std::vector<std::string> hosts = host.empty() ? default_hosts(params, cf) : std::vector<std::string>{host};
    std::vector<std::string> names;
    for (const std::string& one : hosts) {
        event::Endpoint endpoint;
        endpoint.host = one;
        endpoint.port = std::to_string(*number);
        auto addresses = endpoint.resolve(true);
        if (!addresses)
            return std::unexpected(where(service) + ": " + addresses.error());
        for (const event::SocketAddress& address : *addresses)
            if (std::string name = name_of(address.host(), address.port());
                std::find(names.begin(), names.end(), name) == names.end())
                names.push_back(name);
    }
    return names;
}

std::expected<event::Fd, std::string> open_one(const config::Service& service, const std::string& name) {
    if (service.type != config::ServiceType::inet) {
        // The folders public/ and private/ decide who may come near; see the spool's modes.
        auto opened = event::listen_at_path(name, 0666);
        if (!opened)
            return std::unexpected(where(service) + ": " + opened.error());
        return opened;
    }
    auto endpoint = event::Endpoint::parse(name);
    auto addresses = endpoint->resolve(true);
    if (!addresses)
        return std::unexpected(where(service) + ": " + addresses.error());
    auto opened = event::listen_at(addresses->front());
    if (!opened)
        return std::unexpected(where(service) + ": " + opened.error());
    return opened;
}

}  // namespace

std::expected<std::vector<std::string>, std::string> listener_names(
    const config::Service& service, const Params& params, const config::MainCf& cf) {
    if (service.type == config::ServiceType::inet)
        return inet_names(service, params, cf);
    return std::vector<std::string>{(service.is_private ? "private/" : "public/") + service.name};
}

std::expected<SocketMap, std::string> open_listeners(
    const config::Service& service, const Params& params, const config::MainCf& cf, SocketMap& kept) {
    auto names = listener_names(service, params, cf);
    if (!names)
        return std::unexpected(names.error());
    SocketMap sockets;
    for (const std::string& name : *names) {
        if (auto found = kept.find(name); found != kept.end()) {
            sockets.insert(kept.extract(found));
            continue;
        }
        auto opened = open_one(service, name);
        if (!opened) {
            for (auto& [done, descriptor] : sockets)  // not lost: the caller may go on with what it had
                kept.emplace(done, std::move(descriptor));
            return std::unexpected(opened.error());
        }
        sockets.emplace(name, std::move(*opened));
    }
    return sockets;
}

SocketMap systemd_sockets() {
    SocketMap sockets;
    int count = ::sd_listen_fds(1);
    for (int i = 0; i < count; ++i) {
        int descriptor = SD_LISTEN_FDS_START + i;
        event::SocketAddress address = event::local_address(descriptor);
        std::string name;
        if (address.family() == AF_UNIX)
            name = reinterpret_cast<const sockaddr_un&>(address.storage).sun_path;
        else
            name = name_of(address.host(), address.port());
        logging::info("using the socket {} from systemd", name);
        sockets.emplace(name, event::Fd(descriptor));
    }
    return sockets;
}

}  // namespace master
