// imapd/auth/database.h - finds users and checks their passwords.
//
// Failure     Verdict::trouble, UserReply::trouble: the file cannot be read now; "try later", never "unknown".
// Lifetime    follows auth_passwd_file when it is replaced; answers kept from the old one are then forgotten.
// Trust       names and passwords come from strangers and are bounded here. An unknown user costs the same work as a
//             known one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "imapd/auth/params.h"
#include "imapd/auth/passwd_file.h"
#include "imapd/auth/password.h"
#include "lib/dict/watched_file.h"
#include "lib/event/loop.h"
#include "lib/event/task.h"
#include "lib/event/thread_pool.h"

namespace auth {

struct Verdict {
    enum class Kind { right, wrong, trouble };
    Kind kind = Kind::wrong;
    std::string user;    // right: the name in the file
    std::string reason;  // for the log
};

struct UserReply {
    enum class Kind { found, not_found, trouble };
    Kind kind = Kind::not_found;
    std::string user;
    std::vector<std::pair<std::string, std::string>> fields;  // uid, gid, home, and userdb_... without its prefix
    std::string reason;
};

class Database {
  public:
    // Made before the process gives up its rights.
    Database(event::Loop& loop, const Params& params);

    event::Task<Verdict> check(std::string name, std::string password, std::string remote_address);
    UserReply find_user(std::string_view name);
    std::expected<std::vector<std::string>, std::string> list_users();
    // For the log at start; loads the file.
    std::vector<std::string> problems();

  private:
    using Digest = std::array<unsigned char, 32>;
    struct DigestHash {
        std::size_t operator()(const Digest& digest) const;
    };

    bool refresh();  // false: there is no file to answer from; trouble_ says why
    const UserEntry* find_entry(std::string_view name) const;
    bool name_is_allowed(std::string_view name) const;
    Digest cache_key(const UserEntry& entry, std::string_view password) const;
    bool is_cached(const Digest& key);
    void remember(const Digest& key);
    event::Task<Verdict> check_extra(const UserEntry& entry, std::string remote_address) const;

    const Params& params_;
    bool one_user_instance_;  // not started by root: everything belongs to whom we run as
    event::ThreadPool pool_;
    PasswdFile file_;
    dict::WatchedFile watched_;
    bool loaded_ = false;
    std::uint64_t generation_ = 0;  // of the file: an answer that was computed from an older one is not kept
    std::string trouble_;
    event::Clock::time_point next_look_{};
    std::array<unsigned char, 32> cache_secret_{};
    std::unordered_map<Digest, event::Clock::time_point, DigestHash> right_;
};

}  // namespace auth
