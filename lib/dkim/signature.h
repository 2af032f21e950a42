// lib/dkim/signature.h - the tags of a DKIM-Signature or ARC-Message-Signature, checked as far as they can be alone.
//
// Standards   RFC 6376, 3.5 and 6.1.1; RFC 8301; RFC 8463; RFC 8616; RFC 8617, 4.1.2
// Failure     a Problem; what could be read of the tags is in the signature all the same, for reports.
// Lifetime    values own their text.
// Trust       the field comes from a stranger: names in h= and lengths of names are bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dkim/result.h"

namespace dkim {

class TagList;

inline constexpr std::size_t kMaxSignedNames = 1000;

enum class Algorithm { unknown, rsa_sha256, ed25519_sha256, rsa_sha1 };
enum class Canon { simple, relaxed };
enum class SignatureKind { dkim, arc_message };

struct Signature {
    Algorithm algorithm = Algorithm::unknown;
    std::string algorithm_text;
    std::string value;       // b=, decoded
    std::string value_text;  // b=, without blanks
    std::string body_hash;   // bh=, decoded
    Canon header_canon = Canon::simple;
    Canon body_canon = Canon::simple;
    std::string domain;  // lower case
    std::string selector;
    std::string identity;
    std::vector<std::string> names;  // h=, lower case
    std::optional<std::uint64_t> body_length;
    std::optional<std::uint64_t> timestamp;
    std::optional<std::uint64_t> expiration;
    std::size_t value_begin = 0;  // where b='s value stands in the field's body
    std::size_t value_end = 0;

    // Where its key is: selector._domainkey.domain, in A-labels. Empty where the name cannot be one.
    std::string key_name() const;
};

std::optional<Problem> parse_signature(std::string_view body, SignatureKind kind, Signature& out);

// The parts that signatures and seals have in common.
std::optional<Problem> parse_algorithm(const TagList& tags, Signature& out);
std::optional<Problem> parse_signer(const TagList& tags, Signature& out);
std::optional<Problem> parse_value(const TagList& tags, Signature& out);

// A domain name in A-labels and lower case; none where it is no legal one.
std::optional<std::string> to_a_labels(std::string_view domain);

}  // namespace dkim
