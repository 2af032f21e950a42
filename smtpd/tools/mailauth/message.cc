// What the subcommands that read a message have in common.
#include "smtpd/tools/mailauth/message.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "lib/command/command.h"
#include "lib/dkim/params.h"
#include "lib/dmarc/params.h"
#include "lib/text/text.h"
#include "smtpd/tools/mailauth/envelope.h"

namespace mailauth {

Message read_message() {
    const std::string input = command::read_standard_input();
    Message message;
    message.octets.reserve(input.size() + input.size() / 40);
    for (std::size_t i = 0; i < input.size(); ++i) {
        if (input[i] == '\n' && (i == 0 || input[i - 1] != '\r')) {
            message.octets += '\r';
            message.bare_line_ends = true;
        }
        message.octets += input[i];
    }
    return message;
}

event::Task<void> verify_message(Invocation& call, const std::string& octets, Verified& out) {
    dkim::Params params;
    for (const config::Problem& problem : params.load(call.main_cf()))
        command::warn(config::format_problem(problem));
    dkim::Options options = dkim::options_of(params);
    options.now = call.now;
    options.allow_body_length = options.allow_body_length || call.has("allow-body-length");
    out.keys = std::make_unique<dkim::KeyCache>();
    out.verifier = std::make_unique<dkim::Verifier>(call.loop, call.resolver(), *out.keys, options);
    out.verifier->feed(octets);
    out.verdict = co_await out.verifier->finish();
}

dmarc::Options dmarc_options(Invocation& call) {
    dmarc::Params params;
    for (const config::Problem& problem : params.load(call.main_cf()))
        command::warn(config::format_problem(problem));
    if (call.has("method")) {
        const std::string method = call.get("method");
        if (method != "list" && method != "walk")
            throw UsageError(fmt::format("--method {}: list or walk is wanted", method));
        params.policy_discovery.set(method == "walk" ? "tree_walk" : "public_suffix_list");
    }
    if (call.has("trusted-sealer"))
        params.trusted_sealers.set(call.all("trusted-sealer"));
    auto options = dmarc::options_of(params);
    if (!options)
        throw FileError(options.error());
    return *options;
}

void add_dkim(Report& report, const dkim::Verdict& verdict) {
    if (verdict.signatures.empty())
        report.add("dkim", "none").detail("reason", "there is no signature");
    for (const dkim::Result& result : verdict.signatures) {
        report.add("dkim", std::string(dkim::code_name(result.code)))
            .detail("domain", result.domain)
            .detail("selector", result.selector)
            .detail("identity", result.identity)
            .detail("algorithm", result.algorithm)
            .detail("key-bits", result.key_bits == 0 ? "" : std::to_string(result.key_bits))
            .detail("signature", result.signature)
            .detail("unsigned-octets", result.has_body_length ? std::to_string(result.unsigned_octets) : "")
            .detail("reason", result.reason);
    }
    if (verdict.ignored > 0)
        report.text(fmt::format("{} more signatures were not looked at (dkim_signature_limit)", verdict.ignored));
}

void add_arc(Report& report, const dkim::ArcVerdict& verdict) {
    auto& finding = report.add("arc", std::string(dkim::code_name(verdict.code)));
    finding.detail("reason", verdict.reason);
    for (const dkim::ArcSealer& sealer : verdict.sealers)
        finding.detail(fmt::format("sealer-{}", sealer.instance), fmt::format("{} ({})", sealer.domain, sealer.selector));
}

void add_dmarc(Report& report, const dmarc::Verdict& verdict) {
    const bool found = !verdict.policy_domain.empty();
    auto& finding = report.add("dmarc", std::string(dmarc::code_name(verdict.code)));
    finding.detail("author-domain", verdict.author_domain)
        .detail("policy-domain", verdict.policy_domain)
        .detail("policy", found ? fmt::format("{}={}", verdict.tag, dmarc::policy_name(verdict.published)) : "")
        .detail("disposition", std::string(dmarc::policy_name(verdict.disposition)))
        .detail("dkim-aligned", found ? (verdict.dkim_aligned ? "yes" : "no") : "")
        .detail("spf-aligned", found ? (verdict.spf_aligned ? "yes" : "no") : "")
        .detail("reason", verdict.reason);
    for (const dmarc::Override& one : verdict.overrides)
        finding.detail("override", one.type + ": " + one.comment);
}

std::string authserv_id(Invocation& call) { return call.has("authserv-id") ? call.get("authserv-id") : own_name(call); }

void add_authres_header(Invocation& call, std::vector<authres::Result> results) {
    const authres::Header header{.authserv_id = authserv_id(call), .version = 1, .results = std::move(results)};
    add_field(call.report, "Authentication-Results: " + authres::format(header));
}

namespace {

std::string without_cr(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n')
            out += text[i];
    return out;
}

}  // namespace

void add_field(Report& report, const std::string& field) {
    std::string text = without_cr(field);
    while (text.ends_with('\n'))
        text.pop_back();
    const std::size_t colon = text.find(':');
    report.header(text.substr(0, colon), text.substr(text.find_first_not_of(" ", colon + 1)));
}

void write_message(const std::string& text, bool bare_line_ends) {
    const std::string out = bare_line_ends ? without_cr(text) : text;
    if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size())
        throw FileError(fmt::format("standard output: {}", std::strerror(errno)));
}

std::vector<NamedKey> read_keys(Invocation& call) {
    std::vector<NamedKey> keys;
    for (const std::string& value : call.all("key")) {
        const std::size_t equals = value.find('=');
        if (equals == 0 || equals == std::string::npos)
            throw UsageError(fmt::format("--key {}: SELECTOR=FILE is wanted", value));
        const std::string path = value.substr(equals + 1);
        auto key = dkim::PrivateKey::parse(read_file(path));
        if (!key)
            throw FileError(fmt::format("{}: {}", path, key.error()));
        keys.push_back({value.substr(0, equals), std::move(*key)});
    }
    return keys;
}

}  // namespace mailauth
