// NAME
//     lmtp-store - puts messages into mailboxes
// SYNOPSIS
//     lmtp-store [generic master options]
// DESCRIPTION
//     Takes messages from lmtpd(8), asks auth(8) who each recipient is, becomes that user for as long as it takes
//     to write, and answers when the message is on the disk.
// SECURITY
//     Runs as root and reads nothing from the network: records from lmtpd, which is not trusted with more than
//     delivering, and users from auth. Each message is written by a thread that has the recipient's identity.
// DIAGNOSTICS
//     A full disk answers 452, a user that auth cannot look up 451.
#include "imapd/lmtp/store/delivery.h"

int main(int argc, char** argv) {
    lmtp_store::Params params;
    worker::Program program(argc, argv, "lmtp-store", params);
    event::ThreadPool pool(program.loop(), static_cast<unsigned>(params.threads()));
    userdb::AuthMaster users(program.loop(), params.userdb_socket(), "lmtp");
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::none);
    lmtp_store::SieveLink sieve(jail.loop(), params.sieve_socket());
    lmtp_store::Services services{params, pool, users, sieve};
    return jail.serve([&](event::Stream client, worker::Client& seat) {
        return lmtp_store::serve_client(std::move(client), seat, services);
    });
}
