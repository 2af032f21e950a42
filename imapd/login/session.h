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
#include "imapd/login/services.h"
#include "lib/event/endpoint.h"
#include "lib/event/stream.h"
#include "lib/imap/command.h"

namespace login {

class Session {
  public:
    Session(event::Stream stream, worker::Client& seat, Services& services);
    ~Session();
    Session(const Session&) = delete;

    event::Task<void> converse();
    void say_last_words(const event::StreamError& error);
    void log_end(std::string_view why) const;

  private:
    enum class State { talking, handed_over, closing };

    event::Task<void> greet();
    event::Task<void> execute(std::string text);
    event::Task<void> start_tls(std::string tag, bool has_args);
    event::Task<void> login(std::string tag, std::string args);
    event::Task<void> authenticate(std::string tag, std::string args);
    event::Task<void> run_mechanism(std::string tag, std::string mechanism, std::optional<std::string> initial);
    event::Task<void> hand_over(std::string tag, std::uint32_t request_id);
    event::Task<void> hand_over_direct(ipc::records::ImapHandover handover, std::string& reason);
    event::Task<void> hand_over_relayed(ipc::records::ImapHandover handover, std::string& reason);
    event::Task<std::optional<std::string>> read_response(std::string challenge);

    void finish_attempt(const std::string& tag, const sasl::Step& step);
    bool may_use_plaintext() const;
    bool refuse_plaintext(const std::string& tag);
    std::string capabilities() const;
    sasl::ClientInfo client_info() const;
    void reply(std::string_view tag, std::string_view text);
    void bye(std::string_view text);

    event::Stream stream_;
    worker::Client& seat_;
    Services& services_;
    const Params& params_;
    event::SocketAddress remote_;
    event::SocketAddress local_;
    bool counted_ = false;
    State state_ = State::talking;
    int commands_ = 0;
    int failures_ = 0;
    std::string offered_;       // "AUTH=PLAIN AUTH=LOGIN", as auth says
    std::string user_;          // of the last attempt, for the log
    std::string method_;
};

}  // namespace login
