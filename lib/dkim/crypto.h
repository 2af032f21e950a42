// lib/dkim/crypto.h - hashes and keys, over OpenSSL.
//
// Standards   RFC 8017, 8.2 (PKCS #1 v1.5); RFC 8032; RFC 8463, 3
// Failure     keys come as a value or a reason. A signature that does not fit is false, whatever it is made of.
// Lifetime    a PublicKey is a cheap handle to a key that is shared.
// Trust       public keys are strangers': RSA outside of [min_bits, max_bits] or with an exponent over 64 bits is refused
//             before it costs anything.
// Threads     a key belongs to one thread.
#pragma once

#include <cstddef>
#include <expected>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "lib/dkim/key_record.h"
#include "lib/dkim/result.h"

struct evp_md_ctx_st;

namespace dkim {

class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void add(std::string_view octets);
    std::string finish();  // 32 octets

    static std::string of(std::string_view octets);

  private:
    evp_md_ctx_st* context_;
};

class PublicKey {
  public:
    PublicKey() = default;
    // p= of a key record: SubjectPublicKeyInfo or RSAPublicKey for RSA, the 32 octets for Ed25519.
    static std::expected<PublicKey, std::string> load(KeyType type, std::string_view data);

    KeyType type() const;
    unsigned bits() const;
    // An exponent over 64 bits makes verification slow without making anything safer.
    bool has_huge_exponent() const;
    bool verifies(std::string_view sha256, std::string_view signature) const;

  private:
    struct State;
    explicit PublicKey(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

// Keys that were parsed already: the senders of today are those of a minute ago.
class KeyCache {
  public:
    explicit KeyCache(std::size_t capacity = 1000) : capacity_(capacity) {}
    std::expected<PublicKey, std::string> load(const KeyRecord& record);

  private:
    struct Entry {
        PublicKey key;
        std::list<const std::string*>::iterator age;
    };
    std::size_t capacity_;
    std::map<std::string, Entry, std::less<>> keys_;
    std::list<const std::string*> ages_;  // the one used last is in front
};

class PrivateKey {
  public:
    // PEM; Ed25519 also as the base64 of its 32 octets, as other signers keep it.
    static std::expected<PrivateKey, std::string> parse(std::string_view text);
    static PrivateKey generate_rsa(unsigned bits);
    static PrivateKey generate_ed25519();

    KeyType type() const;
    unsigned bits() const;
    // Of the SHA-256 hash of what is to be signed.
    std::expected<std::string, std::string> sign(std::string_view sha256) const;
    std::string pem() const;          // PKCS #8
    std::string public_data() const;  // as p= wants it, not encoded

  private:
    struct State;
    explicit PrivateKey(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

}  // namespace dkim
