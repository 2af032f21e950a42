// lib/dict/watched_file.h - notices that a table's file has been replaced or changed.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

namespace dict {

// A file as it was when it was opened. The descriptor stays open, so that a replacement is seen (the old file has no
// name left) even from inside a chroot where the path means nothing.
class WatchedFile {
  public:
    WatchedFile() = default;
    explicit WatchedFile(const std::string& path);
    ~WatchedFile();
    WatchedFile(WatchedFile&& other) noexcept;
    WatchedFile& operator=(WatchedFile&& other) noexcept;

    bool is_open() const { return fd_ >= 0; }
    int fd() const { return fd_; }
    int error() const { return error_; }  // errno of a failed open
    bool changed() const;                 // replaced, removed or written to

  private:
    int fd_ = -1;
    int error_ = 0;
    struct stat seen_ {};
};

}  // namespace dict
