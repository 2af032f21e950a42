// lib/dkim/result.h - what verification says about one signature.
//
// Standards   RFC 8601, 2.7.1: pass, fail, policy, neutral, temperror, permerror
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dkim {

enum class Code {
    none,  // there is no signature
    pass,
    fail,       // header or body are not what was signed
    policy,     // it may be right, but is not good enough here: short key, sha1, l=, a second From that nobody signed
    neutral,    // the owner of the key says that it does not count yet (t=y)
    temperror,  // the key could not be fetched: later perhaps
    permerror,  // no legal signature, or no key
};

std::string_view code_name(Code code);

// Why a signature is not accepted.
struct Problem {
    Code code = Code::permerror;
    std::string reason;
};

// The tags are as the signature says, cut to what a log can bear; they are a stranger's words until the code is pass.
struct Result {
    Code code = Code::none;
    std::string reason;     // for people and for the comment in Authentication-Results; empty for a plain pass
    std::string domain;     // d=, lower case
    std::string selector;   // s=
    std::string identity;   // i=, or "@" and the domain
    std::string algorithm;  // a=
    std::string signature;  // b=, its first octets in base64: tells signatures of one domain apart (RFC 6008)
    unsigned key_bits = 0;  // 0 where no key was found
    bool testing = false;   // t=y in the key record
    bool has_body_length = false;
    std::uint64_t unsigned_octets = 0;  // behind what l= covers
};

}  // namespace dkim
