// imapd/sieve/scripts/memory.h - what must be remembered from one run of a user's scripts to the next, each thing until its
// time.
//
// Whom a vacation answered, which messages are known as duplicates, what was redirected, that the user was told of an error:
// all are keys with a time at which they are forgotten. One LMDB file in the user's home; many processes may use it at once.
//
// Failure     the file cannot be used: a reason that names it. What remember() took is on the disk.
// Rights      the user's.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scripts {

class Memory {
  public:
    enum class Durable { yes, no };  // no: a power cut may take the last entries, and remembering waits for no disk

    static std::expected<std::unique_ptr<Memory>, std::string> open(const std::string& path, Durable durable);
    ~Memory();
    Memory(const Memory&) = delete;

    // The value, empty for most keys; nothing if it is not known or forgotten. Times are seconds since 1970.
    std::expected<std::optional<std::string>, std::string> find(std::string_view key, std::int64_t now) const;
    std::expected<void, std::string> remember(std::string_view key, std::int64_t until, std::string_view value = {});
    std::expected<void, std::string> remember_all(
        const std::vector<std::pair<std::string, std::string>>& entries, std::int64_t until);
    // True for one caller alone, of all processes: who finds the key unknown, and makes it known.
    std::expected<bool, std::string> claim(std::string_view key, std::int64_t now, std::int64_t until);
    std::expected<void, std::string> release(std::string_view key) { return remember(key, 0); }

    // Each entry whose key begins so, in the order of keys, until `call` says false.
    using Visit = std::function<bool(std::string_view key, std::string_view value)>;
    std::expected<void, std::string> visit(std::string_view prefix, std::int64_t now, const Visit& call) const;

  private:
    struct Environment;
    explicit Memory(std::unique_ptr<Environment> environment);
    std::expected<void, std::string> forget(std::int64_t now);

    std::unique_ptr<Environment> environment_;
    std::int64_t last_forgotten_ = 0;
};

}  // namespace scripts
