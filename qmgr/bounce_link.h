// qmgr/bounce_link.h - asks bounce(8) for reports, several at a time.
//
// Failure     report() says why there is no report; the caller keeps the recipients and asks again later.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lib/event/fd.h"
#include "lib/ipc/records/bounce.h"
#include "qmgr/agent_link.h"

namespace qmgr {

class BounceLink final : AgentLink::Owner {
  public:
    explicit BounceLink(event::Loop& loop) : loop_{loop}, link_{loop, "private/bounce", *this} {}

    // Empty: the report is in the queue, or none is due.
    event::Task<std::string> report(ipc::records::BounceRequest request, event::Fd content);

  private:
    void link_ready() override;
    void link_frame(std::string_view frame) override;
    void link_down(const std::string& reason, bool reached) override;

    struct Waiting {
        explicit Waiting(event::Loop& loop) : notice{loop} {}
        event::Notice notice;
        std::optional<std::string> outcome;
        bool sent = false;
    };
    event::Loop& loop_;
    AgentLink link_;
    event::Notice ready_{loop_};
    std::map<std::uint64_t, Waiting*> waiting_;
    std::uint64_t next_id_ = 1;
};

}  // namespace qmgr
