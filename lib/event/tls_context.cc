#include "lib/event/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <cstdio>
#include <memory>
#include <utility>

namespace event {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

// A client that names only protocols we do not speak here (http/1.1 at an IMAP port) is not our client.
int select_alpn(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in, unsigned int in_length,
    void* argument) {
    const auto& offered = *static_cast<const std::string*>(argument);
    unsigned char* chosen = nullptr;
    int result = SSL_select_next_proto(&chosen, length, reinterpret_cast<const unsigned char*>(offered.data()),
        static_cast<unsigned int>(offered.size()), in, in_length);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool has_private_key(const std::string& file) {
    std::unique_ptr<std::FILE, CloseFile> in(std::fopen(file.c_str(), "r"));
    if (!in)
        return false;
    EVP_PKEY* key = PEM_read_PrivateKey(in.get(), nullptr, nullptr, nullptr);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return key != nullptr;
}

bool has_certificate(const std::string& file) {
    std::unique_ptr<std::FILE, CloseFile> in(std::fopen(file.c_str(), "r"));
    if (!in)
        return false;
    X509* certificate = PEM_read_X509(in.get(), nullptr, nullptr, nullptr);
    X509_free(certificate);
    ERR_clear_error();
    return certificate != nullptr;
}

std::string load_chain(SSL_CTX* context, const std::vector<std::string>& files) {
    bool key = false, certificate = false;
    for (const std::string& file : files) {
        if (has_certificate(file)) {
            if (SSL_CTX_use_certificate_chain_file(context, file.c_str()) != 1)
                return "cannot use the certificates in " + file + ": " + tls_errors();
            certificate = true;
        }
    }
    for (const std::string& file : files) {
        if (has_private_key(file)) {
            if (SSL_CTX_use_PrivateKey_file(context, file.c_str(), SSL_FILETYPE_PEM) != 1)
                return "cannot use the private key in " + file + ": " + tls_errors();
            key = true;
        }
    }
    if (!certificate || !key) {
        std::string names;
        for (const std::string& file : files)
            names += (names.empty() ? "" : ", ") + file;
        return std::string("no ") + (certificate ? "private key" : "certificate") + " could be read from " + names +
               "; name a PEM file with each";
    }
    return "";
}

std::string wire_alpn(const std::vector<std::string>& protocols) {
    std::string wire;
    for (const std::string& protocol : protocols)
        wire += static_cast<char>(protocol.size()) + protocol;
    return wire;
}

void set_common(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(
        context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

}  // namespace

std::string tls_errors() {
    std::string text;
    while (unsigned long code = ERR_get_error()) {
        std::array<char, 256> buffer{};
        ERR_error_string_n(code, buffer.data(), buffer.size());
        text += (text.empty() ? "" : "; ") + std::string(buffer.data());
    }
    return text.empty() ? "no reason given" : text;
}

std::expected<TlsContext, std::string> TlsContext::make_server(const ServerSettings& settings) {
    TlsContext result(SSL_CTX_new(TLS_server_method()));
    if (result.context_ == nullptr)
        return std::unexpected("cannot set up TLS: " + tls_errors());
    SSL_CTX* context = result.context_;
    set_common(context);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (!settings.ciphers.empty() && SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) != 1)
        return std::unexpected("no usable cipher in \"" + settings.ciphers + "\": " + tls_errors());
    std::string reason = load_chain(context, settings.chain_files);
    if (!reason.empty())
        return std::unexpected(reason);
    std::string id = settings.service.substr(0, SSL_MAX_SSL_SESSION_ID_LENGTH);
    SSL_CTX_set_session_id_context(
        context, reinterpret_cast<const unsigned char*>(id.data()), static_cast<unsigned int>(id.size()));
    if (!settings.alpn.empty()) {
        result.alpn_ = std::make_unique<std::string>(wire_alpn(settings.alpn));
        SSL_CTX_set_alpn_select_cb(context, select_alpn, result.alpn_.get());
    }
    return result;
}

std::expected<TlsContext, std::string> TlsContext::make_client(const ClientSettings& settings) {
    TlsContext result(SSL_CTX_new(TLS_client_method()));
    if (result.context_ == nullptr)
        return std::unexpected("cannot set up TLS: " + tls_errors());
    set_common(result.context_);
    result.verify_ = settings.verify;
    int loaded = settings.ca_file.empty()
                     ? SSL_CTX_set_default_verify_paths(result.context_)
                     : SSL_CTX_load_verify_locations(result.context_, settings.ca_file.c_str(), nullptr);
    if (loaded != 1)
        return std::unexpected("cannot read certificate authorities from " + settings.ca_file + ": " + tls_errors());
    SSL_CTX_set_verify(result.context_, settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    return result;
}

TlsContext::TlsContext(TlsContext&& other) noexcept
    : context_(std::exchange(other.context_, nullptr)), verify_(other.verify_), alpn_(std::move(other.alpn_)) {}

TlsContext& TlsContext::operator=(TlsContext&& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(verify_, other.verify_);
    std::swap(alpn_, other.alpn_);
    return *this;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

}  // namespace event
