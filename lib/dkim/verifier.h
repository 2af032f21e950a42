// lib/dkim/verifier.h - all signatures of one message, verified while it streams through.
//
//     dkim::Verifier verifier(loop, resolver, keys, options);
//     for each piece of the message: verifier.feed(piece);
//     dkim::Verdict verdict = co_await verifier.finish();
//
// One pass: the header is kept (bounded), the body only runs through the hashes that its signatures want. The keys are asked
// for when the header is complete, so the DNS works while the body arrives. The ARC chain is validated in the same pass.
//
// Standards   RFC 6376, 6; RFC 8301; RFC 8463; RFC 8617, 5.2
// Failure     every outcome is a Result with its reason; nothing is logged.
// Lifetime    may be dropped at any time. Loop, resolver and key cache outlive it; header() and fields() live as long as it.
// Trust       the message is a stranger's. Octets of the header, signatures, names and lookups are bounded by Options; the
// rest
//             of a header that is too long is not looked at, and the verdict says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dkim/arc_chain.h"
#include "lib/dkim/body_hashes.h"
#include "lib/dkim/header_fields.h"
#include "lib/dkim/key_lookups.h"
#include "lib/dkim/result.h"
#include "lib/dkim/signature.h"
#include "lib/dkim/verify_key.h"

namespace dkim {

struct Options {
    std::int64_t now = 0;            // seconds since 1970; 0: the clock
    std::int64_t clock_skew = 3600;  // how far t= may lie ahead
    std::size_t max_signatures = 8;  // the rest is ignored, and counted
    std::size_t max_header = 1024 * 1024;
    std::size_t max_lookups = 60;    // different key names, DKIM and ARC together
    bool allow_body_length = false;  // whether a signature with l= may pass
    bool honour_test_mode = true;    // t=y: as if it were not signed (RFC 6376, 3.6.1)
    bool verify_dkim = true;
    bool verify_arc = true;
    KeyRules keys;
};

struct Params;
Options options_of(const Params& params);  // lib/dkim/params.h

struct Verdict {
    std::vector<Result> signatures;  // in the order of the header
    std::size_t ignored = 0;         // DKIM-Signature fields beyond max_signatures
    ArcVerdict arc;
};

class Verifier {
  public:
    Verifier(event::Loop& loop, dns::Resolver& resolver, KeyCache& keys, Options options);

    void feed(std::string_view octets);
    event::Task<Verdict> finish();

    // Complete after finish(), or as soon as header_is_complete().
    bool header_is_complete() const { return fields_.has_value(); }
    bool header_is_too_long() const { return too_long_; }
    const std::string& header() const { return header_; }
    const HeaderFields& fields() const { return *fields_; }

  private:
    struct Claim {
        const Field* field = nullptr;
        Signature signature;
        Result result;
        std::optional<Problem> problem;
        std::size_t hash = 0;  // in hashes_
        std::size_t key = 0;   // in lookups_
    };

    void end_header(std::size_t size);
    void begin_claim(const Field& field);
    std::optional<Problem> find_time_problem(const Signature& signature) const;
    std::optional<Problem> find_unsigned_twin(const Signature& signature) const;
    std::string header_hash(const Claim& claim) const;
    void judge(Claim& claim);
    std::int64_t now() const;

    Options options_;
    KeyCache& keys_;
    std::string header_;
    std::size_t searched_ = 0;
    bool too_long_ = false;
    std::optional<HeaderFields> fields_;
    std::vector<Claim> claims_;
    std::size_t ignored_ = 0;
    BodyHashes hashes_;
    KeyLookups lookups_;
    std::optional<ArcChain> arc_;
};

}  // namespace dkim
