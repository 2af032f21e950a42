// cleanup - the only way into the queue.
//
// Takes messages from smtpd, pickup and bounce, makes them well-formed, turns recipients into the addresses
// they stand for, writes each message durably, and tells the queue manager.
//
// Rights      mail_owner, confined to the queue directory where master.cf says so.
// Peers       clients over public/cleanup; the queue manager over public/qmgr; the signer over private/signer.
// Manual      cleanup(8)
#include "cleanup/address_rewriting.h"
#include "cleanup/params.h"
#include "cleanup/service.h"
#include "cleanup/session.h"
#include "lib/authres/params.h"
#include "lib/log/log.h"
#include "lib/queue/spool.h"
#include "lib/worker/program.h"

int main(int argc, char** argv) {
    cleanup::Params params;
    worker::Program program(argc, argv, "cleanup", params);
    auto spool = queue::Spool::open(".");
    if (!spool)
        logging::fatal("{}", spool.error().text);
    cleanup::AddressRewriting rewriting{params, program.main_cf()};
    dkim::SignParams sign_params;
    authres::Params results_params;
    for (config::ParamSet* set : std::initializer_list<config::ParamSet*>{&sign_params, &results_params})
        for (const config::Problem& problem : set->load(program.main_cf()))
            logging::warning("{}", config::format_problem(problem));

    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);
    cleanup::Service service{jail.loop(), params, std::move(*spool), rewriting};
    cleanup::SigningHouse signing{jail.loop(), sign_params};
    service.sign_with(signing, results_params.authserv_id());
    service.qmgr().start();
    return jail.serve(
        [&](event::Stream client, worker::Client& seat) { return cleanup::serve_client(std::move(client), seat, service); });
}
