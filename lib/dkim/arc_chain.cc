#include "lib/dkim/arc_chain.h"

#include "lib/authres/scanner.h"
#include "lib/dkim/tag_list.h"
#include "lib/text/text.h"

namespace dkim {
namespace {

std::optional<unsigned> parse_instance(std::string_view digits) {
    const auto number = digits.size() <= 4 ? text::parse_number(digits) : std::nullopt;
    if (!number || *number == 0 || *number > kMaxArcSets)
        return std::nullopt;
    return static_cast<unsigned>(*number);
}

// i= of a seal or message signature.
std::optional<unsigned> tag_instance(std::string_view body) {
    const auto tags = TagList::parse(body);
    return tags ? parse_instance(tags->value("i")) : std::nullopt;
}

struct ResultsStart {
    std::optional<unsigned> instance;
    std::size_t behind = 0;  // where the authserv-id begins
};

// RFC 8617, 4.1.1: "i=N;" and then what Authentication-Results has.
ResultsStart parse_results_start(std::string_view body) {
    authres::Scanner scanner(body);
    ResultsStart start;
    scanner.skip_cfws();
    if (scanner.take_keyword() != "i")
        return start;
    scanner.skip_cfws();
    if (!scanner.take('='))
        return start;
    scanner.skip_cfws();
    const auto number = scanner.take_number();
    scanner.skip_cfws();
    if (!number || !scanner.take(';'))
        return start;
    start.instance = parse_instance(std::to_string(*number));
    start.behind = scanner.position();
    return start;
}

std::optional<std::string> place(
    ArcSets& sets, const Field& field, std::optional<unsigned> instance, const Field* ArcSet::*member, const char* what) {
    if (!instance)
        return std::string(what) + " has no instance between 1 and " + std::to_string(kMaxArcSets);
    if (sets.sets.size() < *instance)
        sets.sets.resize(*instance);
    const Field*& slot = sets.sets[*instance - 1].*member;
    if (slot != nullptr)
        return std::string(what) + " of instance " + std::to_string(*instance) + " is there twice";
    slot = &field;
    return std::nullopt;
}

}  // namespace

std::string_view arc_results_text(std::string_view body) {
    return text::trim(body.substr(parse_results_start(body).behind));
}

ArcSets collect_arc_sets(const HeaderFields& fields) {
    ArcSets found;
    for (const Field& field : fields.all()) {
        std::optional<std::string> problem;
        if (field.name == "arc-authentication-results")
            problem = place(
                found, field, parse_results_start(field.body).instance, &ArcSet::results, "an ARC-Authentication-Results");
        else if (field.name == "arc-message-signature")
            problem = place(found, field, tag_instance(field.body), &ArcSet::message, "an ARC-Message-Signature");
        else if (field.name == "arc-seal")
            problem = place(found, field, tag_instance(field.body), &ArcSet::seal, "an ARC-Seal");
        if (problem && !found.problem)
            found.problem = std::move(problem);
    }
    for (std::size_t i = 0; i < found.sets.size() && !found.problem; ++i) {
        const ArcSet& set = found.sets[i];
        if (set.results == nullptr || set.message == nullptr || set.seal == nullptr)
            found.problem = "the set of instance " + std::to_string(i + 1) + " is not complete";
    }
    return found;
}

std::string sealed_text(const std::vector<ArcSet>& sets, std::size_t count, std::size_t value_begin, std::size_t value_end) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        append_canonical(text, Canon::relaxed, *sets[i].results);
        append_canonical(text, Canon::relaxed, *sets[i].message);
        if (i + 1 < count)
            append_canonical(text, Canon::relaxed, *sets[i].seal);
        else
            append_unsigned(text, Canon::relaxed, *sets[i].seal, value_begin, value_end);
    }
    return text;
}

ArcChain::ArcChain(const HeaderFields& fields, BodyHashes& hashes, KeyLookups& lookups, bool allow_body_length)
    : fields_(fields), hashes_(hashes), lookups_(lookups), sets_(collect_arc_sets(fields)) {
    if (sets_.problem || sets_.sets.empty())
        return;
    sets_.problem = read_seals();
    if (!sets_.problem)
        sets_.problem = read_message_signature(hashes, allow_body_length);
}

std::optional<std::string> ArcChain::read_seals() {
    for (std::size_t i = 0; i < sets_.sets.size(); ++i) {
        const std::string which = "the ARC-Seal of instance " + std::to_string(i + 1) + ": ";
        const auto tags = TagList::parse(sets_.sets[i].seal->body);
        if (!tags)
            return which + tags.error();
        Seal seal;
        if (tags->find("h") != nullptr)
            return which + "h= has no place in it";  // RFC 8617, 4.1.3
        for (auto* parse : {parse_signer, parse_value, parse_algorithm})
            if (auto problem = parse(*tags, seal.signature))
                return which + problem->reason;
        if (const Tag* time = tags->find("t");
            time != nullptr && (time->value.size() > 12 || !text::parse_number(time->value)))
            return which + "t= is no time";
        const std::string cv = text::lower(tags->value("cv"));
        if (cv != (i == 0 ? "none" : "pass"))  // RFC 8617, 5.2, step 3
            return which + "cv= is not " + (i == 0 ? "none" : "pass");
        const auto key = lookups_.ask(seal.signature.key_name());
        if (!key)
            return "too many keys to look up";
        seal.key = *key;
        seals_.push_back(std::move(seal));
    }
    return std::nullopt;
}

std::optional<std::string> ArcChain::read_message_signature(BodyHashes& hashes, bool allow_body_length) {
    const std::string which = "the ARC-Message-Signature of instance " + std::to_string(sets_.sets.size()) + ": ";
    if (auto problem = parse_signature(sets_.sets.back().message->body, SignatureKind::arc_message, message_))
        return which + problem->reason;
    if (message_.body_length && !allow_body_length)
        return which + "l= leaves the end of the body unsigned";
    const auto key = lookups_.ask(message_.key_name());
    if (!key)
        return "too many keys to look up";
    message_key_ = *key;
    message_hash_ = hashes.add(message_.body_canon, message_.body_length);
    return std::nullopt;
}

std::optional<Problem> ArcChain::check_message_signature(const KeyRules& rules, KeyCache& cache) const {
    const std::string which = "the ARC-Message-Signature of instance " + std::to_string(sets_.sets.size()) + ": ";
    if (hashes_.too_short(message_hash_) || hashes_.hash(message_hash_) != message_.body_hash)
        return Problem{Code::fail, which + "the body is not what was signed"};
    std::string text;
    for (const Field* field : fields_.select(message_.names))
        append_canonical(text, message_.header_canon, *field);
    append_unsigned(text, message_.header_canon, *sets_.sets.back().message, message_.value_begin, message_.value_end);
    const KeyOutcome outcome = verify_with_keys(message_, Sha256::of(text), lookups_.answer(message_key_), rules, cache);
    if (outcome.code != Code::pass)
        return Problem{outcome.code, which + outcome.reason};
    return std::nullopt;
}

ArcVerdict ArcChain::judge(const KeyRules& rules, KeyCache& cache) const {
    ArcVerdict verdict;
    if (sets_.sets.empty() && !sets_.problem)
        return verdict;
    for (std::size_t i = 0; i < seals_.size(); ++i)
        verdict.sealers.push_back({static_cast<unsigned>(i + 1), seals_[i].signature.domain, seals_[i].signature.selector,
            std::string(arc_results_text(sets_.sets[i].results->body))});
    const auto fail = [&](const Problem& problem) {
        verdict.code = Code::fail;
        verdict.reason = problem.reason;
        verdict.dns_trouble = problem.code == Code::temperror;
        return verdict;
    };
    if (sets_.problem)
        return fail({Code::fail, *sets_.problem});
    if (auto problem = check_message_signature(rules, cache))
        return fail(*problem);
    for (std::size_t i = seals_.size(); i-- > 0;) {
        const Signature& seal = seals_[i].signature;
        const std::string text = sealed_text(sets_.sets, i + 1, seal.value_begin, seal.value_end);
        const KeyOutcome outcome = verify_with_keys(seal, Sha256::of(text), lookups_.answer(seals_[i].key), rules, cache);
        if (outcome.code != Code::pass)
            return fail({outcome.code, "the ARC-Seal of instance " + std::to_string(i + 1) + ": " + outcome.reason});
    }
    verdict.code = Code::pass;
    return verdict;
}

}  // namespace dkim
