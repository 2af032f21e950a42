// NAME
//     lmtpd - mail comes to the mailbox daemon
// SYNOPSIS
//     lmtpd [generic master options]
// DESCRIPTION
//     The LMTP server, over TCP or a UNIX socket: refuses users that do not exist, streams messages to
//     lmtp-store(8), and answers for each recipient once the message is in the mailbox and on the disk.
// SECURITY
//     Runs as network_owner, usually in a jail (malleposte-security(7)); it cannot write to any mailbox itself.
// STANDARDS
//     RFC 2033, RFC 5321, RFC 2034, RFC 2920
#include "imapd/lmtp/lmtpd/session.h"

int main(int argc, char** argv) {
    lmtpd::Params params;
    worker::Program program(argc, argv, "lmtpd", params);
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::network);
    lmtpd::StorePool store(jail.loop(), lmtpd::store_settings(params));
    lmtpd::Services services{params, store};
    return jail.serve(
        [&](event::Stream client, worker::Client& seat) { return lmtpd::serve_client(std::move(client), seat, services); });
}
