// imapd/login/pre_login.h - what every protocol does before a login: TLS, attempts at it, and the way to a session process.
//
// A protocol's session derives from this, speaks its own words, and calls authenticate_with() and hand_over().
//
// Failure     StreamError unwinds to serve_client(), which logs why the client went.
// Trust       everything comes from strangers: attempts, connections of an address and time are limited.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "imapd/login/services.h"
#include "lib/event/endpoint.h"
#include "lib/event/stream.h"

namespace login {

class PreLogin {
  public:
    virtual ~PreLogin();
    PreLogin(const PreLogin&) = delete;

    virtual event::Task<void> converse() = 0;
    void say_last_words(const event::StreamError& error);
    void log_end(std::string_view why) const;

  protected:
    enum class State { talking, handed_over, closing };
    // Whether a session may have the client's connection itself, where there is no TLS on it.
    enum class Handing { direct, relayed };

    PreLogin(event::Stream stream, worker::Client& seat, Services& services, std::string service);

    // The protocol's own words.
    virtual void bye(std::string_view text) = 0;
    virtual void write_challenge(const std::string& challenge) = 0;
    virtual event::Task<std::optional<std::string>> read_response() = 0;  // decoded; nothing: cancelled

    // False where this address has too many connections.
    bool admit();
    // TLS where it comes first, then what auth offers.
    event::Task<void> prepare();
    // The exchange, up to its last step; a step of kind `more` means that the client cancelled.
    event::Task<sasl::Step> run_mechanism(std::string mechanism, std::optional<std::string> initial);
    // What happened, for the log and the count of attempts.
    void log_failure(const sasl::Step& step);
    bool offers(std::string_view mechanism) const;
    bool may_use_plaintext() const;
    sasl::ClientInfo client_info() const;
    // Empty when a session process has, or had, the client; otherwise words for the client.
    event::Task<std::string> hand_over(std::string tag, std::uint32_t request_id, Handing handing);

    event::Stream stream_;
    worker::Client& seat_;
    Services& services_;
    const Params& params_;
    event::SocketAddress remote_;
    event::SocketAddress local_;
    State state_ = State::talking;
    int commands_ = 0;
    int failures_ = 0;
    std::vector<std::string> mechanisms_;  // as auth says
    std::string user_;                     // of the last attempt, for the log
    std::string method_;
    bool given_back_ = false;  // the session ended, and the client wants to log in again

  private:
    event::Task<void> hand_over_direct(ipc::records::ImapHandover handover, std::string& reason);
    event::Task<void> hand_over_relayed(ipc::records::ImapHandover handover, std::string& reason);
    void count_out();

    std::string service_;
    bool counted_ = false;
};

// One session of the protocol that login_protocol names.
std::unique_ptr<PreLogin> make_session(event::Stream stream, worker::Client& seat, Services& services);

}  // namespace login
