// NAME
//     login - TLS and authentication for IMAP and ManageSieve
// SYNOPSIS
//     login [generic master options]
// DESCRIPTION
//     Takes clients until they have logged in, by asking auth(8), and hands them to imapd(8) or managesieved(8), as
//     login_protocol says.
// SECURITY
//     Talks to strangers. Runs as network_owner, in a jail (malleposte-security(7)). It sees the
//     passwords that clients send and nothing else worth having: no mail, no password database, no other client's keys
//     but its own certificate's.
// STANDARDS
//     RFC 3501, RFC 2971, RFC 4959, RFC 5530, RFC 5804, RFC 7888, RFC 8314
#include "imapd/login/services.h"
#include "lib/log/log.h"

namespace {

// Reads the key, which only root may.
void load_tls(login::Services& services, const std::string& service) {
    const login::Params& params = services.params;
    if (params.tls_chain_files().empty()) {
        if (params.tls_wrappermode())
            logging::fatal("login_tls_wrappermode = yes needs a certificate: set login_tls_chain_files");
        return;
    }
    event::TlsContext::ServerSettings settings;
    settings.chain_files = params.tls_chain_files();
    settings.service = service;
    settings.alpn = {params.managesieve() ? "managesieve" : "imap"};
    auto context = event::TlsContext::make_server(settings);
    if (context)
        services.tls = std::move(*context);
    else
        logging::fatal("login_tls_chain_files: {}", context.error());
}

}  // namespace

int main(int argc, char** argv) {
    login::Params params;
    worker::Program program(argc, argv, "login", params);
    if (params.protocol() != "imap" && !params.managesieve())
        logging::fatal("login_protocol: \"{}\" is neither imap nor managesieve", params.protocol());
    login::Services services(program.loop(), params);
    load_tls(services, program.service());

    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::network);

    return jail.serve(
        [&](event::Stream client, worker::Client& seat) { return login::serve_client(std::move(client), seat, services); });
}
