// imapd/lmtp/store/delivery.h - one connection from lmtpd: look-ups, and messages into mailboxes.
//
// A small message is kept until it is whole and then written in one go; a large one goes to each recipient's
// tmp/ as it comes, so memory stays flat. See lib/ipc/records/store.h. A message for a user who has a Sieve script is put
// aside whole and goes to sieve-delivery; nothing of a script is read here.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "imapd/lmtp/store/params.h"
#include "imapd/lmtp/store/sieve_link.h"
#include "lib/event/thread_pool.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/records/store.h"
#include "lib/store/delivery.h"
#include "lib/userdb/auth_master.h"
#include "lib/worker/program.h"

namespace lmtp_store {

// Users who had a script a moment ago: their next message goes to sieve-delivery without another look, for which a thread
// would have to become them. If the script is gone by then, sieve-delivery keeps the message in the INBOX.
class RecentScripts {
  public:
    bool holds(const std::string& user) const {
        auto found = seen_.find(user);
        return found != seen_.end() && event::Clock::now() - found->second < kRecent;
    }
    void note(const std::string& user) {
        if (seen_.size() >= kMost)
            seen_.clear();
        seen_[user] = event::Clock::now();
    }

  private:
    static constexpr std::chrono::seconds kRecent{2};
    static constexpr std::size_t kMost = 10000;
    std::unordered_map<std::string, event::Clock::time_point> seen_;
};

struct Services {
    const Params& params;
    event::ThreadPool& pool;
    userdb::AuthMaster& users;
    SieveLink& sieve;
    RecentScripts recent_scripts = {};
};

event::Task<void> serve_client(event::Stream stream, worker::Client& seat, Services& services);

}  // namespace lmtp_store
