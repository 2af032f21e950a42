#include "lib/event/descriptors.h"
#include "lib/event/stream_impl.h"

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace event {

Stream::Impl::Impl(Loop& the_loop, Fd descriptor) : loop(the_loop), fd(std::move(descriptor)) {
    // Not EV_WRITE: a UNIX socket reports an edge each time its peer has read something, and each would wake us for nothing.
    ready_event = event_new(loop.base(), fd.get(), EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, on_ready, this);
    event_add(ready_event, nullptr);
}

// Adding the event looks at the socket at once, so no edge is missed.
void Stream::Impl::await_writable() {
    can_write = false;
    if (writable_event == nullptr)
        writable_event = event_new(loop.base(), fd.get(), EV_WRITE | EV_ET, on_ready, this);
    event_add(writable_event, nullptr);
}

void Stream::Impl::forget_events() {
    for (libevent_event** one : {&ready_event, &writable_event})
        if (*one != nullptr)
            event_free(std::exchange(*one, nullptr));
}

Stream::Impl::~Impl() {
    forget_events();
    if (timer != nullptr)
        event_free(timer);
    if (ssl != nullptr) {
        if (fd && !tls_failed && !error && SSL_is_init_finished(ssl))
            SSL_shutdown(ssl);
        SSL_free(ssl);
        ERR_clear_error();
    }
}

void Stream::Impl::on_ready(int, short what, void* argument) {
    auto& self = *static_cast<Impl*>(argument);
    if (what & EV_READ)
        self.can_read = true;
    if (what & EV_WRITE)
        self.can_write = true;
    if (what & EV_CLOSED)
        self.hung_up = self.can_read = true;
    self.progress();
}

void Stream::Impl::progress() {
    send_pending();
    if (reader != nullptr && reader->satisfied())
        reader->wake();
    if (writer != nullptr && writer->satisfied())
        writer->wake();
}

// Reads once. False where nothing can be read now; true where something changed, an end or error included.
bool Stream::Impl::fill() {
    if (error || eof)
        return true;
    if (!fd) {
        fail(StreamError::Kind::io, "the connection is closed");
        return true;
    }
    if (unsent() > kWriteHighWater)
        send_pending();
    bool may = ssl != nullptr && read_wants_write ? can_write : can_read;
    if (!may || unsent() > kWriteHighWater)
        return error.has_value();
    ssize_t count = read_into(loop.scratch(), Loop::kScratchSize);
    if (count < 0)
        return error.has_value();
    if (count == 0) {
        eof = true;
        return true;
    }
    if (in_start == in.size()) {
        in.clear();
        in_start = 0;
    } else if (in_start > kIdleBuffer) {
        in.erase(0, in_start);
        in_start = 0;
    }
    in.append(loop.scratch(), static_cast<std::size_t>(count));
    turn_octets += static_cast<std::size_t>(count);
    return true;
}

// >0 octets, 0 end of stream, -1 not now or failed (then `error` is set).
ssize_t Stream::Impl::read_into(char* buffer, std::size_t size) {
    if (ssl != nullptr) {
        read_wants_write = false;
        ERR_clear_error();
        return tls_result(SSL_read(ssl, buffer, static_cast<int>(size)), true);
    }
    for (;;) {
        fds_came = false;
        ssize_t count = fds_expected ? receive_with_fds(buffer, size) : ::read(fd.get(), buffer, size);
        if (count >= 0) {
            // A short read emptied the socket, and what arrives later raises a new edge; but a hang-up that
            // was already reported raises none.
            // Nor does it say anything where a descriptor came along: reads stop behind those.
            if (static_cast<std::size_t>(count) < size && !hung_up && !fds_came)
                can_read = false;
            return count;
        }
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            can_read = false;
            return -1;
        }
        if (errno == ECONNRESET) {
            unread_by_peer = true;
            return 0;
        }
        fail(StreamError::Kind::io, std::string("read: ") + std::strerror(errno));
        return -1;
    }
}

ssize_t Stream::Impl::receive_with_fds(char* buffer, std::size_t size) {
    std::vector<Fd> came;
    const ssize_t count = receive_with_descriptors(fd.get(), buffer, size, came);
    if (fds_in.size() + came.size() > kMaxFds || (count < 0 && errno == EPROTO)) {
        fail(StreamError::Kind::too_long, "too many descriptors from the peer");
        errno = EPROTO;
        return -1;
    }
    for (Fd& one : came) {
        fds_in.push_back(std::move(one));
        fds_came = true;
    }
    return count;
}

ssize_t Stream::Impl::send_some(std::string_view octets) {
    if (ssl != nullptr) {
        if (write_wants_read ? !can_read : !can_write)
            return -1;
        write_wants_read = false;
        ERR_clear_error();
        ssize_t count = tls_result(
            SSL_write(ssl, octets.data(), static_cast<int>(std::min<std::size_t>(octets.size(), 1 << 30))), false);
        if (count == 0)
            fail(StreamError::Kind::io, "the peer has closed the TLS session");
        return count > 0 ? count : -1;
    }
    for (;;) {
        ssize_t count = -1;
        bool with_fd = !fds_out.empty() && fds_out.front().position == out_position;
        if (with_fd) {
            count = send_with_fd(octets, fds_out.front().descriptor.get());
        } else {
            if (!fds_out.empty())
                octets = octets.substr(0, fds_out.front().position - out_position);
            count = ::write(fd.get(), octets.data(), octets.size());
        }
        if (count > 0) {
            if (with_fd)
                fds_out.pop_front();
            return count;
        }
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            await_writable();
        else
            fail_write(errno);
        return -1;
    }
}

void Stream::Impl::fail_write(int error) {
    unread_by_peer = error == EPIPE || error == ECONNRESET;
    fail(StreamError::Kind::io, std::string("write: ") + std::strerror(error));
}

ssize_t Stream::Impl::send_with_fd(std::string_view octets, int descriptor) {
    if (fds_out.size() > 1)
        octets = octets.substr(0, fds_out[1].position - out_position);
    return send_with_descriptor(fd.get(), octets, descriptor);
}

void Stream::Impl::send_pending() {
    while (unsent() > 0 && !error && fd && (can_write || ssl != nullptr)) {
        ssize_t count = send_some(std::string_view(out).substr(out_start));
        if (count < 0)
            break;
        out_start += static_cast<std::size_t>(count);
        out_position += static_cast<std::uint64_t>(count);
    }
    if (error)
        out_start = out.size();  // nobody will take it
    if (out_start == out.size()) {
        out.clear();
        out_start = 0;
        if (out.capacity() > kIdleBuffer)
            std::string().swap(out);
    } else if (out_start > kWriteHighWater) {
        out.erase(0, out_start);
        out_start = 0;
    }
}

bool Stream::Impl::took_its_turn() {
    if (turn != loop.turn()) {
        turn = loop.turn();
        turn_octets = 0;
    }
    return turn_octets > kMaxTurnOctets;
}

Clock::time_point Stream::Impl::wait_deadline() const {
    Clock::time_point at = timeout.count() > 0 ? Clock::now() + timeout : Clock::time_point::max();
    return deadline ? std::min(at, *deadline) : at;
}

// The timer is left running where it fires earlier than needed: on_timer() looks again. So a busy session
// does not touch it for each command.
void Stream::Impl::arm_timer(Clock::time_point at) {
    if (at >= timer_at)
        return;
    if (timer == nullptr)
        timer = evtimer_new(loop.base(), on_timer_event, this);
    auto left = std::max(std::chrono::duration_cast<std::chrono::microseconds>(at - Clock::now()), 0us);
    timeval interval{static_cast<time_t>(left.count() / 1000000), static_cast<suseconds_t>(left.count() % 1000000)};
    evtimer_add(timer, &interval);
    timer_at = at;
}

Stream::Stream(Loop& loop, Fd descriptor) : impl_(std::make_unique<Impl>(loop, std::move(descriptor))) {}
Stream::Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

Loop& Stream::loop() const { return impl_->loop; }
int Stream::descriptor() const { return impl_->fd.get(); }
Stream::LineWait Stream::read_line(std::size_t max) { return LineWait(*impl_, max); }
Stream::SomeWait Stream::read_some() { return SomeWait(*impl_); }
Stream::ExactWait Stream::read_exactly(std::size_t octets) { return ExactWait(*impl_, octets); }
std::string_view Stream::buffered() const { return impl_->buffered(); }
std::string_view Stream::arrived() {
    // The loop may not have told yet of what came; and TLS keeps what it has read beyond a record to itself.
    impl_->can_read = true;
    while (impl_->buffered().empty() && !impl_->error && !impl_->eof)
        if (!impl_->fill())
            break;
    return impl_->buffered();
}
void Stream::consume(std::size_t octets) { impl_->in_start += std::min(octets, impl_->buffered().size()); }
Stream::WriteWait Stream::flush() { return WriteWait(*impl_, 0); }
void Stream::push() { impl_->send_pending(); }
Stream::WriteWait Stream::drain() { return WriteWait(*impl_, kWriteHighWater); }
bool Stream::unread_by_peer() const { return impl_ != nullptr && impl_->unread_by_peer; }
std::size_t Stream::unsent() const { return impl_->unsent(); }
void Stream::set_timeout(std::chrono::milliseconds timeout) { impl_->timeout = timeout; }
void Stream::set_deadline(std::optional<Clock::time_point> deadline) { impl_->deadline = deadline; }
void Stream::expect_fds() { impl_->fds_expected = true; }
bool Stream::is_tls() const { return impl_->ssl != nullptr; }
SSL* Stream::tls_handle() const { return impl_->ssl; }

void Stream::write(std::string_view octets) {
    if (!impl_->error)
        impl_->out.append(octets);
}

void Stream::send_fd(Fd descriptor) {
    impl_->fds_out.push_back({impl_->out_position + impl_->unsent(), std::move(descriptor)});
}

Fd Stream::take_fd() {
    if (impl_->fds_in.empty())
        return Fd();
    Fd descriptor = std::move(impl_->fds_in.front());
    impl_->fds_in.pop_front();
    return descriptor;
}

void Stream::shutdown_write() {
    if (impl_->ssl != nullptr)
        SSL_shutdown(impl_->ssl);
    ::shutdown(impl_->fd.get(), SHUT_WR);
}

void Stream::close() {
    if (!impl_ || !impl_->fd)
        return;
    impl_->forget_events();
    if (impl_->ssl != nullptr && !impl_->tls_failed && SSL_is_init_finished(impl_->ssl))
        SSL_shutdown(impl_->ssl);
    impl_->tls_failed = true;
    impl_->fd.reset();
    impl_->fail(StreamError::Kind::io, "the connection is closed");
    impl_->progress();
}

Fd Stream::release() {
    impl_->forget_events();
    if (impl_->ssl != nullptr)
        SSL_free(std::exchange(impl_->ssl, nullptr));
    impl_->fail(StreamError::Kind::io, "the connection was handed on");
    return std::move(impl_->fd);
}

}  // namespace event
