// lib/userdb/user_lookup.h - asks auth who a mail user is: uid, gid, home, mail.
//
// Speaks the user part of Dovecot's auth master protocol, so Dovecot's auth answers as well as ours. Several
// questions may be outstanding; answers are kept for a few seconds, because mail comes in bursts.
//
// Failure     find() returns a reason where auth cannot be asked or says it cannot tell: try later, never "unknown".
// Lifetime    one per process; reconnects by itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/event/signal.h"
#include "lib/event/stream.h"

namespace userdb {

struct User {
    std::string name;  // as auth knows it, with the domain
    uid_t uid = 0;
    gid_t gid = 0;
    std::string home;
    std::string mail;  // "maildir:~/Maildir", or empty
};

using Found = std::expected<std::optional<User>, std::string>;

class UserLookup {
  public:
    UserLookup(event::Loop& loop, std::string socket, std::string service);
    ~UserLookup();

    event::Task<Found> find(std::string name);

    struct State;

  private:
    std::unique_ptr<State> state_;
};

// One line of the protocol: fields are divided by tabs; tabs, line ends and \001 inside are escaped.
std::string escape_field(std::string_view text);
std::string unescape_field(std::string_view text);
// The user in "USER\t1\tname\tuid=1\t...", from the name on; nothing where uid or gid are missing or 0.
std::optional<User> parse_user(const std::vector<std::string>& fields, std::size_t first);

}  // namespace userdb
