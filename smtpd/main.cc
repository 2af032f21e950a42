// NAME
//     smtpd - the SMTP server
// SYNOPSIS
//     smtpd [generic master options]
//     smtpd -c config_dir -S              (stand-alone, for sendmail -bs)
// DESCRIPTION
//     Takes mail from other hosts and from users: runs the dialogue, decides by the smtpd_..._restrictions who may
//     send to whom, and streams each accepted message to cleanup(8). Recipients that do not exist are refused at
//     RCPT. One process serves many clients at once (client_limit).
// SECURITY
//     Talks to strangers. Runs as network_owner, usually in a jail (malleposte-security(7)).
//     It has no access to the queue's files: cleanup writes them.
// STANDARDS
//     RFC 5321, RFC 1652, RFC 1870, RFC 2034, RFC 2920, RFC 3207, RFC 4954; of strangers' mail RFC 7208, RFC 6376, RFC 8617,
//     RFC 7489, RFC 8601, RFC 7372
#include "lib/log/log.h"
#include "lib/worker/program.h"
#include "smtpd/services.h"
#include "smtpd/session.h"
#include "smtpd/stand_alone.h"

namespace {

// Reads keys and certificates, which only root may.
void load_tls(smtpd::Services& services, const std::string& service) {
    const smtpd::Params& params = services.params;
    const std::string& level = params.tls_security_level();
    if (level != "" && level != "none" && level != "may" && level != "encrypt")
        logging::fatal("smtpd_tls_security_level: \"{}\" is none of none, may, encrypt", level);
    bool wanted = level == "may" || level == "encrypt" || params.tls_wrappermode();
    if (!wanted)
        return;
    event::TlsContext::ServerSettings settings;
    settings.chain_files = params.tls_chain_files();
    if (settings.chain_files.empty())
        settings.chain_files = {params.tls_cert_file(), params.tls_key_file()};
    settings.service = service;
    settings.alpn = {"smtp"};
    auto context = event::TlsContext::make_server(settings);
    if (context)
        services.tls = std::move(*context);
    else if (level == "may" && !params.tls_wrappermode())
        logging::warning("TLS is not offered: {}", context.error());
    else
        logging::fatal("smtpd_tls_chain_files: {}", context.error());
}

}  // namespace

int main(int argc, char** argv) {
    // -c config_dir -S: a person's sendmail -bs, not master.
    if (argc == 4 && std::string_view(argv[1]) == "-c" && std::string_view(argv[3]) == "-S")
        return smtpd::run_stand_alone(argv[2]);
    smtpd::Params params;
    worker::Program program(argc, argv, "smtpd", params);
    smtpd::Services services(params, program.main_cf(), program.loop());
    load_tls(services, program.service());
    if (params.sasl_auth_enable() && params.sasl_type() != "dovecot")
        logging::fatal(
            "smtpd_sasl_type: \"{}\" is not supported; use dovecot, which auth(8) and Dovecot speak", params.sasl_type());
    if (auto opened = services.open_dns(program.main_cf()); !opened)
        logging::fatal("{}", opened.error());
    for (const std::string& problem : services.problems())
        logging::warning("{}", problem);

    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::network);
    jail.leave_when([&] { return services.stale(); });

    int status = jail.serve(
        [&](event::Stream client, worker::Client& seat) { return smtpd::serve_client(std::move(client), seat, services); });
    services.close();  // the loop goes with the jail
    return status;
}
