// lib/dkim/arc_chain.h - the chain of ARC sets in a message's header, validated.
//
// Each host that handles a message on its way may add a set: what it found out about it (AAR), a signature over the message
// as it was then (AMS), and a seal over all sets so far (AS). A chain is valid as a whole or not at all.
//
// Standards   RFC 8617, 4 and 5.2
// Failure     the verdict is fail with a reason; what the DNS cannot answer is also fail (RFC 8617, 5.2.2), but said apart.
// Lifetime    refers to the fields, hashes and lookups that it was made with.
// Trust       header of strangers: at most kMaxArcSets sets, more are a failed chain.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dkim/body_hashes.h"
#include "lib/dkim/header_fields.h"
#include "lib/dkim/key_lookups.h"
#include "lib/dkim/result.h"
#include "lib/dkim/signature.h"
#include "lib/dkim/verify_key.h"

namespace dkim {

inline constexpr unsigned kMaxArcSets = 50;  // RFC 8617, 4.2.1

struct ArcSealer {
    unsigned instance = 0;
    std::string domain;  // d= of the seal
    std::string selector;
    std::string results;  // what stands behind "i=N;" in the AAR: authserv-id and results, folded as it was
};

struct ArcVerdict {
    Code code = Code::none;  // none, pass or fail
    std::string reason;
    bool dns_trouble = false;        // fail only because a key could not be fetched
    std::vector<ArcSealer> sealers;  // instance 1 first; filled as far as the sets are well formed
};

// A set as it stands in the header.
struct ArcSet {
    const Field* results = nullptr;
    const Field* message = nullptr;
    const Field* seal = nullptr;
};

struct ArcSets {
    std::vector<ArcSet> sets;            // instance 1 first
    std::optional<std::string> problem;  // why they are no chain
};
// All sets in order. No problem and no sets: there is no ARC here.
ArcSets collect_arc_sets(const HeaderFields& fields);

// The text over which the seal of the last set is made: all sets up to it, its own b= left out.
std::string sealed_text(const std::vector<ArcSet>& sets, std::size_t count, std::size_t value_begin, std::size_t value_end);

// The text behind "i=N;".
std::string_view arc_results_text(std::string_view body);

class ArcChain {
  public:
    // Begins to ask for the keys, and orders the hash that the newest AMS needs.
    ArcChain(const HeaderFields& fields, BodyHashes& hashes, KeyLookups& lookups, bool allow_body_length);
    // After the hashes are finished and the lookups awaited.
    ArcVerdict judge(const KeyRules& rules, KeyCache& cache) const;

  private:
    struct Seal {
        Signature signature;
        std::size_t key = 0;
    };
    std::optional<std::string> read_seals();
    std::optional<std::string> read_message_signature(BodyHashes& hashes, bool allow_body_length);
    std::optional<Problem> check_message_signature(const KeyRules& rules, KeyCache& cache) const;

    const HeaderFields& fields_;
    const BodyHashes& hashes_;
    KeyLookups& lookups_;
    ArcSets sets_;
    std::vector<Seal> seals_;
    Signature message_;
    std::size_t message_key_ = 0;
    std::size_t message_hash_ = 0;
};

}  // namespace dkim
