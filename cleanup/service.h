// cleanup/service.h - what the messages of one cleanup process share.
//
// Lifetime    lives as long as the process; every session refers to it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cleanup/headers.h"
#include "cleanup/params.h"
#include "cleanup/qmgr_link.h"
#include "cleanup/rewriting.h"
#include "cleanup/sealing.h"
#include "cleanup/signing.h"
#include "lib/event/loop.h"
#include "lib/event/thread_pool.h"
#include "lib/queue/queue_id.h"
#include "lib/queue/spool.h"

namespace cleanup {

HeaderRules make_header_rules(const Params& params);

class Service {
  public:
    Service(event::Loop& loop, const Params& params, queue::Spool spool, Rewriting& rewriting);

    event::Loop& loop() const { return loop_; }
    const Params& params() const { return params_; }
    const HeaderRules& header_rules() const { return header_rules_; }
    const queue::Spool& spool() const { return spool_; }
    queue::IdSource& ids() { return ids_; }
    Rewriting& rewriting() { return rewriting_; }
    event::ThreadPool& pool() { return pool_; }
    QmgrLink& qmgr() { return qmgr_; }
    // None: no mail is signed or sealed here.
    SigningHouse* signer() { return signer_; }
    SealSite seal_site() const { return {authserv_id_, header_rules_.myhostname}; }
    void sign_with(SigningHouse& house, std::string authserv_id);

    // Whether the file system has queue_minfree octets left; asked at most once a second.
    bool has_room();

  private:
    event::Loop& loop_;
    const Params& params_;
    HeaderRules header_rules_;
    queue::Spool spool_;
    queue::IdSource ids_;
    Rewriting& rewriting_;
    event::ThreadPool pool_;
    QmgrLink qmgr_;
    SigningHouse* signer_ = nullptr;
    std::string authserv_id_;
    event::Clock::time_point room_checked_{};
    bool room_ = true;
};

}  // namespace cleanup
