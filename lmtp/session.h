// lmtp/session.h - one conversation with a server, by LMTP or SMTP: greeting, TLS, one message after the other.
//
// open() returns a session that has been greeted, or says why there is none. deliver() gives every recipient of
// a job its result. A server that speaks out of turn, breaks off or answers something else than was asked ends
// the session; what it had not clearly taken counts as deferred.
//
// Standards   RFC 5321, RFC 2033 (LMTP), RFC 2920 (PIPELINING), RFC 1870 (SIZE), RFC 3207 (STARTTLS), RFC 3461 (DSN)
// Trust       the server is a stranger: see lib/smtp/reply.h.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "lib/delivery/agent.h"
#include "lib/event/endpoint.h"
#include "lib/event/tls_context.h"
#include "lib/smtp/reply.h"
#include "lmtp/params.h"

namespace lmtp {

// Who we talk to, for logs: "mx.example.test[192.0.2.1]:25".
struct Server {
    std::string name;
    std::string address;  // the IP address, or the path of a UNIX socket
    std::string port;
    std::string relay() const;  // "name[address]:port"
    std::string said() const;   // "name[address]"
};

// Why a destination could not be used.
struct DestinationFailure {
    std::string dsn;
    std::string text;
    std::string relay = "none";
    bool permanent = false;
};

enum class TlsLevel { none, may, encrypt };

struct Settings {
    const Params& params;
    bool lmtp = true;  // LHLO, and a reply for each recipient
    TlsLevel tls_level = TlsLevel::none;
    event::TlsContext* tls = nullptr;
};

class Session {
  public:
    static event::Task<std::expected<std::unique_ptr<Session>, DestinationFailure>> open(
        event::Loop& loop, const Settings& settings, Server server, event::SocketAddress address, bool with_tls);

    event::Task<void> deliver(delivery::Job& job);
    // Says QUIT, without waiting long for the answer.
    event::Task<void> quit();

    bool usable() const { return usable_; }     // for another message
    int messages() const { return messages_; }  // taken so far
    // Whether the server had gone before it took anything of the last job: another connection may be tried.
    bool was_stale() const { return stale_; }
    const Server& server() const { return server_; }

  private:
    Session(const Settings& settings, Server server, event::Stream stream);

    event::Task<std::optional<DestinationFailure>> greet(bool with_tls);
    event::Task<smtp::Reply> say_hello();
    void require_silence();
    event::Task<smtp::Reply> answer();
    event::Task<smtp::Reply> command(std::string text, std::chrono::seconds timeout);
    void learn_extensions(const smtp::Reply& reply);

    bool refuse_unfit(delivery::Job& job);
    event::Task<void> converse(delivery::Job& job);
    event::Task<bool> send_envelope(delivery::Job& job);
    event::Task<void> send_content(delivery::Job& job);
    event::Task<void> read_outcome(delivery::Job& job);
    event::Task<void> reset();

    std::string rcpt_command(const envelope::Recipient& recipient) const;
    std::string mail_command(const delivery::DeliverRequest& request) const;
    delivery::RecipientResult outcome(const smtp::Reply& reply, const char* command) const;
    DestinationFailure trouble(const event::StreamError& error) const;

    const Settings& settings_;
    Server server_;
    event::Stream stream_;
    const char* doing_ = "receiving the initial server greeting";  // for the log, where the connection breaks
    bool pipelining_ = false, eight_bit_ = false, starttls_ = false, utf8_ = false, size_known_ = false, dsn_ = false;
    std::uint64_t size_limit_ = 0;
    bool usable_ = true;
    bool stale_ = false;
    bool anything_read_ = false;  // of the current job
    int messages_ = 0;
    std::vector<const delivery::DeliverRecipient*> accepted_;
};

}  // namespace lmtp
