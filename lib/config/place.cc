#include "lib/config/place.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "lib/config/values.h"

namespace config {
namespace {

struct Interface {
    int family;
    std::array<unsigned char, 16> address{};
    int prefix_length = 0;

    std::size_t size() const { return family == AF_INET ? 4 : 16; }
    int bits() const { return static_cast<int>(size()) * 8; }
};

int count_bits(const unsigned char* mask, std::size_t size) {
    int bits = 0;
    for (std::size_t i = 0; i < size; ++i)
        bits += __builtin_popcount(mask[i]);
    return bits;
}

const unsigned char* address_bytes(const sockaddr* address) {
    if (address->sa_family == AF_INET)
        return reinterpret_cast<const unsigned char*>(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
    return reinterpret_cast<const unsigned char*>(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
}

std::string format_address(int family, const unsigned char* bytes) {
    char text[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(family, bytes, text, sizeof text);
    return text;
}

bool is_loopback(const Interface& interface) {
    if (interface.family == AF_INET)
        return interface.address[0] == 127;
    in6_addr address;
    std::memcpy(&address, interface.address.data(), sizeof address);
    return IN6_IS_ADDR_LOOPBACK(&address);
}

bool protocol_wanted(const MainCf& cf, int family) {
    List protocols = split_list(cf.get("inet_protocols").value_or("all"));
    std::string_view name = family == AF_INET ? "ipv4" : "ipv6";
    return std::ranges::any_of(protocols, [&](const std::string& p) { return p == "all" || p == name; });
}

// The addresses that a name in inet_interfaces stands for.
void add_named(const std::string& name, std::vector<std::string>& wanted) {
    std::string host = name;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0)
        return;
    for (addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        if (entry->ai_family == AF_INET || entry->ai_family == AF_INET6)
            wanted.push_back(format_address(entry->ai_family, address_bytes(entry->ai_addr)));
    }
    ::freeaddrinfo(found);
}

std::vector<Interface> selected_interfaces(const MainCf& cf) {
    List selection = split_list(cf.get("inet_interfaces").value_or("all"));
    bool all = std::ranges::find(selection, "all") != selection.end();
    bool loopback_only = std::ranges::find(selection, "loopback-only") != selection.end();
    std::vector<std::string> wanted;
    if (!all && !loopback_only) {
        for (const std::string& name : selection)
            add_named(name, wanted);
    }
    std::vector<Interface> interfaces;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0)
        return interfaces;
    for (ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || entry->ifa_netmask == nullptr)
            continue;
        int family = entry->ifa_addr->sa_family;
        if ((family != AF_INET && family != AF_INET6) || !protocol_wanted(cf, family))
            continue;
        Interface interface { family };
        std::memcpy(interface.address.data(), address_bytes(entry->ifa_addr), interface.size());
        // The kernel leaves sa_family of a netmask unset on some interfaces; its bytes are where they should be.
        sockaddr_storage mask{};
        std::memcpy(&mask, entry->ifa_netmask, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        mask.ss_family = static_cast<sa_family_t>(family);
        interface.prefix_length = count_bits(address_bytes(reinterpret_cast<sockaddr*>(&mask)), interface.size());
        std::string text = format_address(family, interface.address.data());
        bool chosen = all || (loopback_only ? is_loopback(interface) : std::ranges::find(wanted, text) != wanted.end());
        if (chosen)
            interfaces.push_back(interface);
    }
    ::freeifaddrs(list);
    std::ranges::stable_sort(interfaces, {}, [](const Interface& i) { return i.family == AF_INET ? 0 : 1; });
    return interfaces;
}

int network_prefix(const Interface& interface, std::string_view style) {
    if (style == "host")
        return interface.family == AF_INET && is_loopback(interface) ? 8 : interface.bits();
    if (style == "class" && interface.family == AF_INET) {
        unsigned char first = interface.address[0];
        return first < 128 ? 8 : first < 192 ? 16 : first < 224 ? 24 : 32;
    }
    return interface.prefix_length;
}

std::string format_network(const Interface& interface, int prefix) {
    std::array<unsigned char, 16> network = interface.address;
    for (int bit = prefix; bit < interface.bits(); ++bit)
        network[static_cast<std::size_t>(bit) / 8] &= static_cast<unsigned char>(~(0x80 >> (bit % 8)));
    std::string address = format_address(interface.family, network.data());
    if (interface.family == AF_INET6)
        address = "[" + address + "]";
    return address + "/" + std::to_string(prefix);
}

}  // namespace

std::string install_prefix() {
    char buffer[PATH_MAX];
    ssize_t size = ::readlink("/proc/self/exe", buffer, sizeof buffer);
    if (size <= 0)
        return "/usr";
    std::string path(buffer, static_cast<std::size_t>(size));
    path.erase(path.find_last_of('/'));
    for (std::string_view folder : {"/libexec/malleposte", "/sbin", "/bin"}) {
        if (path.ends_with(folder)) {
            path.erase(path.size() - folder.size());
            return path.empty() ? "/usr" : path;
        }
    }
    return "/usr";
}

std::string default_directory() {
    // Whoever runs a set-gid command may not steer it; root has nothing to gain by that.
    const char* directory = ::getuid() == 0 ? ::getenv("MAIL_CONFIG") : ::secure_getenv("MAIL_CONFIG");
    if (directory != nullptr && *directory != '\0')
        return absolute_directory(directory);
    std::string prefix = install_prefix();
    return prefix == "/usr" ? "/etc/malleposte" : prefix + "/etc/malleposte";
}

std::string absolute_directory(const std::string& directory) {
    std::error_code error;
    std::filesystem::path path = std::filesystem::absolute(directory, error);
    return error ? directory : path.lexically_normal().string();
}

std::string derive_myhostname(const MainCf& cf) {
    char buffer[HOST_NAME_MAX + 1] = "";
    ::gethostname(buffer, sizeof buffer - 1);
    std::string name = buffer[0] == '\0' ? "localhost" : buffer;
    if (name.find('.') != std::string::npos)
        return name;
    bool has_domain = cf.find("mydomain") != nullptr;
    std::string domain = has_domain ? cf.get("mydomain").value_or("") : "";
    return name + "." + (domain.empty() ? "localdomain" : domain);
}

std::string derive_mydomain(const MainCf& cf) {
    std::string name = cf.get("myhostname").value_or("");
    std::size_t dot = name.find('.');
    return dot == std::string::npos || dot + 1 == name.size() ? "localdomain" : name.substr(dot + 1);
}

std::string derive_mynetworks(const MainCf& cf) {
    std::string style = cf.get("mynetworks_style").value_or("host");
    std::string networks;
    for (const Interface& interface : selected_interfaces(cf)) {
        std::string network = format_network(interface, network_prefix(interface, style));
        if ((" " + networks + " ").find(" " + network + " ") == std::string::npos)
            networks += (networks.empty() ? "" : " ") + network;
    }
    return networks;
}

std::string derive_daemon_directory(const MainCf&) { return install_prefix() + "/libexec/malleposte"; }

std::string derive_command_directory(const MainCf&) { return install_prefix() + "/sbin"; }

std::vector<std::string> own_addresses(const MainCf& cf) {
    std::vector<std::string> addresses;
    for (const Interface& interface : selected_interfaces(cf))
        addresses.push_back(format_address(interface.family, interface.address.data()));
    return addresses;
}

}  // namespace config
