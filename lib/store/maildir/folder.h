// lib/store/maildir/folder.h - the open directories of one Maildir folder, and what their entries say.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/event/fd.h"
#include "lib/store/maildir/index.h"

namespace store {

// Opens nothing through a link: each step is O_NOFOLLOW, below the directory before it.
class Folder {
  public:
    // Throws ThrownFailure; not_found if the directory is not there.
    static std::shared_ptr<Folder> open(int root, const std::string& directory, const std::string& name);

    // Makes cur, new and tmp below an open directory.
    static void make_parts(int directory, const std::string& name);

    int self() const { return self_.get(); }
    int part(bool in_new) const { return in_new ? new_.get() : cur_.get(); }
    int cur() const { return cur_.get(); }
    int fresh() const { return new_.get(); }
    int tmp() const { return tmp_.get(); }

    // False once the directory has been removed or replaced.
    bool is_current(int root) const;

  private:
    std::string directory_;
    event::Fd self_, cur_, new_, tmp_;
    struct stat opened_ {};
};

FileTime modification_time(int directory);
FileTime file_time(const struct stat& info);
std::int64_t now_nanoseconds();

// The message files of new/ and cur/ by base name.
class Listing {
  public:
    struct Entry {
        std::string_view name;
        bool in_new = false;
        bool matched = false;
    };

    // Adds a directory's files; a base that is there already stays (cur/ is read first).
    void read(int directory, bool in_new, const std::string& name);

    Entry* find(std::string_view base);
    std::vector<Entry>& entries() { return entries_; }
    void clear();

  private:
    std::string_view keep(std::string_view text);

    std::vector<Entry> entries_;
    std::unordered_map<std::string_view, std::size_t> by_base_;
    std::vector<std::unique_ptr<char[]>> blocks_;
    std::size_t block_used_ = 0;
};

}  // namespace store
