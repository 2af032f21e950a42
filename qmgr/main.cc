// qmgr - the queue manager.
//
// Decides which message is tried when, where and by whom, and what becomes of it. It never opens a network
// connection and never looks into a message; it passes descriptors of contents to delivery agents.
//
// Rights      mail_owner, confined to the queue directory where master.cf says so.
// Peers       cleanup and users' commands over public/qmgr; delivery agents and bounce over private/.
// Manual      qmgr(8)
#include "lib/log/log.h"
#include "lib/queue/spool.h"
#include "lib/worker/program.h"
#include "qmgr/address_routing.h"
#include "qmgr/intake.h"
#include "qmgr/params.h"
#include "qmgr/scanner.h"
#include "qmgr/scheduler.h"

namespace {

using namespace std::chrono_literals;

// What agents hold is waited for; the rest of the active queue is on the disk and needs nothing.
event::Task<void> finish_deliveries(event::Loop& loop, qmgr::Scheduler& scheduler, worker::Jailed& jail) {
    scheduler.drain();
    while (scheduler.unfinished() > 0)
        co_await event::sleep_for(loop, 50ms);
    jail.release();
}

}  // namespace

int main(int argc, char** argv) {
    qmgr::Params params;
    worker::Program program(argc, argv, "qmgr", params);
    auto spool = queue::Spool::open(".");
    if (!spool)
        logging::fatal("{}", spool.error().text);
    const config::MainCf& main_cf = program.main_cf();
    qmgr::AddressRouting routing{params, main_cf};
    params.max_use.set(0);  // every message passes through the one process there is

    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);
    event::Loop& loop = jail.loop();
    qmgr::Scheduler scheduler{loop, params, main_cf, routing};
    qmgr::Scanner scanner{loop, params, *spool, scheduler};
    jail.stay_when_idle();
    jail.hold();
    jail.on_wakeup([&] { scanner.want_incoming(); });
    jail.on_leave([&] { loop.spawn(finish_deliveries(loop, scheduler, jail)); });
    return jail.serve([&](event::Stream client, worker::Client& seat) {
        return qmgr::serve_client(std::move(client), seat, *spool, scheduler, scanner);
    });
}
