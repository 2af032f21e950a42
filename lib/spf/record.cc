#include "lib/spf/record.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include "lib/text/text.h"

namespace spf {
namespace {

using Failure = std::unexpected<std::string>;
using Kind = Mechanism::Kind;

constexpr std::string_view kVersion = "v=spf1";

struct Name {
    std::string_view word;
    Kind kind;
};
constexpr Name kNames[] = {{"all", Kind::all}, {"include", Kind::include}, {"a", Kind::a}, {"mx", Kind::mx},
    {"ptr", Kind::ptr}, {"ip4", Kind::ip4}, {"ip6", Kind::ip6}, {"exists", Kind::exists}};

// RFC 7208, 12: name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ), followed by "=".
std::size_t modifier_name_length(std::string_view term) {
    std::size_t length = 0;
    while (length < term.size() &&
           (text::is_alnum(term[length]) || term[length] == '-' || term[length] == '_' || term[length] == '.'))
        ++length;
    bool is_name = length > 0 && length < term.size() && term[length] == '=' && text::is_alpha(term[0]);
    return is_name ? length : 0;
}

// "0", or digits without a leading zero.
std::optional<int> parse_prefix(std::string_view digits, int most) {
    if (digits.size() > 1 && digits[0] == '0')
        return std::nullopt;
    auto number = text::parse_number(digits);
    if (!number || *number > static_cast<std::uint64_t>(most))
        return std::nullopt;
    return static_cast<int>(*number);
}

// Cuts "/24//64", "/24" or "//64" from the end.
std::expected<std::string_view, std::string> take_prefixes(std::string_view rest, Mechanism& mechanism) {
    auto cut = [&]() -> std::optional<std::string_view> {
        std::size_t digits = rest.size();
        while (digits > 0 && text::is_digit(rest[digits - 1]))
            --digits;
        if (digits == rest.size() || digits == 0 || rest[digits - 1] != '/')
            return std::nullopt;
        std::string_view number = rest.substr(digits);
        rest = rest.substr(0, digits - 1);
        return number;
    };
    std::optional<std::string_view> number = cut();
    if (number && rest.ends_with('/')) {
        rest.remove_suffix(1);
        auto prefix = parse_prefix(*number, 128);
        if (!prefix)
            return Failure(fmt::format("//{} is no prefix length of IPv6", *number));
        mechanism.ip6_prefix = *prefix;
        number = cut();
    }
    if (number) {
        auto prefix = parse_prefix(*number, 32);
        if (!prefix)
            return Failure(fmt::format("/{} is no prefix length of IPv4", *number));
        mechanism.ip4_prefix = *prefix;
    }
    return rest;
}

std::expected<void, std::string> take_domain(std::string_view rest, bool required, Mechanism& mechanism) {
    if (rest.empty() && !required)
        return {};
    if (!rest.starts_with(':'))
        return Failure(rest.empty() ? "its domain is missing" : fmt::format("\"{}\" is not understood", rest));
    auto domain = MacroString::parse(rest.substr(1), MacroString::Kind::domain_spec);
    if (!domain)
        return Failure(domain.error());
    mechanism.domain = std::move(*domain);
    return {};
}

std::expected<void, std::string> take_network(std::string_view rest, Mechanism& mechanism) {
    if (!rest.starts_with(':'))
        return Failure("its network is missing");
    rest.remove_prefix(1);
    bool v4 = mechanism.kind == Kind::ip4;
    std::size_t slash = rest.find('/');
    if (slash != std::string_view::npos) {
        auto prefix = parse_prefix(rest.substr(slash + 1), v4 ? 32 : 128);
        if (!prefix)
            return Failure(fmt::format("{} is no prefix length", rest.substr(slash)));
        (v4 ? mechanism.ip4_prefix : mechanism.ip6_prefix) = *prefix;
    }
    std::string address(rest.substr(0, slash));
    mechanism.network.family = v4 ? AF_INET : AF_INET6;
    if (address.find('\0') != std::string::npos ||
        ::inet_pton(mechanism.network.family, address.c_str(), mechanism.network.bytes.data()) != 1)
        return Failure(fmt::format("\"{}\" is no IPv{} address", address, v4 ? 4 : 6));
    return {};
}

std::expected<Mechanism, std::string> parse_mechanism(std::string_view term) {
    Mechanism mechanism;
    mechanism.text = term;
    std::string_view rest = term;
    if (!rest.empty() && std::string_view("+-?~").find(rest[0]) != std::string_view::npos) {
        mechanism.qualifier = rest[0];
        rest.remove_prefix(1);
    }
    std::string_view word = rest.substr(0, rest.find_first_of(":/"));
    rest.remove_prefix(word.size());
    const Name* known = nullptr;
    for (const Name& name : kNames)
        if (text::equal_ignoring_case(word, name.word))
            known = &name;
    if (known == nullptr)
        return Failure("no such mechanism");
    mechanism.kind = known->kind;
    std::expected<void, std::string> taken;
    switch (mechanism.kind) {
    case Kind::all:
        if (!rest.empty())
            return Failure("nothing may follow \"all\"");
        break;
    case Kind::include:
    case Kind::exists: taken = take_domain(rest, true, mechanism); break;
    case Kind::ptr: taken = take_domain(rest, false, mechanism); break;
    case Kind::ip4:
    case Kind::ip6: taken = take_network(rest, mechanism); break;
    case Kind::a:
    case Kind::mx: {
        auto domain = take_prefixes(rest, mechanism);
        if (!domain)
            return Failure(domain.error());
        taken = take_domain(*domain, false, mechanism);
        break;
    }
    }
    if (!taken)
        return Failure(taken.error());
    return mechanism;
}

std::expected<void, std::string> take_modifier(std::string_view name, std::string_view value, Record& record) {
    bool redirect = text::equal_ignoring_case(name, "redirect"), explanation = text::equal_ignoring_case(name, "exp");
    bool known = redirect || explanation;
    auto parsed = MacroString::parse(value, known ? MacroString::Kind::domain_spec : MacroString::Kind::modifier);
    if (!parsed)
        return Failure(parsed.error());
    if (!known)
        return {};  // RFC 7208, 6: unknown ones are ignored, once their form is right
    std::optional<MacroString>& place = redirect ? record.redirect : record.explanation;
    if (place)
        return Failure("it may stand only once");
    place = std::move(*parsed);
    return {};
}

}  // namespace

bool is_spf_record(std::string_view text) {
    return text::starts_with_ignoring_case(text, kVersion) &&
           (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

std::expected<Record, std::string> parse_record(std::string_view text) {
    Record record;
    text.remove_prefix(kVersion.size());
    // Blanks only: a tab or another control character is part of a term, and breaks it.
    for (std::string_view term : text::split(text, " ")) {
        std::size_t name = modifier_name_length(term);
        std::expected<void, std::string> taken;
        if (name > 0) {
            taken = take_modifier(term.substr(0, name), term.substr(name + 1), record);
        } else if (auto mechanism = parse_mechanism(term); mechanism) {
            record.mechanisms.push_back(std::move(*mechanism));
        } else {
            taken = Failure(mechanism.error());
        }
        if (!taken)
            return Failure(fmt::format("\"{}\": {}", text::printable(term.substr(0, 100)), text::printable(taken.error())));
    }
    return record;
}

}  // namespace spf
