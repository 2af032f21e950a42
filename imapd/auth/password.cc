#include "imapd/auth/password.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstring>
#include <memory>
#include <optional>

#include "lib/text/text.h"

namespace auth {
namespace {

enum class Family { plain, crypt, argon2, digest };

struct Scheme {
    std::string_view name;
    Family family;
    std::string_view detail;  // crypt: the salt's beginning; digest: OpenSSL's name
    bool salted = false;
};

constexpr Scheme kSchemes[] = {
    {"PLAIN", Family::plain, ""},
    {"CLEARTEXT", Family::plain, ""},
    {"CRYPT", Family::crypt, ""},
    {"DES-CRYPT", Family::crypt, ""},
    {"MD5-CRYPT", Family::crypt, "$1$"},
    {"SHA256-CRYPT", Family::crypt, "$5$"},
    {"SHA512-CRYPT", Family::crypt, "$6$"},
    {"BLF-CRYPT", Family::crypt, "$2"},
    {"ARGON2I", Family::argon2, "$argon2i$"},
    {"ARGON2ID", Family::argon2, "$argon2id$"},
    {"SHA", Family::digest, "SHA1"},
    {"SHA1", Family::digest, "SHA1"},
    {"SHA256", Family::digest, "SHA256"},
    {"SHA512", Family::digest, "SHA512"},
    {"SSHA", Family::digest, "SHA1", true},
    {"SSHA256", Family::digest, "SHA256", true},
    {"SSHA512", Family::digest, "SHA512", true},
};

const Scheme* find_scheme(std::string_view name) {
    for (const Scheme& scheme : kSchemes) {
        if (scheme.name == name)
            return &scheme;
    }
    return nullptr;
}

std::optional<std::string> decode_hex(std::string_view text) {
    auto digit = [](char c) {
        return text::is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
    };
    if (text.size() % 2 != 0)
        return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        int high = digit(text[i]);
        int low = digit(text[i + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        out += static_cast<char>(high * 16 + low);
    }
    return out;
}

std::string compute_digest(std::string_view name, std::string_view a, std::string_view b) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    const EVP_MD* kind = EVP_get_digestbyname(std::string(name).c_str());
    if (!context || kind == nullptr || EVP_DigestInit_ex(context.get(), kind, nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), a.data(), a.size()) != 1 ||
        EVP_DigestUpdate(context.get(), b.data(), b.size()) != 1 || EVP_DigestFinal_ex(context.get(), digest, &size) != 1)
        return {};
    return {reinterpret_cast<char*>(digest), size};
}

Check check_digest(const Scheme& scheme, const StoredPassword& stored, std::string_view password) {
    const EVP_MD* kind = EVP_get_digestbyname(std::string(scheme.detail).c_str());
    std::size_t size = kind == nullptr ? 0 : static_cast<std::size_t>(EVP_MD_get_size(kind));
    // Without an encoding named: hexadecimal is twice as long as the digest, base64 is not.
    bool hex = stored.encoding == "HEX" || (stored.encoding.empty() && !scheme.salted && stored.hash.size() == size * 2);
    std::optional<std::string> bytes = hex ? decode_hex(stored.hash) : text::decode_base64(stored.hash);
    if (!bytes || size == 0 || bytes->size() < size || (scheme.salted ? bytes->size() == size : bytes->size() != size))
        return Check::unusable;
    std::string_view salt = std::string_view(*bytes).substr(size);
    std::string computed = compute_digest(scheme.detail, password, salt);
    return equal_in_constant_time(computed, std::string_view(*bytes).substr(0, size)) ? Check::match : Check::mismatch;
}

Check check_crypt(const Scheme& scheme, const StoredPassword& stored, std::string_view password) {
    // "!" and "*" lock an account; a hash of another kind than it claims is not what the administrator meant.
    if (stored.hash.size() < 13 || stored.hash.front() == '!' || stored.hash.front() == '*' ||
        !std::string_view(stored.hash).starts_with(scheme.detail))
        return Check::unusable;
    auto data = std::make_unique<crypt_data>();
    std::string copy(password);
    const char* computed = ::crypt_r(copy.c_str(), stored.hash.c_str(), data.get());
    OPENSSL_cleanse(copy.data(), copy.size());
    if (computed == nullptr || computed[0] == '*')
        return Check::unusable;
    bool same = equal_in_constant_time(computed, stored.hash);
    OPENSSL_cleanse(data.get(), sizeof(crypt_data));
    return same ? Check::match : Check::mismatch;
}

Check check_argon2(const Scheme& scheme, const StoredPassword& stored, std::string_view password) {
    if (!std::string_view(stored.hash).starts_with(scheme.detail))
        return Check::unusable;
    int result = scheme.name == "ARGON2I" ? ::argon2i_verify(stored.hash.c_str(), password.data(), password.size())
                                          : ::argon2id_verify(stored.hash.c_str(), password.data(), password.size());
    return result == ARGON2_OK ? Check::match : result == ARGON2_VERIFY_MISMATCH ? Check::mismatch : Check::unusable;
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

StoredPassword parse_stored(std::string_view text, std::string_view default_scheme) {
    StoredPassword stored;
    std::string_view scheme = default_scheme;
    std::size_t close = text.find('}');
    if (text.starts_with('{') && close != std::string_view::npos) {
        scheme = text.substr(1, close - 1);
        text.remove_prefix(close + 1);
    }
    std::size_t dot = scheme.find('.');
    stored.scheme = text::upper(scheme.substr(0, dot));
    if (dot != std::string_view::npos)
        stored.encoding = text::upper(scheme.substr(dot + 1));
    if (stored.encoding == "BASE64")
        stored.encoding = "B64";
    stored.hash = text;
    return stored;
}

Check check_password(const StoredPassword& stored, std::string_view password) {
    const Scheme* scheme = find_scheme(stored.scheme);
    // A NUL would end the password early inside crypt(3).
    if (scheme == nullptr || password.find('\0') != std::string_view::npos)
        return Check::unusable;
    switch (scheme->family) {
    case Family::plain: {
        // Digests of equal length are compared, so that not even the length of the password shows.
        std::string wanted = compute_digest("SHA256", stored.hash, "");
        std::string given = compute_digest("SHA256", password, "");
        return !wanted.empty() && equal_in_constant_time(wanted, given) ? Check::match : Check::mismatch;
    }
    case Family::crypt: return check_crypt(*scheme, stored, password);
    case Family::argon2: return check_argon2(*scheme, stored, password);
    case Family::digest: return check_digest(*scheme, stored, password);
    }
    return Check::unusable;
}

bool is_slow(const StoredPassword& stored) {
    const Scheme* scheme = find_scheme(stored.scheme);
    return scheme != nullptr && (scheme->family == Family::crypt || scheme->family == Family::argon2);
}

bool is_known_scheme(std::string_view scheme) { return find_scheme(text::upper(scheme)) != nullptr; }

std::expected<std::string, std::string> make_password(std::string_view name, std::string_view password) {
    std::string upper = text::upper(name);
    const Scheme* scheme = find_scheme(upper);
    if (scheme == nullptr)
        return std::unexpected("there is no password scheme " + std::string(name));
    if (password.find('\0') != std::string_view::npos)
        return std::unexpected(std::string("a password must not have a NUL in it"));
    if (scheme->family == Family::plain) {
        if (password.find_first_of(":\r\n") != std::string_view::npos)
            return std::unexpected(std::string("a PLAIN password must not have a colon or a line end in it"));
        return "{" + upper + "}" + std::string(password);
    }
    if (scheme->family != Family::crypt || scheme->name == "DES-CRYPT" || scheme->name == "MD5-CRYPT")
        return std::unexpected("passwords are not made with " + upper + " here; SHA512-CRYPT and BLF-CRYPT are");
    std::string_view prefix = scheme->name == "BLF-CRYPT" ? "$2b$" : scheme->detail.empty() ? "$6$" : scheme->detail;
    char salt[CRYPT_GENSALT_OUTPUT_SIZE];
    if (::crypt_gensalt_rn(std::string(prefix).c_str(), 0, nullptr, 0, salt, sizeof salt) == nullptr)
        return std::unexpected(std::string("no salt for the password: ") + std::strerror(errno));
    auto data = std::make_unique<crypt_data>();
    const char* hashed = ::crypt_r(std::string(password).c_str(), salt, data.get());
    if (hashed == nullptr || hashed[0] == '*')
        return std::unexpected(std::string("the password cannot be hashed"));
    return "{" + upper + "}" + hashed;
}

}  // namespace auth
