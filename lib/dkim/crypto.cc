#include "lib/dkim/crypto.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <bit>
#include <new>
#include <optional>
#include <utility>

#include "lib/text/text.h"

namespace dkim {
namespace {

struct Free {
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
    void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
    void operator()(BIO* p) const { BIO_free(p); }
    void operator()(BIGNUM* p) const { BN_free(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free>;

// Looked up once: a search by name for each hash costs as much as a short hash.
const EVP_MD* sha256() {
    static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return method;
}

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// One element of DER at the front of `text`, taken off it; none where it is not of that tag or does not fit.
std::optional<std::string_view> take_der(std::string_view& text, unsigned char tag) {
    if (text.size() < 2 || static_cast<unsigned char>(text[0]) != tag)
        return std::nullopt;
    std::size_t length = static_cast<unsigned char>(text[1]), header = 2;
    if (length >= 0x80) {
        const std::size_t count = length & 0x7f;
        if (count == 0 || count > 4 || text.size() < 2 + count)
            return std::nullopt;
        length = 0;
        for (std::size_t i = 0; i < count; ++i)
            length = length << 8 | static_cast<unsigned char>(text[2 + i]);
        header += count;
    }
    if (length > text.size() - header)
        return std::nullopt;
    const std::string_view content = text.substr(header, length);
    text.remove_prefix(header + length);
    return content;
}

constexpr unsigned char kInteger = 0x02, kBitString = 0x03, kObject = 0x06, kSequence = 0x30;

// The two numbers of an RSA key: RSAPublicKey (RFC 8017, A.1.1), alone or inside of SubjectPublicKeyInfo (RFC 5280, 4.1).
// OpenSSL's own decoders try every format that they know, which takes ten times as long as a verification.
struct RsaNumbers {
    std::string_view modulus;
    std::string_view exponent;
};
std::optional<RsaNumbers> parse_rsa_key(std::string_view der) {
    const auto outer = take_der(der, kSequence);
    if (!outer)
        return std::nullopt;
    std::string_view rest = *outer;
    if (auto algorithm = take_der(rest, kSequence)) {
        constexpr std::string_view kRsaEncryption = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
        const auto object = take_der(*algorithm, kObject);
        auto bits = take_der(rest, kBitString);
        if (!object || *object != kRsaEncryption || !bits || bits->empty() || bits->front() != 0)
            return std::nullopt;
        bits->remove_prefix(1);
        const auto inner = take_der(*bits, kSequence);
        if (!inner)
            return std::nullopt;
        rest = *inner;
    }
    const auto modulus = take_der(rest, kInteger), exponent = take_der(rest, kInteger);
    if (!modulus || !exponent || modulus->empty() || exponent->empty() || (modulus->front() & 0x80) != 0 ||
        (exponent->front() & 0x80) != 0)
        return std::nullopt;
    return RsaNumbers{*modulus, *exponent};
}

Key make_rsa_key(std::string_view der) {
    const auto numbers = parse_rsa_key(der);
    if (!numbers)
        return {};
    const auto native = [](std::string_view number) {
        // OSSL_PARAM has them in the order of the machine.
        return std::endian::native == std::endian::little ? std::string(number.rbegin(), number.rend())
                                                          : std::string(number);
    };
    std::string modulus = native(numbers->modulus), exponent = native(numbers->exponent);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, reinterpret_cast<unsigned char*>(modulus.data()), modulus.size()),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, reinterpret_cast<unsigned char*>(exponent.data()), exponent.size()),
        OSSL_PARAM_construct_end()};
    EVP_PKEY* key = nullptr;
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    if (context && EVP_PKEY_fromdata_init(context.get()) == 1)
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params);
    return Key(key);
}

bool is_type(const EVP_PKEY* key, KeyType type) { return EVP_PKEY_is_a(key, type == KeyType::rsa ? "RSA" : "ED25519") == 1; }

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    if (context_ == nullptr || EVP_DigestInit_ex2(context_, sha256(), nullptr) != 1)
        throw std::bad_alloc();
}
Sha256::~Sha256() { EVP_MD_CTX_free(context_); }
Sha256::Sha256(Sha256&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
Sha256& Sha256::operator=(Sha256&& other) noexcept {
    std::swap(context_, other.context_);
    return *this;
}

void Sha256::add(std::string_view octets) { EVP_DigestUpdate(context_, octets.data(), octets.size()); }

std::string Sha256::finish() {
    std::string hash(32, '\0');
    EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(hash.data()), nullptr);
    return hash;
}

std::string Sha256::of(std::string_view octets) {
    Sha256 hash;
    hash.add(octets);
    return hash.finish();
}

struct PublicKey::State {
    Key key;
    KeyType type = KeyType::rsa;
    KeyContext rsa;  // ready to verify, again and again
};

std::expected<PublicKey, std::string> PublicKey::load(KeyType type, std::string_view data) {
    auto state = std::make_shared<State>();
    state->type = type;
    if (type == KeyType::ed25519) {
        if (data.size() == 32)
            state->key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(data), data.size()));
    } else {
        // RFC 6376, 3.6.1 says RSAPublicKey; nearly everybody publishes the other.
        state->key = make_rsa_key(data);
    }
    ERR_clear_error();
    if (!state->key || !is_type(state->key.get(), type))
        return std::unexpected(std::string("p= is no ") + (type == KeyType::rsa ? "RSA" : "Ed25519") + " key");
    if (type == KeyType::rsa) {
        state->rsa.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, state->key.get(), nullptr));
        if (!state->rsa || EVP_PKEY_verify_init(state->rsa.get()) != 1 ||
            EVP_PKEY_CTX_set_rsa_padding(state->rsa.get(), RSA_PKCS1_PADDING) != 1 ||
            EVP_PKEY_CTX_set_signature_md(state->rsa.get(), sha256()) != 1)
            return std::unexpected("the RSA key cannot be used");
    }
    return PublicKey(std::move(state));
}

KeyType PublicKey::type() const { return state_->type; }

unsigned PublicKey::bits() const { return static_cast<unsigned>(EVP_PKEY_get_bits(state_->key.get())); }

bool PublicKey::has_huge_exponent() const {
    if (state_->type != KeyType::rsa)
        return false;
    BIGNUM* exponent = nullptr;
    if (EVP_PKEY_get_bn_param(state_->key.get(), OSSL_PKEY_PARAM_RSA_E, &exponent) != 1)
        return true;
    const std::unique_ptr<BIGNUM, Free> owner(exponent);
    return BN_num_bits(exponent) > 64;
}

bool PublicKey::verifies(std::string_view sha256, std::string_view signature) const {
    bool good = false;
    if (state_->type == KeyType::rsa) {
        good = EVP_PKEY_verify(state_->rsa.get(), bytes(signature), signature.size(), bytes(sha256), sha256.size()) == 1;
    } else {
        const DigestContext context(EVP_MD_CTX_new());
        good = context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()) == 1 &&
               EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(sha256), sha256.size()) == 1;
    }
    if (!good)
        ERR_clear_error();
    return good;
}

std::expected<PublicKey, std::string> KeyCache::load(const KeyRecord& record) {
    const std::string name = (record.type == KeyType::rsa ? "r" : "e") + record.data;
    if (const auto found = keys_.find(name); found != keys_.end()) {
        ages_.splice(ages_.begin(), ages_, found->second.age);
        return found->second.key;
    }
    auto key = PublicKey::load(record.type, record.data);
    if (!key)
        return key;
    if (keys_.size() >= capacity_ && !ages_.empty()) {
        keys_.erase(*ages_.back());
        ages_.pop_back();
    }
    const auto entry = keys_.emplace(name, Entry{*key, {}}).first;
    ages_.push_front(&entry->first);
    entry->second.age = ages_.begin();
    return key;
}

struct PrivateKey::State {
    Key key;
    KeyType type = KeyType::rsa;
};

std::expected<PrivateKey, std::string> PrivateKey::parse(std::string_view text) {
    auto state = std::make_shared<State>();
    const std::string_view trimmed = text::trim(text);
    if (const auto raw = text::decode_base64(trimmed); raw && raw->size() == 32) {
        state->key.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes(*raw), raw->size()));
    } else {
        const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
        // A key that wants a passphrase is refused rather than asked about on a terminal.
        auto no_passphrase = [](char*, int, int, void*) { return -1; };
        state->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
    }
    ERR_clear_error();
    if (!state->key)
        return std::unexpected("no private key in PEM form without a passphrase");
    for (KeyType type : {KeyType::rsa, KeyType::ed25519}) {
        if (is_type(state->key.get(), type)) {
            state->type = type;
            return PrivateKey(std::move(state));
        }
    }
    return std::unexpected("the private key is neither RSA nor Ed25519");
}

PrivateKey PrivateKey::generate_rsa(unsigned bits) {
    auto state = std::make_shared<State>();
    state->key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
    if (!state->key)
        throw std::bad_alloc();
    return PrivateKey(std::move(state));
}

PrivateKey PrivateKey::generate_ed25519() {
    auto state = std::make_shared<State>();
    state->type = KeyType::ed25519;
    state->key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    if (!state->key)
        throw std::bad_alloc();
    return PrivateKey(std::move(state));
}

KeyType PrivateKey::type() const { return state_->type; }

unsigned PrivateKey::bits() const { return static_cast<unsigned>(EVP_PKEY_get_bits(state_->key.get())); }

std::expected<std::string, std::string> PrivateKey::sign(std::string_view hash) const {
    std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get())), '\0');
    std::size_t size = signature.size();
    auto* out = reinterpret_cast<unsigned char*>(signature.data());
    bool good = false;
    if (state_->type == KeyType::rsa) {
        const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, state_->key.get(), nullptr));
        good = context && EVP_PKEY_sign_init(context.get()) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(context.get(), sha256()) == 1 &&
               EVP_PKEY_sign(context.get(), out, &size, bytes(hash), hash.size()) == 1;
    } else {
        const DigestContext context(EVP_MD_CTX_new());
        good = context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()) == 1 &&
               EVP_DigestSign(context.get(), out, &size, bytes(hash), hash.size()) == 1;
    }
    if (!good) {
        ERR_clear_error();
        return std::unexpected("the key cannot sign");
    }
    signature.resize(size);
    return signature;
}

std::string PrivateKey::pem() const {
    const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        throw std::bad_alloc();
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
}

std::string PrivateKey::public_data() const {
    if (state_->type == KeyType::ed25519) {
        std::string raw(32, '\0');
        std::size_t size = raw.size();
        EVP_PKEY_get_raw_public_key(state_->key.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
        return raw;
    }
    unsigned char* data = nullptr;
    const int size = i2d_PUBKEY(state_->key.get(), &data);
    if (size <= 0)
        throw std::bad_alloc();
    std::string result(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
    OPENSSL_free(data);
    return result;
}

}  // namespace dkim
