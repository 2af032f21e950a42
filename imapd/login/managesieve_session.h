// imapd/login/managesieve_session.h - ManageSieve before login.
//
// Standards   RFC 5804, 1.4 to 1.7, 2.1 to 2.3 and 2.14
// Trust       as PreLogin; a command with its literals has at most kMaxCommand octets.
#pragma once

#include "imapd/login/pre_login.h"
#include "lib/managesieve/grammar.h"

namespace login {

class ManageSieveSession final : public PreLogin {
  public:
    ManageSieveSession(event::Stream stream, worker::Client& seat, Services& services);

    event::Task<void> converse() override;

  private:
    void bye(std::string_view text) override;
    void write_challenge(const std::string& challenge) override;
    event::Task<std::optional<std::string>> read_response() override;

    // The text of a command, literals included; nothing at the end, or after one that was too large.
    event::Task<std::optional<std::string>> read_text();
    event::Task<void> execute(managesieve::Command command);
    event::Task<void> start_tls();
    event::Task<void> authenticate(managesieve::Command command);
    event::Task<void> finish_attempt(sasl::Step step);
    void reply(std::string_view word, std::string_view code, std::string_view text);
    std::string capabilities() const;
};

}  // namespace login
