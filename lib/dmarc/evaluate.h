// lib/dmarc/evaluate.h - DMARC's verdict about one message.
//
//     dmarc::Verdict verdict = co_await dmarc::evaluate(resolver, suffixes, input, options);
//     if (verdict.disposition == dmarc::Policy::reject) ...
//
// Standards   RFC 7489, 3.1, 4.1 and 6.6; RFC 9989; RFC 9091; RFC 8617, 7.2.1 (what ARC may override)
// Failure     temperror where the DNS does not answer; the disposition is none then.
// Trust       everything in the input is the message's own claim, except the results of SPF, DKIM and ARC. Several authors
//             are each judged, and the strictest verdict holds.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lib/authres/authres.h"
#include "lib/dkim/arc_chain.h"
#include "lib/dkim/header_fields.h"
#include "lib/dkim/result.h"
#include "lib/dmarc/discovery.h"
#include "lib/dmarc/record.h"

namespace dmarc {

inline constexpr std::size_t kMaxAuthors = 5;

enum class Code { none, pass, fail, temperror, permerror };
std::string_view code_name(Code code);

struct Input {
    std::vector<std::string_view> from;  // bodies of the From fields
    bool spf_passed = false;
    std::string spf_domain;  // of MAIL FROM, or HELO for the null sender
    const std::vector<dkim::Result>* dkim = nullptr;
    const dkim::ArcVerdict* arc = nullptr;
    std::string exempt;  // why this host lets the message be, whatever DMARC says; empty: it does not
    unsigned dice = 0;   // 0 to 99 at random: pct= of 30 lets 30 and more go
};
// The From fields of a message.
std::vector<std::string_view> from_bodies(const dkim::HeaderFields& fields);

struct Options {
    Method method = Method::public_suffix_list;
    std::vector<std::string> trusted_sealers;  // domains whose ARC seals are believed
};

struct Params;
// lib/dmarc/params.h; the error names the parameter.
std::expected<Options, std::string> options_of(const Params& params);

// RFC 7489, appendix C: PolicyOverrideType, and its comment.
struct Override {
    std::string type;  // "local_policy", "sampled_out", "trusted_forwarder", "policy_test_mode"
    std::string comment;
};

struct Verdict {
    Code code = Code::none;
    std::string reason;         // for people
    std::string author_domain;  // whose policy decided; the first author where there is none
    std::string policy_domain;  // where the record is; empty: there is none
    Record record;
    Policy published = Policy::none;    // that p=, sp= or np= wants
    std::string_view tag = "p";         // which of them
    Policy disposition = Policy::none;  // what is to be done, after everything that softens it
    std::vector<Override> overrides;
    bool dkim_aligned = false;  // and passed
    bool spf_aligned = false;   // and passed
};

event::Task<Verdict> evaluate(
    dns::Resolver& resolver, const PublicSuffixes& suffixes, const Input& input, const Options& options);

// "dmarc=fail (p=reject) header.from=example.test"
authres::Result format_result(const Verdict& verdict);

// Whether an unbroken run of trusted sealers, from the last one back, vouches that DMARC passed before the message was
// changed; the domain of the sealer that says so.
std::string find_trusted_pass(const dkim::ArcVerdict& arc, const std::vector<std::string>& trusted_sealers);

}  // namespace dmarc
