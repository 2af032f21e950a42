// lib/event/stream.h - a connection: TCP or UNIX, in clear or under TLS, behind one interface.
//
// Reading is by line, by octet count or by "some", each under a limit; what a read returns is a view into the
// stream's buffer and valid until the next read. Writing is buffered and sent before every wait, so that
// pipelined replies leave together; while a peer does not take its replies nothing more is read from it.
// A deadline covers a whole wait and is not moved by trickling octets.
//
// STARTTLS    start_tls_*() throws away everything buffered before the handshake, in both directions' favour:
//             plaintext that was injected ahead of it is never read (CVE-2011-0411).
// Failure     StreamError: timeout, eof (in the middle of something), too_long, tls, io, cancelled.
// Lifetime    a Stream is movable between awaits; it must not outlive its loop.
// Trust       every octet read comes from the peer. No buffer grows past its limit.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/event/fd.h"
#include "lib/event/loop.h"
#include "lib/event/task.h"

typedef struct ssl_st SSL;

namespace event {

class TlsContext;

// A line without its end. `crlf` is false where the line ended in a bare LF.
struct Line {
    std::string_view text;
    bool crlf = true;
};

// What the log and Received: say of the TLS session.
struct TlsInfo {
    std::string protocol;  // "TLSv1.3"
    std::string cipher;    // "TLS_AES_256_GCM_SHA384"
    int bits = 0;
    int algorithm_bits = 0;
};

class Stream {
  public:
    static constexpr std::size_t kWriteHighWater = 65536;  // unsent octets at which reading stops
    static constexpr std::size_t kReadAhead = 65536;       // octets read before somebody asks for them

    Stream();
    Stream(Loop& loop, Fd descriptor);
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    ~Stream();

    explicit operator bool() const { return impl_ != nullptr; }
    Loop& loop() const;
    int descriptor() const;

    class LineWait;
    class SomeWait;
    class ExactWait;
    class WriteWait;
    class HandshakeWait;

    // The next line, without its end; no value at the end of the stream. Text before the end of the stream
    // that is not a whole line is an eof error. A line longer than `max` (its end not counted) is too_long.
    LineWait read_line(std::size_t max);
    // What has arrived, at least one octet; empty at the end of the stream. Stays buffered until consume().
    SomeWait read_some();
    void consume(std::size_t octets);
    // Exactly that many octets, consumed. eof where the stream ends before.
    ExactWait read_exactly(std::size_t octets);
    // What is buffered already, without waiting.
    std::string_view buffered() const;
    // The same, but the socket (or TLS) is asked too: what a peer has said before it was asked anything.
    std::string_view arrived();

    void write(std::string_view octets);
    // Until all is handed to the kernel.
    WriteWait flush();
    // Hands over what the kernel takes now, without waiting; the rest goes out by itself.
    void push();
    // Until less than the high-water mark waits: between the parts of something long.
    WriteWait drain();
    std::size_t unsent() const;
    // After an end or an error: the peer closed the connection before it had read all of what we sent (UNIX sockets tell).
    bool unread_by_peer() const;

    // Passes a descriptor with the next octet written; UNIX sockets only.
    void send_fd(Fd descriptor);
    // Descriptors that came along, in order; none where the peer sent none. expect_fds() must have been called.
    Fd take_fd();
    void expect_fds();

    // How long each following wait may take; zero: for ever.
    void set_timeout(std::chrono::milliseconds timeout);
    // A moment past which no wait lasts, whatever the timeout; the default: none.
    void set_deadline(std::optional<Clock::time_point> deadline);

    Task<void> start_tls_server(TlsContext& context);
    Task<void> start_tls_client(TlsContext& context, std::string host_name);
    bool is_tls() const;
    TlsInfo tls_info() const;
    // "" where the peer's certificate is trusted and fits the name; the reason otherwise.
    std::string tls_verify_error() const;
    SSL* tls_handle() const;

    // Gives the descriptor away, with TLS and buffers forgotten; buffered() should be read before.
    Fd release();
    void shutdown_write();
    // Closes at once; further reads and writes are io errors.
    void close();

    struct Impl;

  private:
    friend class StreamWait;
    std::unique_ptr<Impl> impl_;
};

// The common part of the awaiters below.
class StreamWait : public LoopWaiter {
  public:
    void cancel() override;

  protected:
    friend struct Stream::Impl;
    StreamWait(Stream::Impl& stream, bool writes);
    ~StreamWait() = default;
    StreamWait(const StreamWait&) = delete;
    bool ready_now();              // tries without sleeping
    bool sleep();                  // hooks into the stream; false where the wait is over after all
    void wake();                   // unhooks, and schedules the coroutine
    void finish();                 // throws what went wrong
    virtual bool satisfied() = 0;  // whether the wait is over, an error included

    Stream::Impl& stream_;
    StreamWait*& slot_;  // one coroutine may read while another writes
    bool timed_out_ = false;
    Clock::time_point deadline_ = Clock::time_point::max();

  public:
    bool await_ready() { return ready_now(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (!begin_wait(handle))
            return false;
        return sleep();
    }
};

class Stream::LineWait final : public StreamWait {
  public:
    LineWait(Stream::Impl& stream, std::size_t max) : StreamWait(stream, false), max_(max) {}
    std::optional<Line> await_resume();

  private:
    bool satisfied() override;
    std::size_t max_;
    std::size_t scanned_ = 0;
    std::size_t end_ = std::string_view::npos;
};

class Stream::SomeWait final : public StreamWait {
  public:
    explicit SomeWait(Stream::Impl& stream) : StreamWait(stream, false) {}
    std::string_view await_resume();

  private:
    bool satisfied() override;
};

class Stream::ExactWait final : public StreamWait {
  public:
    ExactWait(Stream::Impl& stream, std::size_t octets) : StreamWait(stream, false), octets_(octets) {}
    std::string_view await_resume();

  private:
    bool satisfied() override;
    std::size_t octets_;
};

class Stream::WriteWait final : public StreamWait {
  public:
    WriteWait(Stream::Impl& stream, std::size_t limit) : StreamWait(stream, true), limit_(limit) {}
    void await_resume();

  private:
    bool satisfied() override;
    std::size_t limit_;
};

class Stream::HandshakeWait final : public StreamWait {
  public:
    explicit HandshakeWait(Stream::Impl& stream) : StreamWait(stream, false) {}
    void await_resume();

  private:
    bool satisfied() override;
};

}  // namespace event
