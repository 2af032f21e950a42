// STARTTLS (RFC 3207).
#include "lib/log/log.h"
#include "smtpd/session.h"

namespace smtpd {

using smtp::Reply;

event::Task<void> Session::start_tls() {
    // One deadline for the whole handshake: a client that sends an octet a minute does not hold a seat.
    peer_.set_timeout(params_.starttls_timeout());
    co_await peer_.start_tls_server(*services_.tls);
    peer_.set_timeout(params_.timeout());
    event::TlsInfo info = peer_.tls_info();
    logging::info("Anonymous TLS connection established from {}[{}]: {} with cipher {} ({}/{} bits)", client_name_,
        client_address_, info.protocol, info.cipher, info.bits, info.algorithm_bits);
}

std::vector<std::string> Session::starttls_offers() const {
    if (!services_.tls || peer_.is_tls())
        return {};
    return {"STARTTLS"};
}

event::Task<Reply> Session::starttls(std::string_view argument) {
    if (!argument.empty())
        co_return Reply(501, "5.5.4", "Syntax: STARTTLS");
    if (peer_.is_tls())
        co_return Reply(554, "5.5.1", "Error: TLS already active");
    if (!services_.tls)
        co_return Reply(502, "5.5.1", "Error: command not implemented");
    peer_.write("220 2.0.0 Ready to start TLS\r\n");
    co_await start_tls();
    // RFC 3207, 4.2: nothing learnt in clear counts.
    end_transaction();
    helo_.clear();
    login_.clear();
    login_method_.clear();
    extended_ = false;
    state_ = kGreeted;
    co_return Reply();  // the handshake was the answer
}

}  // namespace smtpd
