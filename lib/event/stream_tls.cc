// TLS under a stream.
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/event/stream_impl.h"
#include "lib/event/tls_context.h"

namespace event {

ssize_t Stream::Impl::tls_result(int result, bool reading) {
    if (result > 0)
        return result;
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
        can_read = false;
        (reading ? read_wants_write : write_wants_read) = !reading;
        return -1;
    case SSL_ERROR_WANT_WRITE:
        await_writable();
        (reading ? read_wants_write : write_wants_read) = reading;
        return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL:
        tls_failed = true;
        if (reading && ERR_peek_error() == 0)
            return 0;  // the peer went without a goodbye
        [[fallthrough]];
    default:
        tls_failed = true;
        fail(StreamError::Kind::tls, "TLS: " + tls_errors());
        return -1;
    }
}

Task<void> Stream::start_tls_server(TlsContext& context) {
    co_await flush();
    std::string().swap(impl_->in);
    impl_->in_start = 0;
    impl_->ssl = SSL_new(context.handle());
    if (impl_->ssl == nullptr || SSL_set_fd(impl_->ssl, impl_->fd.get()) != 1)
        throw StreamError(StreamError::Kind::tls, "TLS: " + tls_errors());
    SSL_set_accept_state(impl_->ssl);
    impl_->can_read = impl_->can_write = true;
    co_await HandshakeWait(*impl_);
}

Task<void> Stream::start_tls_client(TlsContext& context, std::string host_name) {
    co_await flush();
    std::string().swap(impl_->in);
    impl_->in_start = 0;
    impl_->ssl = SSL_new(context.handle());
    if (impl_->ssl == nullptr || SSL_set_fd(impl_->ssl, impl_->fd.get()) != 1)
        throw StreamError(StreamError::Kind::tls, "TLS: " + tls_errors());
    if (!host_name.empty()) {
        SSL_set_tlsext_host_name(impl_->ssl, host_name.c_str());
        SSL_set1_host(impl_->ssl, host_name.c_str());
    }
    SSL_set_connect_state(impl_->ssl);
    impl_->can_read = impl_->can_write = true;
    co_await HandshakeWait(*impl_);
}

TlsInfo Stream::tls_info() const {
    TlsInfo info;
    if (impl_->ssl == nullptr)
        return info;
    info.protocol = SSL_get_version(impl_->ssl);
    const SSL_CIPHER* cipher = SSL_get_current_cipher(impl_->ssl);
    if (cipher != nullptr) {
        info.cipher = SSL_CIPHER_get_name(cipher);
        info.bits = SSL_CIPHER_get_bits(cipher, &info.algorithm_bits);
    }
    return info;
}

std::string Stream::tls_verify_error() const {
    if (impl_->ssl == nullptr)
        return "no TLS";
    if (SSL_get0_peer_certificate(impl_->ssl) == nullptr)
        return "no certificate";
    long result = SSL_get_verify_result(impl_->ssl);
    return result == X509_V_OK ? "" : X509_verify_cert_error_string(result);
}

bool Stream::HandshakeWait::satisfied() {
    if (stream_.error)
        return true;
    ERR_clear_error();
    int result = SSL_do_handshake(stream_.ssl);
    if (result == 1)
        return true;
    ssize_t outcome = stream_.tls_result(result, true);
    if (outcome == 0)
        stream_.fail(StreamError::Kind::tls, "TLS: the peer left during the handshake");
    stream_.read_wants_write = false;
    return stream_.error.has_value();
}

void Stream::HandshakeWait::await_resume() {
    finish();
    if (stream_.error)
        throw *stream_.error;
}

}  // namespace event
