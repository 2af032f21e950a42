#include "lib/event/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lib/event/libevent.h"
#include "lib/log/log.h"
#include "lib/text/text.h"

namespace event {
namespace {

std::string reason() { return std::strerror(errno); }

void set_no_delay(int descriptor) {
    int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// How long to wait before the next accept() when descriptors or memory are used up.
constexpr timeval kAcceptPause{1, 0};

// Sleeps until a descriptor is writable: the end of a non-blocking connect().
class ConnectWait final : public LoopWaiter {
  public:
    ConnectWait(Loop& loop, int descriptor, std::chrono::milliseconds timeout)
        : LoopWaiter(loop), descriptor_(descriptor), timeout_(timeout) {}
    ConnectWait(const ConnectWait&) = delete;
    bool await_ready() const { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (!begin_wait(handle))
            return false;
        event_ = event_new(loop_.base(), descriptor_, EV_WRITE, on_ready, this);
        timeval interval{
            static_cast<time_t>(timeout_.count() / 1000), static_cast<suseconds_t>(timeout_.count() % 1000 * 1000)};
        event_add(event_, timeout_.count() > 0 ? &interval : nullptr);
        return true;
    }
    // Whether the descriptor became writable in time.
    bool await_resume() {
        end_wait();
        return !timed_out_;
    }
    void cancel() override {
        if (event_ != nullptr)
            wake();
    }

  private:
    static void on_ready(int, short what, void* argument) {
        auto& self = *static_cast<ConnectWait*>(argument);
        self.timed_out_ = (what & EV_TIMEOUT) != 0;
        self.wake();
    }
    void wake() {
        event_free(std::exchange(event_, nullptr));
        loop_.schedule(handle_);
    }
    int descriptor_;
    std::chrono::milliseconds timeout_;
    libevent_event* event_ = nullptr;
    bool timed_out_ = false;
};

}  // namespace

std::string SocketAddress::host() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (family() == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
        ::inet_ntop(AF_INET, &v4.sin_addr, buffer.data(), buffer.size());
    } else if (family() == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], buffer.data(), buffer.size());
        else
            ::inet_ntop(AF_INET6, &v6.sin6_addr, buffer.data(), buffer.size());
    }
    return buffer.data();
}

std::uint16_t SocketAddress::port() const {
    if (family() == AF_INET)
        return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
    if (family() == AF_INET6)
        return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
    return 0;
}

bool SocketAddress::is_loopback() const { return family() == AF_UNIX || host() == "::1" || host().starts_with("127."); }

std::expected<std::uint16_t, std::string> parse_port(std::string_view port) {
    if (auto number = text::parse_number(port)) {
        if (*number == 0 || *number > 65535)
            return std::unexpected("\"" + std::string(port) + "\" is not a port: 1 to 65535");
        return static_cast<std::uint16_t>(*number);
    }
    servent entry{};
    servent* found = nullptr;
    std::array<char, 1024> buffer{};
    ::getservbyname_r(std::string(port).c_str(), "tcp", &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr)
        return ntohs(static_cast<std::uint16_t>(found->s_port));
    // A jail or a small container has no /etc/services.
    constexpr std::array<std::pair<std::string_view, std::uint16_t>, 10> kMail{
        {{"smtp", 25}, {"lmtp", 24}, {"submission", 587}, {"submissions", 465}, {"smtps", 465}, {"imap", 143},
            {"imaps", 993}, {"pop3", 110}, {"pop3s", 995}, {"sieve", 4190}}};
    for (const auto& [name, number] : kMail)
        if (name == port)
            return number;
    return std::unexpected("\"" + std::string(port) + "\" is not a port number or a known service name");
}

std::expected<Endpoint, std::string> Endpoint::parse(std::string_view text) {
    Endpoint endpoint;
    if (text.starts_with("unix:")) {
        endpoint.kind = Kind::unix_socket;
        endpoint.path = text.substr(5);
        if (endpoint.path.empty())
            return std::unexpected("\"" + std::string(text) + "\" names no socket");
        return endpoint;
    }
    if (text.starts_with("inet:"))
        text.remove_prefix(5);
    std::string_view host = text, port;
    if (text.starts_with('[')) {
        std::size_t close = text.find(']');
        if (close == std::string_view::npos)
            return std::unexpected("\"" + std::string(text) + "\" lacks a closing bracket");
        host = text.substr(1, close - 1);
        port = text.substr(close + 1);
        if (!port.empty() && port.front() != ':')
            return std::unexpected("\"" + std::string(text) + "\" has text after the bracket");
        port.remove_prefix(port.empty() ? 0 : 1);
    } else if (std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
    }
    if (text::starts_with_ignoring_case(host, "ipv6:"))
        host.remove_prefix(5);
    endpoint.host = host;
    endpoint.port = port;
    return endpoint;
}

std::string Endpoint::describe() const {
    if (kind == Kind::unix_socket)
        return path;
    std::string name = host.find(':') != std::string::npos ? "[" + host + "]" : host;
    return port.empty() ? name : name + ":" + port;
}

bool Endpoint::is_numeric() const {
    in6_addr ignored{};
    return kind == Kind::unix_socket || host.empty() || ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

std::expected<std::vector<SocketAddress>, std::string> Endpoint::resolve(bool passive) const {
    std::vector<SocketAddress> addresses;
    if (kind == Kind::unix_socket) {
        addresses.push_back(unix_address(path));
        return addresses;
    }
    auto number = parse_port(port);
    if (!number)
        return std::unexpected(describe() + ": " + number.error());
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0) | (is_numeric() ? AI_NUMERICHOST : 0);
    addrinfo* list = nullptr;
    int failure = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(*number).c_str(), &hints, &list);
    if (failure != 0)
        return std::unexpected("cannot find the address of " + host + ": " + ::gai_strerror(failure));
    for (addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        SocketAddress address;
        std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
        address.length = entry->ai_addrlen;
        addresses.push_back(address);
    }
    ::freeaddrinfo(list);
    return addresses;
}

SocketAddress unix_address(std::string_view path) {
    SocketAddress address;
    auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
    un.sun_family = AF_UNIX;
    std::memcpy(un.sun_path, path.data(), std::min(path.size(), sizeof un.sun_path - 1));
    address.length = sizeof un;
    return address;
}

SocketAddress peer_address(int descriptor) {
    SocketAddress address;
    address.length = sizeof address.storage;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0)
        address.storage.ss_family = AF_UNSPEC;
    return address;
}

SocketAddress local_address(int descriptor) {
    SocketAddress address;
    address.length = sizeof address.storage;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0)
        address.storage.ss_family = AF_UNSPEC;
    return address;
}

Task<Stream> connect(Loop& loop, SocketAddress address, std::chrono::milliseconds timeout) {
    Fd descriptor(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!descriptor)
        throw StreamError(StreamError::Kind::io, "cannot make a socket: " + reason());
    if (address.family() != AF_UNIX)
        set_no_delay(descriptor.get());
    int result = ::connect(descriptor.get(), address.get(), address.length);
    if (result != 0 && errno == EINPROGRESS) {
        bool in_time = co_await ConnectWait(loop, descriptor.get(), timeout);
        if (!in_time)
            throw StreamError(StreamError::Kind::timeout, "Connection timed out");
        int failure = 0;
        socklen_t length = sizeof failure;
        ::getsockopt(descriptor.get(), SOL_SOCKET, SO_ERROR, &failure, &length);
        errno = failure;
        result = failure == 0 ? 0 : -1;
    }
    if (result != 0)
        throw StreamError(StreamError::Kind::io, reason());
    Stream stream(loop, std::move(descriptor));
    co_return std::move(stream);
}

std::expected<Fd, std::string> listen_at(const SocketAddress& address, int backlog) {
    Fd descriptor(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!descriptor)
        return std::unexpected("cannot make a socket: " + reason());
    int on = 1;
    ::setsockopt(descriptor.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.family() == AF_INET6)
        ::setsockopt(descriptor.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    set_no_delay(descriptor.get());
    std::string where = address.host() + " port " + std::to_string(address.port());
    if (::bind(descriptor.get(), address.get(), address.length) != 0)
        return std::unexpected("cannot listen at " + where + ": " + reason());
    if (::listen(descriptor.get(), backlog) != 0)
        return std::unexpected("cannot listen at " + where + ": " + reason());
    return descriptor;
}

std::expected<Fd, std::string> listen_at_path(const std::string& path, unsigned mode, int backlog) {
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return std::unexpected("the path " + path + " is too long for a UNIX socket");
    Fd descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!descriptor)
        return std::unexpected("cannot make a socket: " + reason());
    SocketAddress address = unix_address(path);
    ::unlink(path.c_str());
    if (::bind(descriptor.get(), address.get(), address.length) != 0)
        return std::unexpected("cannot listen at " + path + ": " + reason());
    if (::chmod(path.c_str(), mode) != 0 || ::listen(descriptor.get(), backlog) != 0)
        return std::unexpected("cannot listen at " + path + ": " + reason());
    return descriptor;
}

Listener::Listener(Loop& loop, Fd descriptor) : loop_(loop), descriptor_(std::move(descriptor)) {
    event_ = event_new(loop_.base(), descriptor_.get(), EV_READ, on_ready, this);
}

Listener::~Listener() { event_free(event_); }

Listener::AcceptWait Listener::accept() { return AcceptWait(*this); }

void Listener::on_ready(int, short, void* argument) {
    auto& self = *static_cast<Listener*>(argument);
    if (self.waiter_ == nullptr)
        return;
    if (!self.waiter_->try_accept()) {
        self.waiter_->sleep();
        return;
    }
    AcceptWait* waiter = std::exchange(self.waiter_, nullptr);
    self.loop_.schedule(waiter->handle_);
}

bool Listener::AcceptWait::try_accept() {
    int descriptor = ::accept4(listener_.descriptor_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0)
        accepted_.reset(descriptor);
    return descriptor >= 0;
}

void Listener::AcceptWait::sleep() {
    listener_.waiter_ = this;
    bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (exhausted) {
        logging::warning("cannot accept a client at descriptor {}: {}; waiting", listener_.descriptor_.get(), reason());
        event_base_once(loop_.base(), -1, EV_TIMEOUT, Listener::on_ready, &listener_, &kAcceptPause);
        return;
    }
    event_add(listener_.event_, nullptr);
}

void Listener::AcceptWait::cancel() {
    if (listener_.waiter_ != this)
        return;
    listener_.waiter_ = nullptr;
    event_del(listener_.event_);
    loop_.schedule(handle_);
}

}  // namespace event
