#include "smtpd/peer_name.h"

#include <netdb.h>

#include <array>

#include "lib/address/mailbox.h"

namespace smtpd {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kThreads = 8;
constexpr auto kKeep = 60s;
constexpr std::size_t kMaxEntries = 10000;

std::string look_up(const event::SocketAddress& address) {
    std::array<char, NI_MAXHOST> name{};
    if (::getnameinfo(address.get(), address.length, name.data(), name.size(), nullptr, 0, NI_NAMEREQD) != 0)
        return "unknown";
    std::string found = name.data();
    if (!address::is_valid_domain(found))
        return "unknown";
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (::getaddrinfo(found.c_str(), nullptr, &hints, &list) != 0)
        return "unknown";
    bool confirmed = false;
    for (addrinfo* entry = list; entry != nullptr && !confirmed; entry = entry->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0)
            confirmed = address.host() == text.data();
    }
    ::freeaddrinfo(list);
    return confirmed ? found : "unknown";
}

}  // namespace

PeerNames::PeerNames(event::Loop& loop) : pool_(loop, kThreads) {}

event::Task<std::string> PeerNames::find(event::SocketAddress address) {
    if (address.is_loopback())
        co_return "localhost";
    std::string host = address.host();
    event::Clock::time_point now = event::Clock::now();
    if (auto known = cache_.find(host); known != cache_.end() && known->second.until > now)
        co_return known->second.name;
    auto job = [address] { return look_up(address); };
    std::string name = co_await pool_.run(std::move(job));
    if (cache_.size() >= kMaxEntries)
        cache_.clear();
    Entry entry{name, now + kKeep};
    cache_[host] = std::move(entry);
    co_return name;
}

}  // namespace smtpd
