#include "lib/dkim/verifier.h"

#include <algorithm>
#include <chrono>

#include "lib/time/clock.h"

namespace dkim {
namespace {

// RFC 5322, 3.6: at most once in a message. A second one that nobody signed is an attempt to show the reader something else
// than what the signature vouches for (RFC 6376, 8.15).
constexpr std::string_view kSingleFields[] = {
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
};

constexpr std::size_t kShown = 256;  // of a stranger's tag, in results

void describe(const Signature& signature, Result& result) {
    result.domain = signature.domain.substr(0, kShown);
    result.selector = signature.selector.substr(0, kShown);
    result.identity = signature.identity.substr(0, kShown);
    result.algorithm = signature.algorithm_text.substr(0, 40);
    result.signature = signature.value_text.substr(0, 8);
}

}  // namespace

Verifier::Verifier(event::Loop& loop, dns::Resolver& resolver, KeyCache& keys, Options options)
    : options_(options), keys_(keys), lookups_(loop, resolver, options.max_lookups) {}

std::int64_t Verifier::now() const {
    if (options_.now != 0)
        return options_.now;
    return wall_clock::now_seconds();
}

void Verifier::feed(std::string_view octets) {
    if (fields_) {
        hashes_.feed(octets);
        return;
    }
    if (too_long_)
        return;
    header_ += octets;
    // The empty line may begin in an earlier piece.
    std::size_t end = std::string::npos;
    if (header_.starts_with("\r\n")) {
        end = 0;
    } else {
        const std::size_t found = header_.find("\r\n\r\n", searched_);
        if (found != std::string::npos)
            end = found + 2;
    }
    searched_ = header_.size() < 3 ? 0 : header_.size() - 3;
    if (std::min(end, header_.size()) > options_.max_header) {
        too_long_ = true;
        header_.clear();
        header_.shrink_to_fit();
        return;
    }
    if (end == std::string::npos)
        return;
    const std::string rest = header_.substr(end + 2);
    end_header(end);
    hashes_.feed(rest);
}

void Verifier::end_header(std::size_t size) {
    header_.resize(size);
    header_.shrink_to_fit();
    fields_.emplace(header_);
    if (options_.verify_dkim) {
        const auto& places = fields_->named("dkim-signature");
        const std::size_t count = std::min(places.size(), options_.max_signatures);
        ignored_ = places.size() - count;
        for (std::size_t i = 0; i < count; ++i)
            begin_claim(fields_->all()[places[i]]);
    }
    if (options_.verify_arc)
        arc_.emplace(*fields_, hashes_, lookups_, options_.allow_body_length);
}

void Verifier::begin_claim(const Field& field) {
    Claim claim;
    claim.field = &field;
    claim.problem = parse_signature(field.body, SignatureKind::dkim, claim.signature);
    describe(claim.signature, claim.result);
    if (!claim.problem)
        claim.problem = find_time_problem(claim.signature);
    if (!claim.problem) {
        const std::string name = claim.signature.key_name();
        const auto key = name.empty() ? std::nullopt : lookups_.ask(name);
        if (key)
            claim.key = *key;
        else
            claim.problem = Problem{
                Code::permerror, name.empty() ? "d= and s= are no domain name" : "too many keys to look up"};
    }
    if (!claim.problem)
        claim.hash = hashes_.add(claim.signature.body_canon, claim.signature.body_length);
    claims_.push_back(std::move(claim));
}

std::optional<Problem> Verifier::find_time_problem(const Signature& signature) const {
    const std::int64_t time = now();
    if (signature.expiration && static_cast<std::int64_t>(*signature.expiration) < time)
        return Problem{Code::permerror, "the signature has expired"};
    if (signature.timestamp && static_cast<std::int64_t>(*signature.timestamp) > time + options_.clock_skew)
        return Problem{Code::permerror, "the signature is from the future"};
    return std::nullopt;
}

std::optional<Problem> Verifier::find_unsigned_twin(const Signature& signature) const {
    for (std::string_view name : kSingleFields) {
        const auto mentions = static_cast<std::size_t>(std::count(signature.names.begin(), signature.names.end(), name));
        const std::size_t present = fields_->named(name).size();
        if (mentions > 0 && present > mentions)
            return Problem{Code::policy, "one more " + std::string(name) + " field is there than was signed"};
    }
    return std::nullopt;
}

std::string Verifier::header_hash(const Claim& claim) const {
    const Signature& signature = claim.signature;
    std::string text;
    text.reserve(4096);
    for (const Field* field : fields_->select(signature.names))
        append_canonical(text, signature.header_canon, *field);
    append_unsigned(text, signature.header_canon, *claim.field, signature.value_begin, signature.value_end);
    return Sha256::of(text);
}

void Verifier::judge(Claim& claim) {
    Result& result = claim.result;
    const Signature& signature = claim.signature;
    const auto set = [&](Code code, std::string reason) {
        result.code = code;
        result.reason = std::move(reason);
    };
    if (claim.problem)
        return set(claim.problem->code, claim.problem->reason);
    result.has_body_length = signature.body_length.has_value();
    result.unsigned_octets = hashes_.behind(claim.hash);
    if (hashes_.too_short(claim.hash))
        return set(Code::permerror, "l= is more than the body has");
    if (hashes_.hash(claim.hash) != signature.body_hash)
        return set(Code::fail, "the body is not what was signed");
    KeyOutcome outcome = verify_with_keys(signature, header_hash(claim), lookups_.answer(claim.key), options_.keys, keys_);
    result.key_bits = outcome.bits;
    result.testing = outcome.testing;
    set(outcome.code, std::move(outcome.reason));
    if (outcome.strict && signature.identity.substr(signature.identity.rfind('@') + 1) != signature.domain)
        return set(Code::permerror, "i= is below d=, and the key (t=s) does not allow that");
    if (result.code == Code::pass && result.has_body_length && !options_.allow_body_length)
        return set(Code::policy, "l= leaves the end of the body unsigned");
    if (result.code == Code::pass) {
        if (auto problem = find_unsigned_twin(signature))
            return set(problem->code, problem->reason);
    }
    if (outcome.testing && options_.honour_test_mode && (result.code == Code::pass || result.code == Code::fail))
        set(Code::neutral, result.code == Code::pass ? "verified, but the key is in test mode (t=y)"
                                                     : result.reason + "; the key is in test mode (t=y)");
}

event::Task<Verdict> Verifier::finish() {
    Verdict verdict;
    if (too_long_) {
        Result result;
        result.code = Code::permerror;
        result.reason = "the header is longer than " + std::to_string(options_.max_header) + " octets";
        verdict.signatures.push_back(std::move(result));
        verdict.arc.reason = verdict.signatures.front().reason;
        co_return verdict;
    }
    if (!fields_)
        end_header(header_.size());  // RFC 5322, 2.1: a message may have no body
    hashes_.finish();
    co_await lookups_.wait();
    for (Claim& claim : claims_) {
        judge(claim);
        verdict.signatures.push_back(claim.result);
    }
    verdict.ignored = ignored_;
    if (arc_)
        verdict.arc = arc_->judge(options_.keys, keys_);
    co_return verdict;
}

}  // namespace dkim
