// lib/ipc/service_link.h - one kept connection to a service that is there when there is work.
//
// The lowest of three ways to talk to a service, and the one that the others stand on:
//
//     ServiceLink     frames in both directions, for who keeps the account of what is outstanding itself (qmgr's transports)
//     ServiceClient   questions with one answer each, many at a time, each with its number (service_client.h)
//     ServicePool     whole conversations, one at a time on each connection (service_pool.h)
//
// The owner calls want() when it has something to say and writes whenever ready() holds. A service may close an idle
// connection at any time (it was idle for too long, or reloads): that is no failure, and the next want() makes a new one.
//
// Failure     link_down() tells that the service cannot be reached, or that the connection broke; the owner knows what was
//             outstanding. Nothing is thrown.
// Lifetime    may be destroyed at any time, outside of its own calls of the owner; then the owner hears no more.
// Trust       frames are limited to max_frame before they are read.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/event/endpoint.h"
#include "lib/event/fd.h"
#include "lib/event/loop.h"
#include "lib/event/stream.h"
#include "lib/event/task.h"
#include "lib/ipc/record.h"

namespace ipc {

// Where a service is, and how patient its clients are.
struct ServiceSettings {
    std::string socket;                        // "private/signer" below the queue directory
    std::chrono::milliseconds connect{10000};  // to connect and to be greeted
    std::chrono::milliseconds answer{0};       // for each answer; 0: for ever
    std::chrono::milliseconds patience{0};     // how long a service that is not there is tried again
    std::size_t max_frame = 65536;             // octets of one frame of the service
    bool repeatable = false;                   // asking twice does no harm: what was lost on the way is asked once more
    // Where the service is not a UNIX socket below the queue directory (auth may be elsewhere); `socket` is for the log
    // then.
    std::optional<event::SocketAddress> address;

    ServiceSettings() = default;
    explicit ServiceSettings(std::string the_socket) : socket(std::move(the_socket)) {}
    ServiceSettings(std::string the_socket, std::chrono::milliseconds the_connect)
        : socket(std::move(the_socket)), connect(the_connect) {}
};

// How frames look on the wire, and what is said before the first of them. The default: our records, and nothing.
class Framing {
  public:
    virtual ~Framing() = default;
    // On a fresh connection. Throws StreamError where the service is not what it should be.
    virtual event::Task<void> greet(event::Stream& stream);
    // The next frame, valid until the next read; none at the end.
    virtual event::Task<std::optional<std::string_view>> read_frame(event::Stream& stream, std::size_t max);
};

class ServiceLink {
  public:
    class Owner {
      public:
        virtual void link_ready() = 0;
        virtual void link_frame(std::string_view frame) = 0;
        // `reached` is false where no connection could be made at all. The reason names the socket.
        virtual void link_down(const std::string& reason, bool reached) = 0;

      protected:
        ~Owner() = default;
    };

    ServiceLink(event::Loop& loop, ServiceSettings settings, Owner& owner, std::shared_ptr<Framing> framing = nullptr);
    ~ServiceLink();
    ServiceLink(const ServiceLink&) = delete;

    bool ready() const;
    // Connects, where that is not so and not under way; then comes link_ready() or link_down(), but never from inside of
    // this.
    void want();
    // Where the other end has gone already this is not ready() any more, so that nothing is written into the void. What it
    // said before is still read, and then comes link_down().
    void renew_if_gone();
    // While ready(). What is written in one turn of the loop leaves together.
    void write(std::string_view octets, event::Fd descriptor = {});
    template <RecordType T>
    void write(const T& record, event::Fd descriptor = {}) {
        write(encode(record), std::move(descriptor));
    }
    // Octets that the service has not taken yet, so that the owner can stop in time.
    std::size_t unsent() const;
    // Ends the connection: the service does not do what it should. Then comes link_down().
    void drop(const std::string& reason);

    const ServiceSettings& settings() const;

    struct State;

  private:
    std::shared_ptr<State> state_;
};

// A fresh connection, greeted; tried again while `patience` lasts. StreamError names the socket.
event::Task<event::Stream> open_service(event::Loop& loop, ServiceSettings settings, std::shared_ptr<Framing> framing);

// Whether the other end of a kept connection has gone, or has said something where it had nothing to say.
bool is_gone(event::Stream& stream);

}  // namespace ipc
