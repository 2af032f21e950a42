// imapd/account/auth_master.h - who is the user whose connection login hands over?
//
// Speaks Dovecot's auth master protocol: after VERSION lines, `REQUEST id client_pid auth_id cookie` is
// answered by `USER id name uid=... gid=... home=... mail=...`, `NOTFOUND id` or `FAIL id ...`. Only auth
// knows whether that login succeeded, so a login process that lies gets nothing.
//
// Failure     a lookup gives words for the log; the next one connects again.
// Lifetime    lives as long as the spawner's loop.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/event/loop.h"
#include "lib/event/signal.h"
#include "lib/event/stream.h"

namespace account {

struct UserRecord {
    std::string name;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
    std::string home;
    std::string mail;
};

// The fields of a USER reply after its id; nothing if a number is none.
std::optional<UserRecord> parse_user(const std::vector<std::string>& fields);

// A line of the protocol, cut at tabs, escapes undone.
std::vector<std::string> split_auth_line(std::string_view line);

class AuthMaster {
  public:
    using Answer = std::expected<UserRecord, std::string>;

    AuthMaster(event::Loop& loop, std::string socket) : loop_(loop), socket_(std::move(socket)), turn_(loop, 1) {}

    event::Task<Answer> lookup(std::uint32_t client_pid, std::uint32_t auth_request, std::string cookie);

  private:
    struct Waiting {
        explicit Waiting(event::Loop& loop) : answered(loop) {}
        event::Notice answered;
        std::optional<Answer> answer;
    };
    struct Connection {
        event::Stream stream;
        std::map<std::uint32_t, Waiting*> waiting;
        bool broken = false;
    };

    event::Task<void> connect();
    event::Task<void> read_answers(std::shared_ptr<Connection> connection);
    void take_line(Connection& connection, std::string_view line);

    event::Loop& loop_;
    std::string socket_;
    std::shared_ptr<Connection> connection_;
    event::Semaphore turn_;  // one writes at a time
    std::uint32_t last_id_ = 0;
};

}  // namespace account
