// imapd/sieve/scripts/script_storage.h - one user's scripts: a directory of files, and a link to the active one.
//
// The layout is Dovecot's. A script is replaced by rename, the active one by replacing the link, so whoever runs scripts at
// that moment gets one whole script, the old or the new. What returned without failure is on the disk.
//
// Standards   RFC 5804, 1.6 (names) and 2 (what the commands do)
// Failure     ScriptFailure says which rule or file stood in the way.
// Rights      the caller's; it must be the user. Names never lead out of the directory.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scripts {

struct ScriptFailure {
    enum class Kind { not_found, exists, active, bad_name, too_many, too_large, temporary };
    Kind kind = Kind::temporary;
    std::string text;
};

template <class T>
using Result = std::expected<T, ScriptFailure>;

struct Quota {
    std::size_t script_size = 1048576;
    std::size_t scripts = 0;  // 0: any number, here and below
    std::uint64_t storage = 0;
};

struct ScriptEntry {
    std::string name;  // without ".sieve"
    std::uint64_t size = 0;
    bool active = false;
};

// A script as it is to be run.
struct ScriptFile {
    std::string path;  // links followed
    std::string name;  // for messages
    std::string text;
};

class ScriptStorage {
  public:
    ScriptStorage(std::string directory, std::string active_link, Quota quota);

    // By name.
    Result<std::vector<ScriptEntry>> list() const;
    Result<std::string> get(std::string_view name) const;
    // Would a script of this size be kept? Says which bound it breaks.
    Result<void> have_space(std::string_view name, std::uint64_t size) const;
    Result<void> put(std::string_view name, std::string_view text);
    Result<void> remove(std::string_view name);
    Result<void> rename(std::string_view from, std::string_view to);
    // Empty: no script is active. A file in the link's place is kept as a script of its own.
    Result<void> activate(std::string_view name);
    // Empty where none is active, or where a file that is no script of ours is.
    std::string active_name() const;

    // What delivery runs; nothing where none is active.
    Result<std::optional<ScriptFile>> load_active() const;

  private:
    std::string path_of(std::string_view name) const;
    Result<void> make_directory() const;
    Result<void> replace_link(const std::string& target);
    Result<void> keep_plain_file();

    std::string directory_;
    std::string active_link_;
    Quota quota_;
};

// The text of a file that is a script, at most `max` octets.
Result<ScriptFile> load_script(const std::string& path, std::size_t max);

// Scripts as they were read last: one that has not changed since, by the word of its file, is not read again.
class ScriptReader {
  public:
    explicit ScriptReader(std::size_t max) : max_(max) {}
    Result<const ScriptFile*> load(const std::string& path);

  private:
    struct Known {
        std::uint64_t device = 0, inode = 0, size = 0;
        std::int64_t modified_ns = 0, changed_ns = 0;
        ScriptFile script;
    };
    std::size_t max_;
    std::map<std::string, Known> known_;
};

// Files as they are; of a directory its *.sieve files by name. What is not there is left out.
std::vector<std::string> script_paths(const std::vector<std::string>& places);

}  // namespace scripts
