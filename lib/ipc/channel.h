// lib/ipc/channel.h - records over a stream.
//
// A Channel frames records; it adds nothing else. Several may be outstanding where the protocol between the
// two programs numbers them.
//
// Failure     receive() returns a Failure where the peer sent something that is not the record wanted, and
//             throws event::StreamError where the connection breaks. After either, close the channel.
// Trust       frames are limited (kMaxFrame by default, less where the reader says so) before they are read.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "lib/event/endpoint.h"
#include "lib/event/stream.h"
#include "lib/ipc/record.h"

namespace ipc {

// The content of the next frame on a stream (record name first), valid until the next read; none at the end.
event::Task<std::optional<std::string_view>> next_frame(event::Stream& stream, std::size_t max);

class Channel {
  public:
    Channel() = default;
    explicit Channel(event::Stream stream) : stream_(std::move(stream)) { stream_.expect_fds(); }

    explicit operator bool() const { return static_cast<bool>(stream_); }
    event::Stream& stream() { return stream_; }

    // Buffered like any write: sent before the next wait, or by flush().
    template <RecordType T>
    void write(const T& record) {
        stream_.write(encode(record));
    }
    template <RecordType T>
    void write_with_fd(const T& record, event::Fd descriptor) {
        stream_.send_fd(std::move(descriptor));
        stream_.write(encode(record));
    }
    template <RecordType T>
    event::Task<void> send(const T& record) {
        write(record);
        co_await stream_.flush();
    }

    // As ipc::next_frame().
    event::Task<std::optional<std::string_view>> next_frame(std::size_t max = kMaxFrame) {
        return ipc::next_frame(stream_, max);
    }

    // The next record, which must be a T.
    template <RecordType T>
    event::Task<std::expected<T, std::string>> receive(std::size_t max = kMaxFrame) {
        std::optional<std::string_view> frame = co_await next_frame(max);
        if (!frame)
            co_return std::unexpected(std::string("the peer closed the connection"));
        co_return decode<T>(*frame);
    }

  private:
    event::Stream stream_;
};

// Connects to a service below the queue directory; StreamError names the socket.
event::Task<Channel> connect_service(event::Loop& loop, std::string path, std::chrono::milliseconds timeout);

}  // namespace ipc
