// NAME
//     dmarc-report - aggregate reports of DMARC
// SYNOPSIS
//     dmarc-report [generic master options]
// DESCRIPTION
//     Collects the results that smtpd(8) hands over, and at each wakeup sends the reports of the days that are over, through
//     this host's own queue.
// SECURITY
//     Runs as mail_owner and is confined. Parses no mail; what it gets from smtpd, and addresses in other people's DNS, are
//     checked before they go into a message.
// STANDARDS
//     RFC 7489, 7.1, 7.2 and appendix C
#include <ctime>

#include "lib/dmarc/params.h"
#include "lib/dns/params.h"
#include "lib/dns/shared_resolver.h"
#include "lib/log/log.h"
#include "lib/worker/program.h"
#include "smtpd/dmarc_report/collector.h"
#include "smtpd/dmarc_report/params.h"
#include "smtpd/dmarc_report/sender.h"

namespace {

struct Turn {
    bool running = false;
};

event::Task<void> send_and_release(dmarc_report::Sender& sender, worker::Jailed& jail, Turn& turn) {
    try {
        co_await sender.send_due(std::time(nullptr));
    } catch (const event::StreamError& error) {
        if (error.kind() != event::StreamError::Kind::cancelled)
            logging::warning("reports: {}", error.what());
    }
    turn.running = false;
    jail.release();
}

}  // namespace

int main(int argc, char** argv) {
    dmarc_report::Params params;
    worker::Program program(argc, argv, "dmarc-report", params);
    dns::Params dns_params;
    dmarc::Params dmarc_params;
    for (config::ParamSet* set : std::initializer_list<config::ParamSet*>{&dns_params, &dmarc_params})
        for (const config::Problem& problem : set->load(program.main_cf()))
            logging::warning("{}", config::format_problem(problem));
    auto resolver = dns::SharedResolver::open(program.loop(), dns_params);
    if (!resolver)
        logging::fatal("{}", resolver.error());
    const question::Asker asker(program.loop());
    dns::Seat dns(**resolver, asker);
    const dmarc::PublicSuffixes suffixes;

    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);
    auto store = dmarc::ReportStore::open(params.directory());
    if (!store)
        logging::fatal("dmarc_report_directory: {}", store.error());
    event::ThreadPool pool{jail.loop(), 1};
    dmarc_report::Collector collector{jail, **store, pool};
    dmarc_report::Sender sender{{jail.loop(), params, dmarc_params.report_send(), **store, dns, suffixes, pool}};
    Turn turn;
    jail.on_wakeup([&] {
        if (turn.running)
            return;
        turn.running = true;
        jail.hold();
        jail.loop().spawn(send_and_release(sender, jail, turn));
    });
    return jail.serve([&](event::Stream client, worker::Client& seat) { return collector.serve(std::move(client), seat); });
}
