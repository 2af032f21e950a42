// lib/queue/queue_file.h - one message in one file: preamble, content, envelope, and the results so far.
//
// The preamble says where everything is and carries a checksum of each part; it is written last, before the one
// fsync that makes the message ours. So a file either has a valid preamble whose checksums hold, or it was
// never acknowledged. A writer holds a lock on its file and passes lock and descriptor on to the queue manager;
// an unlocked file without a preamble is what a crash left behind.
//
// Standards   content is kept in the form of RFC 5321: lines end in CR LF, dots are not stuffed.
// Failure     Failure names the system call's error; Damage says what is wrong with a file.
// Lifetime    a QueueWriter that is dropped before commit() succeeded removes its file.
// Trust       read_message() believes nothing in the file; any flipped bit is found.
// See also    malleposte-queue-file(5).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lib/event/fd.h"
#include "lib/ipc/records/content.h"
#include "lib/queue/claim.h"
#include "lib/queue/failure.h"
#include "lib/queue/message.h"
#include "lib/queue/queue_name.h"

namespace queue {

inline constexpr std::size_t kPreambleSize = 128;
inline constexpr std::size_t kMaxRoom = 64 << 10;  // between preamble and content

// Where the parts of a message are. Content is always spoken of as (descriptor, offset, length).
struct Layout {
    std::int64_t arrival_us = 0;
    std::uint64_t content_offset = kPreambleSize;
    std::uint64_t content_length = 0;
    std::uint64_t envelope_offset = 0;
    std::uint64_t envelope_length = 0;
    std::uint32_t content_checksum = 0;
    std::uint32_t envelope_checksum = 0;

    ipc::records::ContentPlace content() const { return {content_offset, content_length}; }
    std::uint64_t status_offset() const { return envelope_offset + envelope_length; }
};

std::string encode_preamble(const Layout& layout);

// Writes one new queue file. Every call may block; run it in a thread pool.
class QueueWriter {
  public:
    // By Spool::create().
    static std::expected<QueueWriter, Failure> create(int root, QueueName queue, std::string_view id);
    QueueWriter(QueueWriter&& other) noexcept;
    QueueWriter& operator=(QueueWriter&&) = delete;
    ~QueueWriter();

    // Keeps room in front of the content for text that is known only behind it; at most kMaxRoom. Before append().
    void reserve(std::size_t room);
    std::expected<void, Failure> append(std::string_view content);
    // Puts text directly in front of the content, once, before commit(). Fails without a call of the system where the
    // beginning is in the file already and the room is too small.
    std::expected<void, Failure> prepend(std::string_view text);

    // Writes envelope and preamble and waits for the disk; what was written is ours then, and claimed. After a failure the
    // file is gone; it is never synced a second time, because the kernel reports a lost write only once.
    std::expected<Claim, Failure> commit(std::string_view envelope, std::int64_t arrival_us, bool sync_directory);

    // Below the queue directory: for a signal handler that has to remove what is not finished.
    std::string path() const;

  private:
    QueueWriter(int root, QueueName queue, std::string id, event::Fd file);
    std::expected<void, Failure> write_at(std::string_view bytes, std::uint64_t offset);
    std::expected<void, Failure> sync(bool directory_too);
    Failure trouble(const char* call) const;

    int root_;
    QueueName queue_;
    std::string id_;
    event::Fd file_;
    std::string buffer_;         // preamble space and what has not been written yet
    std::uint64_t written_ = 0;  // bytes of the file already written
    std::uint64_t content_offset_ = kPreambleSize;
    std::uint64_t content_length_ = 0;
    std::uint32_t checksum_ = 0;
    bool committed_ = false;
};

// A message, and where its parts are.
struct MessageFile : Message {
    Layout layout;
    std::uint64_t status_end = 0;  // where the next status record belongs
};

enum class Verify { envelope, content_too };
std::expected<MessageFile, Damage> read_message(int file, Verify verify);

}  // namespace queue
