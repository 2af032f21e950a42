// NAME
//     imapd - IMAP sessions
// SYNOPSIS
//     imapd [generic master options]
// DESCRIPTION
//     Takes authenticated connections from login(8), asks auth(8) who the user is, and forks a session process
//     for each. A session speaks IMAP4rev1 with IDLE, UIDPLUS, MOVE, NAMESPACE, ID, UNSELECT, LITERAL+, CHILDREN
//     and SPECIAL-USE, on the user's Maildir.
// SECURITY
//     The spawner keeps root, so that a session can become any user, and reads nothing that comes from a network.
//     A session runs with the user's uid and gid alone, cannot start programs, and ends with the spawner.
//     For master.cf: private, not unprivileged, not chrooted, one process.
// STANDARDS
//     RFC 3501, 2177, 2342, 2971, 3348, 3691, 4315, 6154, 6851, 7888
// DIAGNOSTICS
//     A session logs its login and logout; trouble with a mailbox is a warning that names the file.
#include "imapd/params.h"
#include "imapd/spawner.h"
#include "lib/log/log.h"
#include "lib/worker/program.h"

int main(int argc, char** argv) {
    imapd::Params params;
    worker::Program program(argc, argv, "imapd", params);
    auto filter = worker::SeccompFilter::compile(worker::Sandbox::confined);
    if (!filter)
        logging::fatal("sandbox: {}", filter.error());

    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::none);
    imapd::Spawner spawner(params, jail, std::move(*filter));
    return jail.serve([&](event::Stream stream, worker::Client& seat) {
        return spawner.serve_login(std::move(stream), seat);
    });
}
