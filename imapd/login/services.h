// imapd/login/services.h - what every session of this process uses.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "imapd/login/imap_link.h"
#include "imapd/login/params.h"
#include "lib/event/tls_context.h"
#include "lib/sasl/auth_client.h"
#include "lib/worker/program.h"

namespace login {

struct Services {
    Services(event::Loop& the_loop, const Params& the_params)
        : loop(the_loop),
          params(the_params),
          auth(loop, params.auth_socket()),
          sessions(loop, params.managesieve() ? params.managesieve_socket() : params.imap_socket()) {}

    event::Loop& loop;
    const Params& params;
    sasl::AuthClient auth;
    ImapLink sessions;
    std::optional<event::TlsContext> tls;
    std::map<std::string, int> waiting_by_address;  // connections that have not logged in yet
};

// One connection, until it is handed over, or relayed to its end.
event::Task<void> serve_client(event::Stream stream, worker::Client& seat, Services& services);

}  // namespace login
