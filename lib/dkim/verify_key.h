// lib/dkim/verify_key.h - one signature against the key records that the DNS gave for it.
//
// Standards   RFC 6376, 6.1.2 and 6.1.3; RFC 8301, 3.2; RFC 8463
// Trust       records are strangers' text: at most kMaxKeyRecords of one name are tried.
#pragma once

#include <string>
#include <string_view>

#include "lib/dkim/crypto.h"
#include "lib/dkim/result.h"
#include "lib/dkim/signature.h"
#include "lib/dns/resolver.h"

namespace dkim {

inline constexpr std::size_t kMaxKeyRecords = 4;

struct KeyRules {
    unsigned min_rsa_bits = 1024;  // RFC 8301, 3.2
    unsigned max_rsa_bits = 4096;
};

struct KeyOutcome {
    Code code = Code::permerror;
    std::string reason;
    unsigned bits = 0;
    bool testing = false;
    bool strict = false;
};

KeyOutcome verify_with_keys(const Signature& signature, std::string_view header_hash, const dns::Answer<std::string>& answer,
    const KeyRules& rules, KeyCache& cache);

}  // namespace dkim
