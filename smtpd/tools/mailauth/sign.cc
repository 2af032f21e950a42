// mailauth sign, seal - DKIM-Signature fields and ARC sets for the message on the standard input.
#include <fmt/format.h>
#include <sysexits.h>

#include "lib/dkim/arc_seal.h"
#include "lib/dkim/signer.h"
#include "lib/text/text.h"
#include "smtpd/tools/mailauth/message.h"

namespace mailauth {
namespace {

dkim::Canon parse_canon(const std::string& option, std::string_view word) {
    if (word == "simple")
        return dkim::Canon::simple;
    if (word != "relaxed")
        throw UsageError(fmt::format("--canonicalization {}: simple or relaxed is wanted, for header/body", option));
    return dkim::Canon::relaxed;
}

dkim::SignOptions sign_options(Invocation& call) {
    dkim::SignOptions options;
    options.now = call.now;
    if (call.has("canonicalization")) {
        const std::string value = call.get("canonicalization");
        const std::size_t slash = std::min(value.find('/'), value.size());
        options.header_canon = parse_canon(value, value.substr(0, slash));
        options.body_canon = slash == value.size() ? dkim::Canon::simple : parse_canon(value, value.substr(slash + 1));
    }
    if (call.has("lifetime")) {
        const auto seconds = text::parse_number(call.get("lifetime"));
        if (!seconds || *seconds == 0 || *seconds > 1'000'000'000)
            throw UsageError(fmt::format("--lifetime {}: seconds are wanted", call.get("lifetime")));
        options.lifetime = static_cast<std::int64_t>(*seconds);
    }
    const std::string names = text::lower(call.get("headers"));
    for (std::string_view name : text::split(names, ":"))
        options.names.emplace_back(name);
    return options;
}

std::string require_sign(const dkim::PrivateKey& key, std::string_view hash) {
    auto signature = key.sign(hash);
    if (!signature)
        throw FileError(signature.error());
    return std::move(*signature);
}

// The fields alone, or with --message the whole message with them on top.
void give_out(Invocation& call, const std::string& fields, const Message& message) {
    if (call.has("message")) {
        if (call.json)
            throw UsageError("--message and --json do not go together");
        return write_message(fields + message.octets, message.bare_line_ends);
    }
    const dkim::HeaderFields made(fields);
    for (const dkim::Field& field : made.all())
        add_field(call.report, std::string(field.raw));
}

std::string require_domain(Invocation& call) {
    const auto domain = dkim::to_a_labels(call.get("domain"));
    if (!domain)
        throw UsageError(fmt::format("--domain {}: a domain name is wanted", call.get("domain")));
    return *domain;
}

}  // namespace

event::Task<int> run_sign(Invocation& call) {
    const std::vector<NamedKey> keys = read_keys(call);
    const std::string domain = require_domain(call);
    std::vector<dkim::SigningKey> who;
    for (const NamedKey& one : keys)
        who.push_back({domain, one.selector, one.key.type(), call.get("identity")});
    dkim::Signer signer(sign_options(call));
    const Message message = read_message();
    signer.feed(message.octets);
    signer.end();
    const auto unsigned_fields = signer.make_fields(who);
    if (!unsigned_fields)
        throw FileError(unsigned_fields.error());
    std::string fields;
    for (std::size_t i = 0; i < keys.size(); ++i)
        fields += dkim::complete((*unsigned_fields)[i], require_sign(keys[i].key, (*unsigned_fields)[i].hash));
    give_out(call, fields, message);
    co_return EX_OK;
}

event::Task<int> run_seal(Invocation& call) {
    const std::vector<NamedKey> keys = read_keys(call);
    if (keys.size() != 1)
        throw UsageError("a seal has one key");
    const std::string domain = require_domain(call);
    const Message message = read_message();
    Verified verified;
    co_await verify_message(call, message.octets, verified);
    if (!verified.verifier->header_is_complete())
        throw FileError(verified.verdict.arc.reason);
    const std::string server = authserv_id(call);
    dkim::ArcSealOptions options;
    options.now = call.now;
    dkim::SigningKey who{domain, keys[0].selector, keys[0].key.type(), ""};
    dkim::ArcSealMaker maker(std::move(who), options);
    maker.feed(message.octets);
    const auto hash = maker.begin(verified.verdict.arc, server, dkim::collect_results(verified.verifier->fields(), server));
    if (!hash)
        throw FileError(hash.error());
    std::string fields;
    if (hash->has_value()) {
        const std::string seal_hash = maker.seal(require_sign(keys[0].key, **hash));
        fields = maker.finish(require_sign(keys[0].key, seal_hash));
    }
    if (!call.has("message"))
        add_arc(call.report, verified.verdict.arc);
    if (!call.has("message") && fields.empty())
        call.report.text("nothing is added to a chain that has failed or is full");
    give_out(call, fields, message);
    co_return EX_OK;
}

}  // namespace mailauth
