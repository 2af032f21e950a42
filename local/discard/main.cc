// discard - the agent that throws mail away, and says so in the log.
//
// The next hop is the remark for the log ("discard:closed since May" in a transport table).
//
// Rights      mail_owner; needs no file and no peer.
// Manual      discard(8)
#include "lib/delivery/agent.h"
#include "lib/dsn/status_text.h"
#include "lib/worker/program.h"

namespace {

event::Task<void> throw_away(delivery::Job& job) {
    const dsn::StatusText remark = dsn::split_status_text(job.request.nexthop, "2.0.0");
    const std::string dsn = "2" + remark.status.substr(1);
    job.finish_all(delivery::make_result(delivery::DeliverStatus::delivered, dsn, remark.text, "none"));
    co_return;
}

}  // namespace

int main(int argc, char** argv) {
    config::CommonParams params;
    worker::Program program(argc, argv, "discard", params);
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);
    return jail.serve([&](event::Stream client, worker::Client& seat) {
        return delivery::serve_requests(std::move(client), seat, jail.loop(), throw_away);
    });
}
