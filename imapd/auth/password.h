// imapd/auth/password.h - password schemes, as "{SCHEME}hash" in a passwd-file.
//
// Schemes     PLAIN (CLEARTEXT), CRYPT and its kin MD5-CRYPT, SHA256-CRYPT, SHA512-CRYPT, BLF-CRYPT, ARGON2I,
//             ARGON2ID, SHA (SHA1), SHA256, SHA512, SSHA, SSHA256, SSHA512; with .b64 or .hex for another encoding.
// Failure     Check::unusable for a scheme or hash that makes no sense; never a match.
// Trust       the password comes from a stranger, its length is bounded by the caller. Comparison takes the same time
//             wherever the difference is. Nothing here logs.
// Threads     any.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace auth {

enum class Check { match, mismatch, unusable };

struct StoredPassword {
    std::string scheme;    // upper case, without braces and encoding
    std::string encoding;  // "", "B64", "HEX"
    std::string hash;
};

// "{SHA512-CRYPT}$6$..." or, with the default scheme, "$6$...".
StoredPassword parse_stored(std::string_view text, std::string_view default_scheme);

Check check_password(const StoredPassword& stored, std::string_view password);
// Whether checking takes so long that it belongs in the thread pool.
bool is_slow(const StoredPassword& stored);
bool is_known_scheme(std::string_view scheme);

// "{SHA512-CRYPT}$6$..." with a fresh salt. CRYPT kinds and PLAIN only.
std::expected<std::string, std::string> make_password(std::string_view scheme, std::string_view password);

bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace auth
