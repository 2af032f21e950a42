// lib/queue/queue_file.h - one message in one file: preamble, content, envelope, and the results so far.
//
// The preamble says where everything is and carries a checksum of each part; it is written last, before the one
// fsync that makes the message ours. So a file either has a valid preamble whose checksums hold, or it was
// never acknowledged. A writer holds a lock on its file and passes lock and descriptor on to the queue manager;
// an unlocked file without a preamble is what a crash left behind.
//
// Standards   content is kept in the form of RFC 5321: lines end in CR LF, dots are not stuffed.
// Failure     Trouble names the system call's error; Damage says what is wrong with a file.
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
#include "lib/queue/envelope.h"
#include "lib/queue/status.h"

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

// The system refused: error is an errno value, text says which call on which file.
struct Trouble {
    int error = 0;
    std::string text;
    bool disk_full() const;
};

struct Damage {
    enum class Kind {
        unfinished,  // no preamble yet: being written, or left by a crash; never acknowledged
        damaged,     // belongs into corrupt/
        unreadable,  // the system could not read it now
    };
    Kind kind = Kind::damaged;
    std::string text;
};

// Writes one new queue file. Every call may block; run it in a thread pool.
class QueueWriter {
  public:
    // Creates `directory`/`id` below the spool; fails when the name is taken.
    static std::expected<QueueWriter, Trouble> create(int spool, std::string_view directory, std::string_view id);
    QueueWriter(QueueWriter&& other) noexcept;
    QueueWriter& operator=(QueueWriter&&) = delete;
    ~QueueWriter();

    // Keeps room in front of the content for text that is known only behind it; at most kMaxRoom. Before append().
    void reserve(std::size_t room);
    std::expected<void, Trouble> append(std::string_view content);
    // Puts text directly in front of the content, once, before commit(). Fails without a call of the system where the
    // beginning is in the file already and the room is too small.
    std::expected<void, Trouble> prepend(std::string_view text);

    // Writes envelope and preamble and waits for the disk. After a failure the file is gone; it is never
    // synced a second time, because the kernel reports a lost write only once.
    std::expected<Layout, Trouble> commit(std::string_view envelope, std::int64_t arrival_us, bool sync_directory);

    // After commit(): the open, locked file.
    event::Fd take_file() { return std::move(file_); }

  private:
    QueueWriter(int spool, std::string directory, std::string id, event::Fd file);
    std::expected<void, Trouble> write_at(std::string_view bytes, std::uint64_t offset);
    std::expected<void, Trouble> sync(bool directory_too);
    Trouble trouble(const char* call) const;
    std::string path() const { return directory_ + "/" + id_; }

    int spool_;
    std::string directory_;
    std::string id_;
    event::Fd file_;
    std::string buffer_;         // preamble space and what has not been written yet
    std::uint64_t written_ = 0;  // bytes of the file already written
    std::uint64_t content_offset_ = kPreambleSize;
    std::uint64_t content_length_ = 0;
    std::uint32_t checksum_ = 0;
    bool committed_ = false;
};

// A message as its file tells it.
struct Message {
    Layout layout;
    Envelope envelope;
    std::vector<Status> statuses;
    std::uint64_t status_end = 0;  // where the next status record belongs
    bool torn = false;             // something after the last whole status record was dropped
    bool expire = false;           // postsuper -e or -f

    // Whether the sender was told which addresses became others.
    bool expansion_reported() const;
};

enum class Verify { envelope, content_too };
std::expected<Message, Damage> read_message(int file, Verify verify);

// One write; the caller keeps the end offset and adds the size of `records` to it.
std::expected<void, Trouble> append_statuses(int file, std::uint64_t end, std::string_view records);

// The lock that says "somebody works on this file". It belongs to the open file, so it travels with the
// descriptor to other processes and ends when the last copy is closed.
bool try_lock(int file);
bool is_locked_by_another(int file);

// The mark of postsuper -e and -f is a mode bit, as in Postfix.
inline constexpr mode_t kExpireBit = 0001;

}  // namespace queue
