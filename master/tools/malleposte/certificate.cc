#include "master/tools/malleposte/certificate.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "lib/event/tls_context.h"

namespace malleposte {
namespace {

constexpr long kValidity = 10L * 365 * 24 * 3600;

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
    void operator()(std::FILE* file) const { std::fclose(file); }
};

bool add_extension(X509* certificate, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    std::unique_ptr<X509_EXTENSION, Free> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::unique_ptr<std::FILE, Free> create(const std::string& path, mode_t mode) {
    int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    return std::unique_ptr<std::FILE, Free>(descriptor < 0 ? nullptr : ::fdopen(descriptor, "w"));
}

bool fill(X509* certificate, EVP_PKEY* key, const std::vector<std::string>& names) {
    unsigned char serial[16];
    RAND_bytes(serial, sizeof serial);
    serial[0] &= 0x7f;
    BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), kValidity);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(
        subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(names.front().c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    // Once as an address, as RFC 6125 has it, and once as if it were a name: mbsync, fetchmail and others compare what they
    // were told to connect to with the names only.
    std::string alternatives = "IP:127.0.0.1,DNS:127.0.0.1";
    for (const std::string& name : names)
        alternatives += ",DNS:" + name;
    return add_extension(certificate, NID_subject_alt_name, alternatives) &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

std::expected<void, std::string> make_certificate(
    const std::vector<std::string>& names, const std::string& key_file, const std::string& certificate_file) {
    std::unique_ptr<EVP_PKEY, Free> key(EVP_EC_gen("P-256"));
    std::unique_ptr<X509, Free> certificate(X509_new());
    if (!key || !certificate || !fill(certificate.get(), key.get(), names))
        return std::unexpected("cannot make a certificate: " + event::tls_errors());
    auto key_out = create(key_file, 0600);
    auto certificate_out = create(certificate_file, 0644);
    if (!key_out || !certificate_out)
        return std::unexpected("cannot write " + (key_out ? certificate_file : key_file) + ": " + std::strerror(errno));
    if (PEM_write_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
        PEM_write_X509(certificate_out.get(), certificate.get()) != 1)
        return std::unexpected("cannot write the certificate: " + event::tls_errors());
    return {};
}

}  // namespace malleposte
