// lib/queue/file_content.h - a message's content as (descriptor, offset, length), wherever it lies.
//
// Who gets a content from the queue gets this and knows nothing of files and their parts. The descriptor may be shared with
// other processes, so its position is neither used nor moved.
//
// Failure     read() gives the errno text; a file that ends before its content does is a failure too.
// Lifetime    owns the descriptor.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "lib/event/fd.h"
#include "lib/ipc/records/content.h"

namespace queue {

class FileContent {
  public:
    FileContent() = default;
    FileContent(event::Fd file, ipc::records::ContentPlace place) : file_{std::move(file)}, place_{place} {}

    explicit operator bool() const { return static_cast<bool>(file_); }
    int descriptor() const { return file_.get(); }
    const ipc::records::ContentPlace& place() const { return place_; }
    std::uint64_t size() const { return place_.length; }
    // For whoever passes it on; nothing is left here.
    event::Fd take_file() { return std::move(file_); }

    // At most `most` octets from the position `at` within the content; empty at its end and nowhere else.
    std::expected<std::string, std::string> read(std::uint64_t at, std::size_t most) const;

    // From its beginning to its end, block after block.
    class Reader {
      public:
        explicit Reader(const FileContent& content) : content_{&content} {}
        // Valid until the next call; empty at the end.
        std::expected<std::string_view, std::string> next();
        void restart() { at_ = 0; }
        std::uint64_t position() const { return at_; }

      private:
        const FileContent* content_;
        std::uint64_t at_ = 0;
        std::string block_;
    };

  private:
    event::Fd file_;
    ipc::records::ContentPlace place_;
};

}  // namespace queue
