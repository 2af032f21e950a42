// imapd/auth/connections.h - the two protocols that auth speaks.
//
// Standards   Dovecot's auth protocol: client 1.2 (VERSION CPID AUTH CONT CANCEL; MECH SPID CUID COOKIE DONE OK FAIL
//             CONT), master 1.1 (REQUEST USER PASS LIST)
// Failure     a peer that breaks the protocol is logged and dropped.
// Trust       login and smtpd talk to strangers and may have been taken over: they can guess passwords here, slowly,
//             and learn nothing but yes and no. Lines and outstanding requests are limited.
#pragma once

#include <cstdint>

#include "imapd/auth/database.h"
#include "imapd/auth/logins.h"
#include "imapd/auth/params.h"
#include "lib/event/stream.h"
#include "lib/worker/program.h"

namespace auth {

struct Services {
    Services(event::Loop& the_loop, const Params& the_params) : loop(the_loop), params(the_params), database(loop, params) {}

    event::Loop& loop;
    const Params& params;
    Database database;
    Logins logins;
    std::uint32_t next_client = 0;
};

event::Task<void> serve_client(event::Stream stream, worker::Client& seat, Services& services);
event::Task<void> serve_master(event::Stream stream, Services& services);

}  // namespace auth
