// lib/dict/lmdb_file.h - indexed files: reading one, and writing a new one in place of it.
//
// A file is never changed once it has its name: a writer makes a complete new file beside it, syncs it and renames
// it. Readers therefore need no locks, see the old table or the new one, and never half of either.
//
// Failure     a reason that names the file. A failed write leaves the old file as it was.
// Lifetime    an LmdbFile keeps the file mapped; values are copied out.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dict {

// LMDB's own limit.
constexpr std::size_t kMaxLmdbKey = 511;

class LmdbFile {
  public:
    // path with the ".lmdb" at its end.
    static std::expected<LmdbFile, std::string> open(const std::string& path);
    ~LmdbFile();
    LmdbFile(LmdbFile&&) noexcept;
    LmdbFile& operator=(LmdbFile&&) noexcept;

    // Keys written by other programs may end in a NUL; both forms are found.
    std::expected<std::optional<std::string>, std::string> find(std::string_view key) const;
    std::expected<std::vector<std::pair<std::string, std::string>>, std::string> list() const;

  private:
    struct Handle;
    explicit LmdbFile(std::unique_ptr<Handle> handle);
    std::unique_ptr<Handle> handle_;
};

using Records = std::map<std::string, std::string, std::less<>>;

// Owner and mode of the new file; the mode of the source without its write bits for others.
struct FileRights {
    unsigned mode = 0644;
    unsigned uid = static_cast<unsigned>(-1);  // -1: leave
    unsigned gid = static_cast<unsigned>(-1);
};

std::expected<void, std::string> write_lmdb(const std::string& path, const Records& records, const FileRights& rights);

}  // namespace dict
