// local/system_users.h - the users of this host, asked in a thread: their database may be a server.
//
//     Found found = co_await users.find(asker, "alice");
//
// Deliveries that want the same user at the same moment ask once; nothing is kept, so that a change counts for the next.
//
// Failure     a database that cannot be read, or does not answer in time, is a reason and never "no such user".
// Lifetime    the pool outlives it; no question may be open when it goes.
#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

#include "lib/event/thread_pool.h"
#include "lib/question/desk.h"

namespace local {

struct SystemUser {
    uid_t user = 0;
    gid_t group = 0;
    std::string home;
};

class SystemUsers {
  public:
    using Found = std::expected<std::optional<SystemUser>, std::string>;

    explicit SystemUsers(event::ThreadPool& pool);
    event::Task<Found> find(const question::Asker& asker, std::string name);

  private:
    class Database final : public question::Source<Found> {
      public:
        explicit Database(event::ThreadPool& pool) : pool_(pool) {}
        event::Task<Found> find(std::string name) override;
        Found later(question::Refusal why, const std::string& detail) const override;

      private:
        event::ThreadPool& pool_;
    };

    Database database_;
    question::Desk<Found> desk_;
};

}  // namespace local
