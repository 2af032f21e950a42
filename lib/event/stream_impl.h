// lib/event/stream_impl.h - what is behind a Stream: for stream.cc (octets and descriptors), stream_tls.cc and
// stream_waits.cc alone.
#pragma once

#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <deque>

#include "lib/event/libevent.h"
#include "lib/event/stream.h"

namespace event {

inline constexpr std::size_t kMaxTurnOctets = 262144;  // read in one turn before others get theirs
inline constexpr std::size_t kIdleBuffer = 2048;       // what an idle stream may keep allocated
inline constexpr std::size_t kMaxFds = 16;             // descriptors a peer may have waiting here

struct PendingFd {
    std::uint64_t position;  // the octet it travels with
    Fd descriptor;
};

struct Stream::Impl {
    Impl(Loop& the_loop, Fd descriptor);
    ~Impl();
    Impl(const Impl&) = delete;

    // --- state
    Loop& loop;
    Fd fd;
    libevent_event* ready_event = nullptr;     // something to read, or the end
    libevent_event* writable_event = nullptr;  // asked for only while the kernel takes no more
    libevent_event* timer = nullptr;
    Clock::time_point timer_at = Clock::time_point::max();
    SSL* ssl = nullptr;
    bool tls_failed = false;
    bool read_wants_write = false, write_wants_read = false;  // TLS may want the other direction

    std::string in;
    std::size_t in_start = 0;
    std::string out;
    std::size_t out_start = 0;
    std::uint64_t out_position = 0;  // octets sent since the beginning

    bool can_read = true, can_write = true, hung_up = false, eof = false;
    bool unread_by_peer = false;  // the peer closed with octets of ours unread
    std::optional<StreamError> error;
    std::uint64_t turn = 0;
    std::size_t turn_octets = 0;

    bool fds_expected = false;
    bool fds_came = false;  // with the last read
    std::deque<Fd> fds_in;
    std::deque<PendingFd> fds_out;

    StreamWait* reader = nullptr;
    StreamWait* writer = nullptr;
    std::chrono::milliseconds timeout{0};
    std::optional<Clock::time_point> deadline;

    // --- behaviour
    std::string_view buffered() const { return std::string_view(in).substr(in_start); }
    std::size_t unsent() const { return out.size() - out_start; }
    void fail(StreamError::Kind kind, const std::string& text) {
        if (!error)
            error.emplace(kind, text);
    }
    bool fill();
    ssize_t read_into(char* buffer, std::size_t size);
    ssize_t receive_with_fds(char* buffer, std::size_t size);
    ssize_t send_some(std::string_view octets);
    void fail_write(int error);
    ssize_t send_with_fd(std::string_view octets, int descriptor);
    ssize_t tls_result(int result, bool reading);
    void send_pending();
    void await_writable();
    void forget_events();
    void progress();
    bool took_its_turn();
    void give_back_buffer() {
        if (buffered().empty() && in.capacity() > kIdleBuffer) {
            std::string().swap(in);
            in_start = 0;
        }
    }
    void arm_timer(Clock::time_point at);
    void on_timer();
    Clock::time_point wait_deadline() const;
    static void on_ready(int, short what, void* argument);
    static void on_timer_event(int, short, void* argument) { static_cast<Impl*>(argument)->on_timer(); }
};

}  // namespace event
