// lib/dkim/key_record.h - the TXT record at selector._domainkey.domain.
//
// Standards   RFC 6376, 3.6.1 and 6.1.2; RFC 8463, 4
// Failure     a reason; a record that is no key record, a revoked key, or one for something else than mail and sha256.
// Trust       the record is the signer's, and so a stranger's: longer than kMaxKeyRecord is refused.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace dkim {

inline constexpr std::size_t kMaxKeyRecord = 8192;

enum class KeyType { rsa, ed25519 };

struct KeyRecord {
    KeyType type = KeyType::rsa;
    std::string data;      // p=, decoded
    bool testing = false;  // t=y
    bool strict = false;   // t=s: the domain of i= must be that of d=
};

std::expected<KeyRecord, std::string> parse_key_record(std::string_view text);

}  // namespace dkim
