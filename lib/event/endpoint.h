// lib/event/endpoint.h - where a socket listens or connects to, and who is at the other end.
//
// Written as in Postfix: `inet:host:port`, `[::1]:25`, `unix:/path`, `unix:private/x`, `host:port`. A port may
// be a service name. IPv6 addresses stand in brackets.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lib/event/fd.h"
#include "lib/event/loop.h"
#include "lib/event/stream.h"
#include "lib/event/task.h"

namespace event {

// A socket address of any family.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    int family() const { return storage.ss_family; }
    std::string host() const;    // "192.0.2.1", "2001:db8::1", "" for UNIX; IPv4-mapped is shown as IPv4
    std::uint16_t port() const;  // 0 for UNIX
    bool is_loopback() const;    // 127/8, ::1, or a UNIX socket
};

struct Endpoint {
    enum class Kind { inet, unix_socket };
    Kind kind = Kind::inet;
    std::string host;  // name or address; empty: all addresses (listening only)
    std::string port;  // number or service name
    std::string path;

    static std::expected<Endpoint, std::string> parse(std::string_view text);
    std::string describe() const;  // for logs: "127.0.0.1:24", "private/lmtp"
    // Numeric addresses at once; names by the system's resolver, which blocks: call it in a thread pool.
    std::expected<std::vector<SocketAddress>, std::string> resolve(bool passive = false) const;
    bool is_numeric() const;
};

std::expected<std::uint16_t, std::string> parse_port(std::string_view port);

// The address of the peer, or of our own end.
SocketAddress peer_address(int descriptor);
SocketAddress local_address(int descriptor);

// Connects within `timeout`; TCP_NODELAY is set. StreamError with "connect to ...: Connection refused".
Task<Stream> connect(Loop& loop, SocketAddress address, std::chrono::milliseconds timeout);
SocketAddress unix_address(std::string_view path);

// A listening socket, close-on-exec, non-blocking; TCP_NODELAY is inherited by what it accepts.
std::expected<Fd, std::string> listen_at(const SocketAddress& address, int backlog = 1024);
std::expected<Fd, std::string> listen_at_path(const std::string& path, unsigned mode, int backlog = 1024);

// Accepts clients of a listening descriptor, one at a time.
class Listener {
  public:
    Listener(Loop& loop, Fd descriptor);
    ~Listener();
    Listener(const Listener&) = delete;

    class AcceptWait;
    // The next client, non-blocking and close-on-exec. Passing trouble (descriptors used up) is waited out.
    AcceptWait accept();
    int descriptor() const { return descriptor_.get(); }

  private:
    friend class AcceptWait;
    Loop& loop_;
    Fd descriptor_;
    libevent_event* event_ = nullptr;
    AcceptWait* waiter_ = nullptr;
    static void on_ready(int, short, void* argument);
};

class Listener::AcceptWait final : public LoopWaiter {
  public:
    explicit AcceptWait(Listener& listener) : LoopWaiter(listener.loop_), listener_(listener) {}
    bool await_ready() { return try_accept(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (!begin_wait(handle))
            return false;
        sleep();
        return true;
    }
    Fd await_resume() {
        end_wait();
        return std::move(accepted_);
    }
    void cancel() override;

  private:
    friend class Listener;
    bool try_accept();
    void sleep();
    Listener& listener_;
    Fd accepted_;
};

}  // namespace event
