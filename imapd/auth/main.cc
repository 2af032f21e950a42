// NAME
//     auth - passwords and users of the mailbox side
// SYNOPSIS
//     auth [generic master options]
// DESCRIPTION
//     Says whether a password is right, to login(8) and smtpd(8), and who a user is, to the programs that open mailboxes.
//     Speaks Dovecot's auth protocols: the client's on the socket of its row in master.cf, the master's on
//     auth_master_socket.
// SECURITY
//     The only process that reads password data. Runs as mail_owner; root is not needed where auth_passwd_file belongs to
//     mail_owner. Talks to programs that talk to strangers, and trusts them with nothing but to carry guesses.
// STANDARDS
//     RFC 4422, RFC 4616
#include <unistd.h>

#include "imapd/auth/connections.h"
#include "imapd/auth/params.h"
#include "lib/event/endpoint.h"
#include "lib/event/scope.h"
#include "lib/log/log.h"
#include "lib/worker/program.h"

namespace {

event::Task<void> accept_masters(event::Listener& listener, auth::Services& services) {
    for (;;) {
        event::Fd descriptor = co_await listener.accept();
        event::Stream stream(services.loop, std::move(descriptor));
        services.loop.spawn(auth::serve_master(std::move(stream), services));
    }
}

// Only mail_owner and root may open it: the folder and the mode say so.
event::Fd listen_for_masters(const std::string& path) {
    ::unlink(path.c_str());
    auto listener = event::listen_at_path(path, 0600);
    if (!listener)
        logging::fatal("auth_master_socket: {}", listener.error());
    return std::move(*listener);
}

void check_mechanisms(const auth::Params& params) {
    for (const std::string& name : params.mechanisms()) {
        if (name != "plain" && name != "login" && name != "PLAIN" && name != "LOGIN")
            logging::warning("auth_mechanisms: {} is not offered here; plain and login are", name);
    }
    if (!auth::is_known_scheme(params.default_scheme()))
        logging::fatal("auth_default_scheme: there is no password scheme {}", params.default_scheme());
}

}  // namespace

int main(int argc, char** argv) {
    auth::Params params;
    worker::Program program(argc, argv, "auth", params);
    check_mechanisms(params);
    auth::Services services(program.loop(), params);

    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);

    for (const std::string& problem : services.database.problems())
        logging::warning("{}", problem);
    jail.stay_when_idle();
    std::unique_ptr<event::Listener> masters;
    if (!params.master_socket().empty()) {
        masters = std::make_unique<event::Listener>(jail.loop(), listen_for_masters(params.master_socket()));
        jail.loop().spawn(accept_masters(*masters, services));
    }
    return jail.serve([&](event::Stream client, worker::Client& seat) {
        return auth::serve_client(std::move(client), seat, services);
    });
}
