#include "cleanup/sealing.h"

#include <algorithm>
#include <chrono>

#include "lib/log/log.h"
#include "lib/text/text.h"
#include "lib/time/clock.h"

namespace cleanup {
namespace {

using ipc::records::SignAnswer;
using ipc::records::SignReply;
using ipc::records::SignRequest;

dkim::ArcSealOptions seal_options() {
    dkim::ArcSealOptions options;
    options.now = wall_clock::now_seconds();
    return options;
}

// Written when a message went on inside of the house: by lmtpd ("from host ([address])"; smtpd has the client's name in
// front of the brackets) or by cleanup for a redirected message ("by host", and no user id, which all of sendmail's mail
// has).
bool is_inside(std::string_view received, const SealSite& site) {
    const std::vector<std::string_view> words = text::split(received, " \t\r\n");
    const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string_view{}; };
    if (word(0) == "by")
        return word(1) == site.myhostname && received.find(", from userid ") == std::string_view::npos;
    return word(0) == "from" && word(2).starts_with("([") && word(3) == "by" && word(4) == site.myhostname;
}

std::string_view result_of(const std::vector<authres::Result>& results, std::string_view method) {
    const auto found = std::find_if(
        results.begin(), results.end(), [&](const authres::Result& r) { return r.method == method; });
    return found == results.end() ? std::string_view{} : std::string_view{found->result};
}

dkim::SigningKey signing_key(const dkim::SealKey& key) { return {key.domain, key.selector, dkim::KeyType::rsa, ""}; }

}  // namespace

std::optional<std::vector<authres::Result>> find_arrival_results(const dkim::HeaderFields& fields, const SealSite& site) {
    std::optional<std::vector<authres::Result>> found;
    for (const dkim::Field& field : fields.all()) {
        if (field.name == "received") {
            if (!is_inside(field.body, site))
                return found;
            found.reset();
        } else if (field.name == "authentication-results") {
            auto header = authres::parse(field.body);
            if (header && text::equal_ignoring_case(header->authserv_id, site.authserv_id))
                found = std::move(header->results);
        } else if (field.name != "received-spf" && field.name != "x-quarantine") {
            found.reset();
        }
    }
    return std::nullopt;
}

Sealing::Sealing(SigningHouse& house, SealSite site)
    : house_{house},
      site_{std::move(site)},
      key_{house.seal_key().value_or(dkim::SealKey{})},
      maker_{signing_key(key_), seal_options()} {}

// What was found out on arrival, and the state of the chain according to it; the error is why this message is not sealed.
std::expected<Sealing::Basis, std::string> Sealing::find_basis(const std::string& prepend) const {
    const std::string header = prepend + maker_.header();
    const dkim::HeaderFields fields{header};
    const auto results = find_arrival_results(fields, site_);
    Basis basis;
    basis.results = results.value_or(std::vector<authres::Result>{});
    const bool sealed_before = !fields.named("arc-seal").empty() || !fields.named("arc-message-signature").empty() ||
                               !fields.named("arc-authentication-results").empty();
    const std::string_view arc = result_of(basis.results, "arc");
    if (arc == "fail")
        return std::unexpected("its ARC chain was broken when it arrived");
    if (sealed_before != (arc == "pass"))
        return std::unexpected(sealed_before ? "it has ARC fields, and no Authentication-Results of this host say arc=pass"
                                             : "the ARC fields that it had when it arrived are gone");
    basis.chain.code = sealed_before ? dkim::Code::pass : dkim::Code::none;
    return basis;
}

std::expected<std::optional<std::string>, std::string> Sealing::begin(const Basis& basis, dkim::KeyType type) {
    maker_.use_key_type(type);
    return maker_.begin(basis.chain, site_.authserv_id, basis.results);
}

// A signature; which of the hashes it is over depends on the key, see algorithm_.
event::Task<std::expected<std::string, std::string>> Sealing::ask(std::string rsa_hash, std::string ed25519_hash) {
    SignRequest request;
    request.items.push_back({key_.file, std::move(rsa_hash), std::move(ed25519_hash)});
    std::expected<SignReply, std::string> reply = co_await house_.ask(std::move(request));
    if (!reply)
        co_return std::unexpected(reply.error());
    SignAnswer& answer = reply->answers.front();
    if (answer.signature.empty() || (answer.algorithm != "rsa-sha256" && answer.algorithm != "ed25519-sha256"))
        co_return std::unexpected(answer.reason.empty() ? std::string("the signer gave no signature") : answer.reason);
    algorithm_ = answer.algorithm;
    co_return std::move(answer.signature);
}

event::Task<Sealing::Outcome> Sealing::seal(Basis basis, std::string queue_id) {
    Outcome outcome;
    const auto rsa = begin(basis, dkim::KeyType::rsa);
    const auto ed25519 = begin(basis, dkim::KeyType::ed25519);
    if (!rsa || !*rsa || !ed25519 || !*ed25519) {
        logging::warning(
            "{}: not sealed: {}", queue_id, rsa ? "its ARC sets are no chain that can be continued" : rsa.error());
        co_return outcome;
    }
    std::string rsa_hash = **rsa, ed25519_hash = **ed25519;
    const std::expected<std::string, std::string> message_signature = co_await ask(
        std::move(rsa_hash), std::move(ed25519_hash));
    if (!message_signature) {
        outcome.trouble = message_signature.error();
        co_return outcome;
    }
    const bool is_rsa = algorithm_ == "rsa-sha256";
    const std::string algorithm = algorithm_;
    static_cast<void>(begin(basis, is_rsa ? dkim::KeyType::rsa : dkim::KeyType::ed25519));
    rsa_hash.clear();
    ed25519_hash.clear();
    (is_rsa ? rsa_hash : ed25519_hash) = maker_.seal(*message_signature);
    const std::expected<std::string, std::string> seal_signature = co_await ask(
        std::move(rsa_hash), std::move(ed25519_hash));
    if (!seal_signature)
        outcome.trouble = seal_signature.error();
    else if (algorithm_ != algorithm)
        outcome.trouble = key_.file + ": the key has just been replaced";
    else
        outcome.fields = maker_.finish(*seal_signature);
    co_return outcome;
}

event::Task<Sealing::Outcome> Sealing::finish(std::string queue_id, std::string prepend) {
    Outcome outcome;
    maker_.end();
    if (!house_.seal_key()) {
        outcome.trouble = house_.seal_key().error();
        co_return outcome;
    }
    std::expected<Basis, std::string> basis = find_basis(prepend);
    if (!basis) {
        logging::info("{}: not sealed: {}", queue_id, basis.error());
        co_return outcome;
    }
    const char* chain = basis->chain.code == dkim::Code::pass ? "pass" : "none";
    outcome = co_await seal(std::move(*basis), queue_id);
    if (outcome.fields.size() > kSealRoom) {
        logging::warning("{}: not sealed: the ARC set would have {} octets", queue_id, outcome.fields.size());
        outcome.fields.clear();
    }
    if (!outcome.fields.empty())
        logging::info("{}: ARC set added (cv={}, s={}, d={})", queue_id, chain, key_.selector, key_.domain);
    co_return outcome;
}

}  // namespace cleanup
