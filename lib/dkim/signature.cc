#include "lib/dkim/signature.h"

#include <idn2.h>

#include <algorithm>

#include "lib/dkim/tag_list.h"
#include "lib/text/text.h"

namespace dkim {
namespace {

std::optional<Problem> permerror(std::string reason) { return Problem{Code::permerror, std::move(reason)}; }

// Labels of letters, digits, "-" and "_", or UTF-8 (RFC 8616); none empty.
bool is_domain(std::string_view name) {
    if (name.empty() || name.size() > 253)
        return false;
    std::size_t label = 0;
    for (char c : name) {
        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            continue;
        }
        const bool utf8 = static_cast<unsigned char>(c) >= 0x80;
        if (!utf8 && !text::is_alnum(c) && c != '-' && c != '_')
            return false;
        if (++label > 63 && !utf8)
            return false;
    }
    return label > 0;
}

std::optional<std::uint64_t> parse_time(std::string_view digits) {
    return digits.size() <= 12 ? text::parse_number(digits) : std::nullopt;
}

std::optional<Canon> parse_canon(std::string_view word) {
    if (word == "simple")
        return Canon::simple;
    if (word == "relaxed")
        return Canon::relaxed;
    return std::nullopt;
}

std::optional<Problem> parse_canons(const TagList& tags, Signature& out) {
    const Tag* tag = tags.find("c");
    if (tag == nullptr)
        return std::nullopt;
    const std::string value = text::lower(tag->value);
    const std::size_t slash = value.find('/');
    const auto header = parse_canon(std::string_view(value).substr(0, slash));
    const auto body = slash == std::string::npos ? std::optional{Canon::simple}
                                                 : parse_canon(std::string_view(value).substr(slash + 1));
    if (!header || !body)
        return permerror("c= is no known canonicalization");
    out.header_canon = *header;
    out.body_canon = *body;
    return std::nullopt;
}

std::optional<Problem> parse_names(const TagList& tags, SignatureKind kind, Signature& out) {
    const std::string list = text::lower(without_blanks(tags.value("h")));
    for (std::string_view name : text::split(list, ":")) {
        if (out.names.size() == kMaxSignedNames)
            return permerror("h= has more than " + std::to_string(kMaxSignedNames) + " names");
        out.names.emplace_back(name);
    }
    if (out.names.empty())
        return permerror("h= is missing or empty");
    const auto has = [&](std::string_view name) {
        return std::find(out.names.begin(), out.names.end(), name) != out.names.end();
    };
    if (kind == SignatureKind::dkim && !has("from"))
        return permerror("From is not signed");  // RFC 6376, 5.4
    if (kind == SignatureKind::arc_message && has("arc-seal"))
        return permerror("h= has ARC-Seal");  // RFC 8617, 4.1.2
    return std::nullopt;
}

std::optional<Problem> parse_times(const TagList& tags, Signature& out) {
    if (const Tag* tag = tags.find("t")) {
        out.timestamp = parse_time(tag->value);
        if (!out.timestamp)
            return permerror("t= is no time");
    }
    if (const Tag* tag = tags.find("x")) {
        out.expiration = parse_time(tag->value);
        if (!out.expiration)
            return permerror("x= is no time");
        if (out.timestamp && *out.expiration <= *out.timestamp)
            return permerror("x= is not after t=");  // RFC 6376, 3.5
    }
    return std::nullopt;
}

std::optional<Problem> parse_body(const TagList& tags, Signature& out) {
    const auto hash = text::decode_base64(without_blanks(tags.value("bh")));
    if (!hash || hash->empty())
        return permerror("bh= is missing or no base64");
    out.body_hash = *hash;
    if (const Tag* tag = tags.find("l")) {
        out.body_length = tag->value.size() <= 19 ? text::parse_number(tag->value) : std::nullopt;
        if (!out.body_length)
            return permerror("l= is no length");
    }
    return std::nullopt;
}

bool is_same_or_below(std::string_view name, std::string_view domain) {
    return name == domain ||
           (name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

std::optional<Problem> parse_identity(const TagList& tags, Signature& out) {
    out.identity = "@" + out.domain;
    const Tag* tag = tags.find("i");
    if (tag == nullptr)
        return std::nullopt;
    const std::size_t at = tag->value.rfind('@');
    if (at == std::string_view::npos)
        return permerror("i= has no \"@\"");
    out.identity = std::string(tag->value.substr(0, at + 1)) + text::lower(tag->value.substr(at + 1));
    const auto name = to_a_labels(tag->value.substr(at + 1));
    const auto domain = to_a_labels(out.domain);
    if (!name || !domain || !is_same_or_below(*name, *domain))
        return permerror("i= is not in the domain of d=");  // RFC 6376, 6.1.1
    return std::nullopt;
}

// RFC 6376, 3.5: q= is a list of methods, of which only dns/txt is known.
std::optional<Problem> parse_query(const TagList& tags) {
    const Tag* tag = tags.find("q");
    if (tag == nullptr)
        return std::nullopt;
    const std::string list = text::lower(without_blanks(tag->value));
    for (std::string_view method : text::split(list, ":"))
        if (method == "dns/txt" || method == "dns")
            return std::nullopt;
    return permerror("q= has no known method");
}

}  // namespace

std::optional<std::string> to_a_labels(std::string_view domain) {
    if (!is_domain(domain))
        return std::nullopt;
    if (std::all_of(domain.begin(), domain.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
        return text::lower(domain);
    char* name = nullptr;
    if (idn2_to_ascii_8z(std::string(domain).c_str(), &name, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return std::nullopt;
    std::string result = text::lower(name);
    idn2_free(name);
    return result;
}

std::string_view code_name(Code code) {
    switch (code) {
    case Code::none: return "none";
    case Code::pass: return "pass";
    case Code::fail: return "fail";
    case Code::policy: return "policy";
    case Code::neutral: return "neutral";
    case Code::temperror: return "temperror";
    case Code::permerror: return "permerror";
    }
    return "permerror";
}

std::string Signature::key_name() const {
    const auto name = to_a_labels(selector + "._domainkey." + domain);
    return name.value_or("");
}

std::optional<Problem> parse_algorithm(const TagList& tags, Signature& out) {
    out.algorithm_text = text::lower(tags.value("a"));
    if (out.algorithm_text.empty())
        return permerror("a= is missing");
    if (out.algorithm_text == "rsa-sha256")
        out.algorithm = Algorithm::rsa_sha256;
    else if (out.algorithm_text == "ed25519-sha256")
        out.algorithm = Algorithm::ed25519_sha256;
    else if (out.algorithm_text == "rsa-sha1")
        out.algorithm = Algorithm::rsa_sha1;
    if (out.algorithm == Algorithm::unknown)
        return permerror("a= is no known algorithm");
    if (out.algorithm == Algorithm::rsa_sha1)  // RFC 8301, 3.1: MUST NOT
        return Problem{Code::policy, "rsa-sha1 is not secure"};
    return std::nullopt;
}

std::optional<Problem> parse_signer(const TagList& tags, Signature& out) {
    out.domain = text::lower(tags.value("d"));
    out.selector = tags.value("s");
    if (!is_domain(out.domain))
        return permerror(out.domain.empty() ? "d= is missing or empty" : "d= is no domain name");
    if (!is_domain(out.selector))
        return permerror(out.selector.empty() ? "s= is missing or empty" : "s= is no selector");
    return std::nullopt;
}

std::optional<Problem> parse_value(const TagList& tags, Signature& out) {
    const Tag* tag = tags.find("b");
    if (tag == nullptr)
        return permerror("b= is missing");
    out.value_begin = tag->begin;
    out.value_end = tag->end;
    out.value_text = without_blanks(tag->value);
    const auto value = text::decode_base64(out.value_text);
    if (!value || value->empty())
        return permerror("b= is empty or no base64");
    out.value = *value;
    return std::nullopt;
}

std::optional<Problem> parse_signature(std::string_view body, SignatureKind kind, Signature& out) {
    const auto tags = TagList::parse(body);
    if (!tags)
        return permerror(tags.error());
    // Who says it comes first, so that a report can name it whatever else is wrong.
    std::optional<Problem> signer = parse_signer(*tags, out);
    std::optional<Problem> value = parse_value(*tags, out);
    std::optional<Problem> algorithm = parse_algorithm(*tags, out);
    if (kind == SignatureKind::dkim && tags->value("v") != "1")
        return permerror(tags->find("v") == nullptr ? "v= is missing" : "v= is not 1");
    for (std::optional<Problem>* problem : {&signer, &value, &algorithm})
        if (*problem)
            return *problem;
    if (kind == SignatureKind::dkim) {
        if (auto problem = parse_identity(*tags, out))
            return problem;
        if (auto problem = parse_query(*tags))
            return problem;
    }
    if (auto problem = parse_canons(*tags, out))
        return problem;
    if (auto problem = parse_names(*tags, kind, out))
        return problem;
    if (auto problem = parse_times(*tags, out))
        return problem;
    return parse_body(*tags, out);
}

}  // namespace dkim
