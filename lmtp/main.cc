// NAME
//     lmtp, smtp - mail out to another host, or to the mailbox daemon
// SYNOPSIS
//     lmtp [generic master options]          (LMTP, RFC 2033)
//     smtp [generic master options]          (SMTP, RFC 5321)
// DESCRIPTION
//     Delivers what qmgr(8) asks for to the server that the nexthop names: unix:path, inet:host:port, [host]:port.
//     One process delivers many messages at once; connections are kept for a moment and used again. Under the
//     name smtp it speaks SMTP and reads the smtp_ parameters, otherwise LMTP and the lmtp_ parameters.
// SECURITY
//     Runs as network_owner, usually in a jail (malleposte-security(7)). Content comes as an open descriptor, so the
//     queue itself is never touched. Servers are strangers.
// STANDARDS
//     RFC 2033, RFC 5321, RFC 1870, RFC 2920, RFC 3207, RFC 3461, RFC 3463
#include "lib/log/log.h"
#include "lib/worker/program.h"
#include "lmtp/destination.h"

namespace {

lmtp::TlsLevel parse_level(const std::string& prefix, const std::string& value) {
    if (value.empty() || value == "none")
        return lmtp::TlsLevel::none;
    if (value == "may")
        return lmtp::TlsLevel::may;
    if (value == "encrypt")
        return lmtp::TlsLevel::encrypt;
    logging::fatal("{}_tls_security_level: \"{}\" is none of none, may, encrypt", prefix, value);
}

}  // namespace

int main(int argc, char** argv) {
    std::string name = argv[0];
    name = name.substr(name.rfind('/') + 1);
    std::string prefix = name == "smtp" ? "smtp" : "lmtp";
    lmtp::Params params(prefix);
    worker::Program program(argc, argv, prefix, params);

    lmtp::Settings settings{params, prefix == "lmtp", parse_level(prefix, params.tls_security_level()), nullptr};
    event::TlsContext::ClientSettings tls_settings;
    tls_settings.ca_file = params.tls_ca_file();
    auto tls = event::TlsContext::make_client(tls_settings);
    if (!tls)
        logging::fatal("{}_tls_CAfile: {}", prefix, tls.error());
    settings.tls = &*tls;

    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::network);

    lmtp::Destinations destinations(jail.loop(), settings);
    jail.loop().spawn(destinations.close_idle());
    delivery::Deliver deliver = [&](delivery::Job& job) { return destinations.deliver(job); };
    return jail.serve([&](event::Stream client, worker::Client& seat) {
        return delivery::serve_requests(std::move(client), seat, jail.loop(), deliver);
    });
}
