// lib/sasl/auth_client.h - asks auth(8), or Dovecot's auth, to authenticate a client.
//
//     sasl::AuthClient auth(loop, "private/auth");
//     std::vector<sasl::Mechanism> offered = co_await auth.mechanisms();
//     sasl::Step step = co_await auth.begin(about_client, "PLAIN", initial_response);
//     while (step.kind == sasl::Step::Kind::more) {
//         ... send step.text to the client, read its answer ...
//         step = co_await auth.respond(step.id, answer);
//     }
//
// One connection per process carries any number of logins at once; it is made when first needed and made anew when
// auth has gone away.
//
// Standards   Dovecot's auth client protocol, 1.1 and 1.2; RFC 4422 for what the mechanisms say
// Failure     Step::Kind::trouble: auth cannot be asked now (the reason is for the log): tell the client to try later.
//             Only cancellation is thrown.
// Lifetime    outlives its callers; the loop outlives it.
// Trust       answers come from auth and are believed; their length is bounded. Messages go to auth unread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/event/endpoint.h"
#include "lib/event/loop.h"
#include "lib/event/task.h"

namespace sasl {

struct Mechanism {
    std::string name;        // "PLAIN"
    bool plaintext = false;  // the password can be read on the wire
    bool anonymous = false;
    bool dictionary = false;  // open to guessing by who listens
    bool active = false;      // open to who stands in between
    bool forward_secrecy = false;
    bool mutual_auth = false;
    bool is_private = false;  // not to be offered
};

// What auth is told about the client.
struct ClientInfo {
    std::string service;  // "smtp", "imap"
    std::string local_address;
    std::uint16_t local_port = 0;
    std::string remote_address;
    std::uint16_t remote_port = 0;
    bool secured = false;   // TLS, or nobody can listen
    bool no_login = false;  // nobody will ask auth about this login afterwards
};

struct Step {
    enum class Kind { ok, failed, more, trouble };
    Kind kind = Kind::trouble;
    std::uint32_t id = 0;  // of the request; for respond() and for a hand-over
    std::string user;      // ok: the name auth gives the user; failed: who tried, where auth says so
    std::string text;      // more: the challenge, decoded; failed: words for the client, may be empty;
                           // trouble: the reason, for the log
    std::string code;      // failed: "user_disabled", "pass_expired", ...; mostly empty

    Step() = default;
    Step(Kind the_kind, std::uint32_t the_id, std::string the_text)
        : kind(the_kind), id(the_id), text(std::move(the_text)) {}
};

class AuthClient {
  public:
    // socket: "private/auth", "unix:/run/dovecot/auth", "inet:127.0.0.1:12345" (numeric).
    AuthClient(event::Loop& loop, const std::string& socket, std::chrono::milliseconds timeout = std::chrono::seconds(60));
    ~AuthClient();
    AuthClient(const AuthClient&) = delete;

    // What auth offers; empty where it cannot be asked now (trouble() says why).
    event::Task<std::vector<Mechanism>> mechanisms();
    const std::string& trouble() const;

    event::Task<Step> begin(ClientInfo info, std::string mechanism, std::optional<std::string> initial_response);
    event::Task<Step> respond(std::uint32_t id, std::string response);
    // The client has gone, or has cancelled with "*".
    void abandon(std::uint32_t id);

    // For a hand-over of the login to somebody who asks auth about it: our CPID and auth's COOKIE.
    std::uint32_t client_pid() const;
    const std::string& cookie() const;

    struct State;

  private:
    std::shared_ptr<State> state_;
};

}  // namespace sasl
