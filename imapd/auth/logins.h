// imapd/auth/logins.h - logins that succeeded and wait for a master to ask about them, once.
//
// login(8) proves nothing by itself: it passes (CPID, COOKIE, request id) on, and the program that opens mailboxes asks
// here who that is. An answer is given once, for a minute, and only while the connection that logged in is there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "lib/event/loop.h"

namespace auth {

class Logins {
  public:
    static constexpr auto kLifetime = std::chrono::seconds(60);
    static constexpr std::size_t kMax = 20000;

    void add(const std::string& cookie, std::uint32_t pid, std::uint32_t id, std::string user) {
        if (logins_.size() >= kMax)
            drop_expired();
        if (logins_.size() < kMax)
            logins_[{cookie, pid, id}] = {std::move(user), event::Clock::now() + kLifetime};
    }

    std::optional<std::string> take(const std::string& cookie, std::uint32_t pid, std::uint32_t id) {
        auto found = logins_.find({cookie, pid, id});
        if (found == logins_.end())
            return std::nullopt;
        Login login = std::move(found->second);
        logins_.erase(found);
        if (login.until < event::Clock::now())
            return std::nullopt;
        return std::move(login.user);
    }

    // The connection with this cookie has ended.
    void forget(const std::string& cookie) {
        auto first = logins_.lower_bound({cookie, 0, 0});
        while (first != logins_.end() && std::get<0>(first->first) == cookie)
            first = logins_.erase(first);
    }

  private:
    struct Login {
        std::string user;
        event::Clock::time_point until;
    };

    void drop_expired() {
        std::erase_if(logins_, [now = event::Clock::now()](const auto& entry) { return entry.second.until < now; });
    }

    std::map<std::tuple<std::string, std::uint32_t, std::uint32_t>, Login> logins_;
};

}  // namespace auth
