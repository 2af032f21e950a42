// smtpd/services.h - what every session of this process uses: parameters, tables, TLS, peers.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lib/address/recipients.h"
#include "lib/address/resolver.h"
#include "lib/address/virtual_alias.h"
#include "lib/dict/match_list.h"
#include "lib/event/tls_context.h"
#include "lib/ipc/cleanup_pool.h"
#include "lib/sasl/auth_client.h"
#include "lib/worker/program.h"
#include "smtpd/authentication/gate.h"
#include "smtpd/params.h"
#include "smtpd/peer_name.h"
#include "smtpd/restrictions/restriction.h"

namespace smtpd {

struct Services {
    Services(const Params& the_params, config::MainCf& main_cf, event::Loop& the_loop);

    const Params& params;
    event::Loop& loop;
    address::Resolver resolver;
    address::VirtualAliases aliases;
    address::Recipients recipients;
    dict::MatchList mynetworks;
    Restrictions restrictions;
    authentication::Gate gate;
    std::optional<event::TlsContext> tls;

    // Made once the process is in its jail.
    PeerNames peer_names;
    ipc::CleanupPool cleanup;
    std::unique_ptr<sasl::AuthClient> auth;  // where AUTH is enabled

    // Lists and tables that cannot work as written.
    std::vector<std::string> problems() const;
    // Reads what the DNS needs; the reason where it cannot be asked as configured.
    std::expected<void, std::string> open_dns(config::MainCf& main_cf);
    // Lets go of what may not outlive the loop.
    void close() { gate.close(); }
    // A table was replaced and cannot be opened anew from here: time for a fresh process.
    bool stale() const;
};

}  // namespace smtpd
