// imapd/login/session.h - IMAP before login.
//
// Standards   RFC 3501, 6.1 and 6.2; RFC 2971 (ID); RFC 4959 (SASL-IR); RFC 5530 (response codes); RFC 7888;
//             RFC 8314 (TLS from the start)
// Failure     StreamError unwinds to serve_client(), which logs why the client went.
// Trust       everything comes from strangers. Lines, literals, commands, attempts and time are limited; what was
//             sent in clear ahead of a TLS handshake is thrown away (RFC 3501, 6.2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "imapd/login/command_reader.h"
#include "imapd/login/pre_login.h"
#include "lib/imap/command.h"

namespace login {

class Session final : public PreLogin {
  public:
    Session(event::Stream stream, worker::Client& seat, Services& services);

    event::Task<void> converse() override;

  private:
    void bye(std::string_view text) override;
    void write_challenge(const std::string& challenge) override;
    event::Task<std::optional<std::string>> read_response() override;

    event::Task<void> execute(std::string text);
    event::Task<void> start_tls(std::string tag, bool has_args);
    event::Task<void> login(std::string tag, std::string args);
    event::Task<void> authenticate(std::string tag, std::string args);
    event::Task<void> finish_attempt(std::string tag, sasl::Step step);

    bool refuse_plaintext(const std::string& tag);
    std::string capabilities() const;
    void reply(std::string_view tag, std::string_view text);
};

}  // namespace login
