// lib/userdb/auth_master.h - asks auth who a mail user is: by name, or by a login that has just succeeded.
//
//     userdb::AuthMaster auth(loop, "private/auth-master", "lmtp");
//     userdb::Found alice = co_await auth.find("alice@example.test");
//     std::expected<userdb::User, std::string> user = co_await auth.find_login(client_pid, auth_request, cookie);
//
// Many questions may be outstanding over one kept connection. Answers about names are kept for a few seconds, because mail
// comes in bursts; answers about logins are never kept. Only auth knows whether a login succeeded, so a login process that
// lies gets nothing.
//
// Standards   Dovecot's auth master protocol, 1.1: USER and REQUEST, answered by USER, NOTFOUND or FAIL
// Failure     a reason, which names the socket, where auth cannot be asked, does not answer in time, or gives an answer that
//             makes no sense (a uid that is no number): try later, never "unknown". Only cancellation is thrown.
// Lifetime    one per process; connects when it is first needed, and again after a loss.
// Trust       auth is believed. Whether a uid may be taken on (root's never) is the caller's to decide.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/event/loop.h"
#include "lib/event/task.h"

namespace userdb {

struct User {
    std::string name;  // as auth knows it, with the domain
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
    std::string home;
    std::string mail;  // "maildir:~/Maildir", or empty

    bool operator==(const User&) const = default;
};

using Found = std::expected<std::optional<User>, std::string>;

class AuthMaster {
  public:
    // `service` is what auth is told that the question is for: "lmtp".
    AuthMaster(event::Loop& loop, std::string socket, std::string service);
    ~AuthMaster();
    AuthMaster(const AuthMaster&) = delete;

    event::Task<Found> find(std::string name);
    event::Task<std::expected<User, std::string>> find_login(
        std::uint32_t client_pid, std::uint32_t auth_request, std::string cookie);

    struct State;

  private:
    std::shared_ptr<State> state_;
};

// An answer of auth, "USER id name uid=..." or one of the others: a user, nobody, or the reason why neither is known.
Found parse_answer(std::string_view line);

}  // namespace userdb
