// lib/event/tls_context.h - the keys, certificates and rules of TLS for one service.
//
// A context is made before the process gives up its rights (it reads private keys) and serves every
// connection of that service. Sessions resume only at the service that made them: the session id context is
// the service's name. SSLv3, TLS 1.0/1.1, compression and renegotiation are off.
//
// Standards   RFC 8446, RFC 5246, RFC 8996; RFC 7301 (ALPN: a client that names a foreign protocol is refused)
// Failure     make_*() return a reason that names the file; OpenSSL's own words are in it.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

typedef struct ssl_ctx_st SSL_CTX;

namespace event {

class TlsContext {
  public:
    struct ServerSettings {
        std::vector<std::string> chain_files;  // PEM: key and certificates, in any order of files
        std::string service;                   // "smtpd", for sessions and tickets
        std::vector<std::string> alpn;         // protocols a client may name; empty: ignore
        std::string ciphers;                   // OpenSSL list for TLS 1.2; empty: the library's
    };
    struct ClientSettings {
        std::string ca_file;  // PEM; empty: the system's
        bool verify = false;  // fail the handshake for an untrusted certificate or another name
    };

    static std::expected<TlsContext, std::string> make_server(const ServerSettings& settings);
    static std::expected<TlsContext, std::string> make_client(const ClientSettings& settings);

    TlsContext(TlsContext&&) noexcept;
    TlsContext& operator=(TlsContext&&) noexcept;
    ~TlsContext();

    SSL_CTX* handle() const { return context_; }
    bool verifies() const { return verify_; }

  private:
    explicit TlsContext(SSL_CTX* context) : context_(context) {}
    SSL_CTX* context_ = nullptr;
    bool verify_ = false;
    std::unique_ptr<std::string> alpn_;  // wire form, for the selection callback
};

// OpenSSL's queued errors of this thread, in one line.
std::string tls_errors();

}  // namespace event
