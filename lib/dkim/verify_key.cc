#include "lib/dkim/verify_key.h"

#include <algorithm>

namespace dkim {
namespace {

KeyOutcome try_record(const Signature& signature, std::string_view header_hash, std::string_view text, const KeyRules& rules,
    KeyCache& cache) {
    KeyOutcome outcome;
    const auto record = parse_key_record(text);
    if (!record) {
        outcome.reason = record.error();
        return outcome;
    }
    outcome.testing = record->testing;
    outcome.strict = record->strict;
    const KeyType wanted = signature.algorithm == Algorithm::rsa_sha256 ? KeyType::rsa : KeyType::ed25519;
    if (record->type != wanted) {
        outcome.reason = "the key is of another type than a=";
        return outcome;
    }
    const auto key = cache.load(*record);
    if (!key) {
        outcome.reason = "bad key record: " + key.error();
        return outcome;
    }
    outcome.bits = key->bits();
    if (wanted == KeyType::rsa && (outcome.bits < rules.min_rsa_bits || outcome.bits > rules.max_rsa_bits)) {
        outcome.code = Code::policy;
        outcome.reason = "a key of " + std::to_string(outcome.bits) + " bits is too " +
                         (outcome.bits < rules.min_rsa_bits ? "short" : "long");
        return outcome;
    }
    if (key->has_huge_exponent()) {
        outcome.code = Code::policy;
        outcome.reason = "the key's exponent is too long";
        return outcome;
    }
    const bool good = key->verifies(header_hash, signature.value);
    outcome.code = good ? Code::pass : Code::fail;
    outcome.reason = good ? "" : "the signature does not fit the header";
    return outcome;
}

// Of several records that do not help, the one that came farthest is worth telling about.
int rank(Code code) { return code == Code::pass ? 3 : code == Code::fail ? 2 : code == Code::policy ? 1 : 0; }

}  // namespace

KeyOutcome verify_with_keys(const Signature& signature, std::string_view header_hash, const dns::Answer<std::string>& answer,
    const KeyRules& rules, KeyCache& cache) {
    KeyOutcome best;
    switch (answer.status) {
    case dns::Status::temporary_failure:
        return {Code::temperror, "the key cannot be fetched: " + answer.reason, 0, false, false};
    case dns::Status::bogus:
        return {Code::temperror, "DNSSEC does not vouch for the key: " + answer.reason, 0, false, false};
    case dns::Status::does_not_exist: return {Code::permerror, "there is no key", 0, false, false};
    case dns::Status::found: break;
    }
    best.reason = "there is no key";
    const std::size_t count = std::min(answer.records.size(), kMaxKeyRecords);
    for (std::size_t i = 0; i < count; ++i) {
        KeyOutcome outcome = try_record(signature, header_hash, answer.records[i], rules, cache);
        if (i == 0 || rank(outcome.code) > rank(best.code))
            best = std::move(outcome);
        if (best.code == Code::pass)
            break;
    }
    return best;
}

}  // namespace dkim
