// bounce - tells senders what became of their mail. Also started as `defer` and `trace`.
//
// Composes a report for each request of the queue manager and hands it to cleanup; answers when it is in the queue.
//
// Rights      mail_owner; reads the returned message from the descriptor that comes with the request.
// Peers       the queue manager; public/cleanup.
// Manual      bounce(8)
#include "lib/worker/program.h"
#include "qmgr/bounce/params.h"
#include "qmgr/bounce/reporter.h"

int main(int argc, char** argv) {
    bounce::Params params;
    worker::Program program(argc, argv, "bounce", params);
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);
    bounce::Reporter reporter{jail.loop(), params};
    return jail.serve([&](event::Stream client, worker::Client& seat) {
        return bounce::serve_requests(std::move(client), seat, reporter);
    });
}
