// pickup - collects local mail from maildrop/ and hands it to cleanup.
//
// Whoever connects to public/pickup says that there is something to collect; nothing is read from the connection.
// master wakes it as well from time to time.
//
// Rights      mail_owner, confined to the queue directory where master.cf says so.
// Peers       postdrop, by connecting; cleanup and, for what cleanup refuses for good, bounce.
// Manual      pickup(8)
#include "cleanup/pickup/collector.h"
#include "lib/config/common_params.h"
#include "lib/log/log.h"
#include "lib/worker/program.h"

namespace {

event::Task<void> note_hint(event::Stream, pickup::Collector& collector) {
    collector.look();
    co_return;
}

}  // namespace

int main(int argc, char** argv) {
    config::CommonParams params;
    worker::Program program(argc, argv, "pickup", params);
    auto spool = queue::Spool::open(".");
    if (!spool)
        logging::fatal("{}", spool.error().text);
    params.max_use.set(0);  // a client is only a hint
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);
    pickup::Collector collector{jail.loop(), *spool};
    jail.loop().spawn(collector.run());
    jail.on_wakeup([&] { collector.look(); });
    return jail.serve([&](event::Stream client, worker::Client&) { return note_hint(std::move(client), collector); });
}
