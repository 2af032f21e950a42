// lib/ipc/service_pool.h - whole conversations with a service, one at a time on each connection; connections are kept.
//
//     ServicePool<> signers(loop, settings);
//     ServicePool<>::Talk<SignReply> talk = ...;         // a coroutine that writes the request and receives the reply
//     std::expected<SignReply, std::string> reply = co_await signers.converse<SignReply>(talk);
//
// For services that answer in order, such as cleanup, where a message may take many frames. `Memo` is what the service said
// on the connection about the conversation to come (cleanup: the next queue id); it is kept with the connection.
//
// A kept connection that the service has closed is found out before anything is said on it. Where it goes between that look
// and the last octet of the request, the kernel tells (EPIPE, ECONNRESET) that the request was not read whole, and
// converse() says it once more over a new connection; where the end comes later nobody knows what was done, and it is a
// failure, unless settings.repeatable says that saying it twice does no harm.
//
// Failure     a reason that names the socket. Only cancellation is thrown.
// Lifetime    outlives its leases.
// See also    lib/ipc/service_link.h for the three ways to talk to a service.
#pragma once

#include <sys/socket.h>

#include <expected>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lib/event/error.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/service_link.h"

namespace ipc {

struct NoMemo {};

template <class Memo = NoMemo>
class ServicePool {
  public:
    struct Lease {
        Channel channel;
        Memo memo;
        bool kept = false;  // it has carried a conversation already
    };
    // What the service says first on a connection; a StreamError where it is not what it should be.
    using Greeting = std::function<event::Task<Memo>(Channel&)>;
    // One conversation; leaves the memo for the next one.
    template <class Reply>
    using Talk = std::function<event::Task<std::expected<Reply, std::string>>(Lease&)>;

    ServicePool(event::Loop& loop, ServiceSettings settings, std::size_t most_idle = 4, Greeting greeting = nullptr)
        : loop_(loop), settings_(std::move(settings)), most_idle_(most_idle), greeting_(std::move(greeting)) {}

    // Connects with this instead of with the socket: called with the other end of each connection.
    void use(std::function<void(event::Fd)> service) { service_ = std::move(service); }
    const std::string& socket() const { return settings_.socket; }

    // A kept connection whose other end is still there, or a new one.
    event::Task<std::expected<Lease, std::string>> take() {
        while (!idle_.empty()) {
            Lease lease = std::move(idle_.back());
            idle_.pop_back();
            if (!is_gone(lease.channel.stream()))
                co_return std::move(lease);
        }
        std::expected<Lease, std::string> fresh = co_await open();
        co_return std::move(fresh);
    }

    // After a whole conversation, or unused.
    void give_back(Lease lease) {
        lease.kept = true;
        if (idle_.size() < most_idle_)
            idle_.push_back(std::move(lease));
    }

    template <class Reply>
    event::Task<std::expected<Reply, std::string>> converse(Talk<Reply> talk) {
        std::expected<Lease, std::string> lease = co_await take();
        if (!lease)
            co_return std::unexpected(std::move(lease.error()));
        bool unread = false;
        std::expected<Reply, std::string> reply = co_await try_talk(*lease, talk, unread);
        if (lease->kept && (unread || (!reply && settings_.repeatable))) {
            lease = co_await open();
            if (!lease)
                co_return std::unexpected(std::move(lease.error()));
            reply = co_await try_talk(*lease, talk, unread);
        }
        if (reply)
            give_back(std::move(*lease));
        co_return std::move(reply);
    }

  private:
    event::Task<std::expected<Lease, std::string>> open() {
        std::string reason;
        event::StreamError::Kind kind = event::StreamError::Kind::io;
        try {
            event::Stream stream;
            if (service_)
                stream = pair();
            else
                stream = co_await open_service(loop_, settings_, nullptr);
            Lease lease;
            lease.channel = Channel(std::move(stream));
            lease.channel.stream().set_timeout(settings_.connect);
            if (greeting_)
                lease.memo = co_await greeting_(lease.channel);
            lease.channel.stream().set_timeout(settings_.answer);
            co_return std::move(lease);
        } catch (const event::StreamError& error) {
            kind = error.kind();
            reason = error.what();
        }
        if (kind == event::StreamError::Kind::cancelled)
            throw event::StreamError(kind, reason);
        co_return std::unexpected(named(reason));
    }

    // `unread`: the service cannot have seen the whole request.
    template <class Reply>
    event::Task<std::expected<Reply, std::string>> try_talk(Lease& lease, const Talk<Reply>& talk, bool& unread) {
        unread = false;
        std::string reason;
        event::StreamError::Kind kind = event::StreamError::Kind::io;
        try {
            std::expected<Reply, std::string> reply = co_await talk(lease);
            unread = !reply && lease.channel.stream().unread_by_peer();
            if (!reply)
                reply = std::unexpected(named(reply.error()));
            co_return std::move(reply);
        } catch (const event::StreamError& error) {
            kind = error.kind();
            reason = error.what();
        }
        if (kind == event::StreamError::Kind::cancelled)
            throw event::StreamError(kind, reason);
        unread = lease.channel.stream().unread_by_peer();
        co_return std::unexpected(named(reason));
    }

    std::string named(const std::string& reason) const {
        return reason.find(settings_.socket) == std::string::npos ? settings_.socket + ": " + reason : reason;
    }

    event::Stream pair() {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
            throw event::StreamError(event::StreamError::Kind::io, "cannot make a socket pair");
        event::Stream stream(loop_, event::Fd(ends[0]));
        service_(event::Fd(ends[1]));
        return stream;
    }

    event::Loop& loop_;
    ServiceSettings settings_;
    std::size_t most_idle_;
    Greeting greeting_;
    std::function<void(event::Fd)> service_;
    std::vector<Lease> idle_;
};

}  // namespace ipc
