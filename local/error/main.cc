// error - the agent that delivers nothing: it writes down why.
//
// As the service `error` it returns mail for the reason that stands in the next hop ("error:5.1.1 no such list" in a
// transport table). As the service `retry` it defers it; the queue manager uses that for destinations that are out of
// order.
//
// Rights      mail_owner; needs no file and no peer.
// Manual      error(8)
#include "lib/delivery/agent.h"
#include "lib/dsn/status_text.h"
#include "lib/worker/program.h"

namespace {

event::Task<void> give_reason(delivery::Job& job, bool retry) {
    const dsn::StatusText reason = dsn::split_status_text(job.request.nexthop, retry ? "4.3.0" : "5.0.0");
    const auto status = retry ? delivery::DeliverStatus::deferred : delivery::DeliverStatus::bounced;
    // The reason may name the other class; what happens to the mail decides.
    const std::string dsn = (retry ? "4" : "5") + reason.status.substr(1);
    job.finish_all(delivery::make_result(status, dsn, reason.text, "none"));
    co_return;
}

}  // namespace

int main(int argc, char** argv) {
    config::CommonParams params;
    worker::Program program(argc, argv, "error", params);
    const bool retry = program.service() == "retry";
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);
    return jail.serve([&](event::Stream client, worker::Client& seat) {
        auto deliver = [retry](delivery::Job& job) { return give_reason(job, retry); };
        return delivery::serve_requests(std::move(client), seat, jail.loop(), deliver);
    });
}
