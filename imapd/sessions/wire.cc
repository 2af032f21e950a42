#include "imapd/sessions/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "imapd/sessions/stop_signal.h"

namespace sessions {
namespace {

constexpr std::size_t kReadSize = 8192;
constexpr std::size_t kOutputSize = 16384;

using Why = Disconnected::Why;

}  // namespace

Wire::Wire(event::Fd connection, std::string input, std::chrono::seconds read_timeout, std::chrono::seconds write_timeout)
    : connection_(std::move(connection)),
      input_(std::move(input)),
      read_timeout_(read_timeout),
      write_timeout_(write_timeout) {
    fcntl(connection_.get(), F_SETFL, fcntl(connection_.get(), F_GETFL) | O_NONBLOCK);
}

void Wire::wait_for(short events, std::chrono::seconds timeout) {
    pollfd poll_for{connection_.get(), events, 0};
    for (;;) {
        if (stop_requested)
            throw Disconnected(Why::stopped, "stopped");
        int ready = poll(&poll_for, 1, static_cast<int>(std::min<std::int64_t>(timeout.count() * 1000, 86400000)));
        if (ready > 0)
            return;
        if (ready == 0)
            throw Disconnected(events == POLLIN ? Why::silent : Why::deaf, "timeout");
        if (errno != EINTR)
            throw Disconnected(Why::left, std::strerror(errno));
    }
}

void Wire::fill() {
    flush();
    if (taken_ > 0) {
        input_.erase(0, taken_);
        taken_ = 0;
    }
    std::size_t had = input_.size();
    input_.resize(had + kReadSize);
    for (;;) {
        ssize_t n = recv(connection_.get(), input_.data() + had, kReadSize, 0);
        if (n > 0) {
            input_.resize(had + static_cast<std::size_t>(n));
            in_ += static_cast<std::uint64_t>(n);
            return;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            int error = n == 0 ? 0 : errno;
            input_.resize(had);
            throw Disconnected(Why::left, error == 0 ? "connection closed" : std::strerror(error));
        }
        try {
            wait_for(POLLIN, read_timeout_);
        } catch (const Disconnected&) {
            input_.resize(had);
            throw;
        }
    }
}

std::string_view Wire::read_line(std::size_t longest) {
    std::size_t scanned = 0;
    for (;;) {
        std::size_t feed = input_.find('\n', taken_ + scanned);
        if (feed != std::string::npos) {
            std::string_view line(input_.data() + taken_, feed - taken_);
            taken_ = feed + 1;
            if (line.ends_with('\r'))
                line.remove_suffix(1);
            if (line.size() > longest)
                throw Disconnected(Why::too_long, "line is too long");
            return line;
        }
        scanned = input_.size() - taken_;
        if (scanned > longest)
            throw Disconnected(Why::too_long, "line is too long");
        fill();
    }
}

std::string_view Wire::read_some(std::size_t most) {
    if (taken_ == input_.size())
        fill();
    std::size_t count = std::min(most, input_.size() - taken_);
    std::string_view octets(input_.data() + taken_, count);
    taken_ += count;
    return octets;
}

void Wire::discard(std::uint64_t octets) {
    while (octets > 0)
        octets -= read_some(static_cast<std::size_t>(std::min<std::uint64_t>(octets, 1 << 20))).size();
}

void Wire::write(std::string_view octets) {
    if (output_.size() + octets.size() <= kOutputSize) {
        output_ += octets;
        return;
    }
    if (octets.size() < kOutputSize) {
        flush();
        output_ += octets;
        return;
    }
    flush();
    while (!octets.empty()) {
        std::string_view part = octets.substr(0, 4 * kOutputSize);
        output_ = part;
        flush();
        octets.remove_prefix(part.size());
    }
}

void Wire::flush() {
    std::string_view rest = output_;
    while (!rest.empty()) {
        ssize_t n = send(connection_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (n > 0) {
            rest.remove_prefix(static_cast<std::size_t>(n));
            out_count_ += static_cast<std::uint64_t>(n);
        } else if (n < 0 && errno == EAGAIN) {
            wait_for(POLLOUT, write_timeout_);
        } else if (n < 0 && errno != EINTR) {
            output_.clear();
            throw Disconnected(Why::left, std::strerror(errno));
        }
    }
    output_.clear();
}

Wire::Woken Wire::wait(int other, std::chrono::milliseconds longest) {
    flush();
    if (taken_ < input_.size())
        return Woken::input;
    pollfd poll_for[2] = {{connection_.get(), POLLIN, 0}, {other, POLLIN, 0}};
    int ready = poll(poll_for, other >= 0 ? 2 : 1, static_cast<int>(longest.count()));
    if (stop_requested)
        throw Disconnected(Why::stopped, "stopped");
    if (ready <= 0)
        return Woken::timeout;
    return poll_for[0].revents ? Woken::input : Woken::other;
}

bool Wire::peer_has_left() const {
    pollfd poll_for{connection_.get(), POLLRDHUP, 0};
    return poll(&poll_for, 1, 0) > 0 && (poll_for.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

void Wire::rest() {
    if (taken_ == input_.size()) {
        input_ = std::string();
        taken_ = 0;
    }
    if (output_.empty())
        output_ = std::string();
}

}  // namespace sessions
