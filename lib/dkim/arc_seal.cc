#include "lib/dkim/arc_seal.h"

#include <algorithm>
#include <utility>

#include "lib/text/text.h"

namespace dkim {
namespace {

Field as_field(std::string name, std::string_view text) {
    std::string_view raw = text;
    if (text.ends_with("\r\n"))
        text.remove_suffix(2);
    return Field{std::move(name), text.substr(text.find(':') + 1), raw};
}

}  // namespace

std::vector<authres::Result> collect_results(const HeaderFields& fields, std::string_view authserv_id) {
    std::vector<authres::Result> results;
    for (std::size_t place : fields.named("authentication-results")) {
        const auto header = authres::parse(fields.all()[place].body);
        if (!header || !text::equal_ignoring_case(header->authserv_id, authserv_id))
            continue;
        const std::size_t room = authres::kMaxResults - results.size();
        results.insert(results.end(), header->results.begin(),
            header->results.begin() + static_cast<std::ptrdiff_t>(std::min(room, header->results.size())));
    }
    return results;
}

ArcSealMaker::ArcSealMaker(SigningKey key, ArcSealOptions options)
    : key_(std::move(key)), options_(std::move(options)), tap_(Canon::relaxed) {}

std::string ArcSealMaker::algorithm() const { return key_.type == KeyType::rsa ? "rsa-sha256" : "ed25519-sha256"; }

void ArcSealMaker::end() {
    if (!std::exchange(ended_, true))
        tap_.finish();
}

std::expected<std::optional<std::string>, std::string> ArcSealMaker::begin(
    const ArcVerdict& chain, const std::string& authserv_id, const std::vector<authres::Result>& results) {
    end();
    if (tap_.too_long())
        return std::unexpected("the header is longer than " + std::to_string(kMaxSignedHeader) + " octets");
    const HeaderFields fields(tap_.header());
    const ArcSets sets = collect_arc_sets(fields);
    chain_ = chain.code;
    instance_ = static_cast<unsigned>(sets.sets.size()) + 1;
    // RFC 8617, 5.1.2: a failed chain gets no more sets from us than the one that says so, and here not even that: the
    // failure is in our Authentication-Results, and a seal over parts that are no sets has no defined text.
    if (chain_ == Code::fail || sets.problem || instance_ > kMaxArcSets)
        return std::nullopt;
    if (fields.named("from").empty())
        return std::unexpected("there is no From field to seal");

    const std::string number = std::to_string(instance_);
    results_ = "ARC-Authentication-Results: i=" + number + "; " +
               authres::format({.authserv_id = authserv_id, .version = 1, .results = results}) + "\r\n";
    std::vector<std::string> names = options_.names;
    if (names.empty())
        names = names_to_sign(fields, default_signed_names(), default_oversigned_names());

    // The tags in the order of their names, as most others do; the order is free.
    TagWriter tags("ARC-Message-Signature");
    tags.add("a", algorithm());
    tags.add_signature();
    tags.add("bh", text::encode_base64(tap_.body_hash()));
    tags.add("c", "relaxed/relaxed");
    tags.add("d", key_.domain);
    tags.add_names("h", names);
    tags.add("i", number);
    tags.add("s", key_.selector);
    if (options_.now != 0)
        tags.add("t", std::to_string(options_.now));
    unsigned_message_ = tags.finish();
    std::string text;
    for (const Field* field : fields.select(names))
        append_canonical(text, Canon::relaxed, *field);
    append_unsigned(text, Canon::relaxed, unsigned_field("arc-message-signature", unsigned_message_), 0, 0);
    unsigned_message_.hash = Sha256::of(text);
    return unsigned_message_.hash;
}

std::string ArcSealMaker::seal(std::string_view message_signature) {
    // The seal covers this field with the blanks inside b=. In one line, nobody's idea of folding can matter; a key of 4096
    // bits stays below the 998 octets of RFC 5322, 2.1.1.
    message_ = complete(unsigned_message_, message_signature, Fold::one_line);
    TagWriter tags("ARC-Seal");
    tags.add("a", algorithm());
    tags.add_signature();
    tags.add("cv", chain_ == Code::none ? "none" : "pass");
    tags.add("d", key_.domain);
    tags.add("i", std::to_string(instance_));
    tags.add("s", key_.selector);
    if (options_.now != 0)
        tags.add("t", std::to_string(options_.now));
    unsigned_seal_ = tags.finish();

    const HeaderFields fields(tap_.header());
    ArcSets sets = collect_arc_sets(fields);
    const Field results = as_field("arc-authentication-results", results_);
    const Field message = as_field("arc-message-signature", message_);
    const Field seal = unsigned_field("arc-seal", unsigned_seal_);
    sets.sets.push_back({&results, &message, &seal});
    unsigned_seal_.hash = Sha256::of(sealed_text(sets.sets, sets.sets.size(), 0, 0));
    return unsigned_seal_.hash;
}

std::string ArcSealMaker::finish(std::string_view seal_signature) {
    return complete(unsigned_seal_, seal_signature) + message_ + results_;
}

}  // namespace dkim
