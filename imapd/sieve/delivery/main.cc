// NAME
//     sieve-delivery - delivery by users' own rules
// SYNOPSIS
//     sieve-delivery [generic master options]
// DESCRIPTION
//     Takes messages from lmtp-store(8) for users who have a Sieve script, and hands each to a process of that user, which
//     runs the scripts and does what they say: stores the message in mailboxes, redirects, answers, refuses it. Everything
//     or nothing is done; a script in error leaves the message in the INBOX.
// SECURITY
//     The parent keeps root to become users, and parses neither mail nor scripts. A user's process has the user's rights
//     alone, cannot start programs, and what it wants to send goes through the parent into the queue.
//     For master.cf: private, not unprivileged, not chrooted, one process.
// STANDARDS
//     RFC 5228 and the extensions that sievec(1) lists
// DIAGNOSTICS
//     Errors in scripts and limits that were reached are warnings that name the user, the script and the line.
#include "imapd/sieve/delivery/dispatcher.h"
#include "lib/log/log.h"

int main(int argc, char** argv) {
    sieve_delivery::Params params;
    worker::Program program(argc, argv, "sieve-delivery", params);
    auto filter = worker::SeccompFilter::compile(worker::Sandbox::confined);
    if (!filter)
        logging::fatal("sandbox: {}", filter.error());
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::none);
    sieve_delivery::Dispatcher dispatcher(params, jail, std::move(*filter));
    return jail.serve(
        [&](event::Stream stream, worker::Client& seat) { return dispatcher.serve_store(std::move(stream), seat); });
}
