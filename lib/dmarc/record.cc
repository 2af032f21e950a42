#include "lib/dmarc/record.h"

#include <map>

#include "lib/text/percent.h"
#include "lib/text/text.h"

namespace dmarc {
namespace {

// Tags by their names in lower case; parts that are no tag are passed over, and of two tags the first counts.
std::map<std::string, std::string_view> split_tags(std::string_view text) {
    std::map<std::string, std::string_view> tags;
    for (std::string_view part : text::split(text, ";")) {
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos)
            continue;
        tags.emplace(text::lower(text::trim(part.substr(0, equals))), text::trim(part.substr(equals + 1)));
    }
    return tags;
}

// RFC 7489, 6.4: "!" and a number with k, m, g or t. A limit that is no number counts as a limit of nothing sensible: the
// entry is left out rather than sent to without limit.
std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t unit = 1;
    if (!text.empty() && text::is_alpha(text.back())) {
        const std::size_t power = std::string_view("kmgt").find(text::to_lower(text.back()));
        if (power == std::string_view::npos)
            return std::nullopt;
        unit = std::uint64_t{1} << (10 * (power + 1));
        text.remove_suffix(1);
    }
    const auto number = text::parse_number(text);
    if (!number || *number == 0 || *number > (std::uint64_t{1} << 62) / unit)
        return std::nullopt;
    return *number * unit;
}

std::optional<ReportUri> parse_report_uri(std::string_view text) {
    text = text::trim(text);
    ReportUri uri;
    if (const std::size_t mark = text.rfind('!'); mark != std::string_view::npos) {
        const auto size = parse_size(text.substr(mark + 1));
        if (!size)
            return std::nullopt;
        uri.max_octets = *size;
        text = text.substr(0, mark);
    }
    constexpr std::string_view kScheme = "mailto:";
    if (!text::starts_with_ignoring_case(text, kScheme))
        return std::nullopt;
    text.remove_prefix(kScheme.size());
    const auto address = text::decode_percent(text.substr(0, text.find('?')));
    if (!address)
        return std::nullopt;
    // One plain address: what needs quotes, or has control characters in it, is no address for reports.
    const std::size_t at = address->rfind('@');
    if (at == std::string::npos || at == 0 || at + 1 == address->size() || address->size() > 320 ||
        address->find_first_of(" \t\r\n\"<>(),;:\\[]") != std::string::npos || address->find('@') != at)
        return std::nullopt;
    for (char c : *address)
        if (static_cast<unsigned char>(c) < ' ' || c == 127)
            return std::nullopt;
    uri.address = *address;
    return uri;
}

Alignment parse_alignment(std::string_view word) {
    return text::equal_ignoring_case(word, "s") ? Alignment::strict : Alignment::relaxed;
}

}  // namespace

std::string_view policy_name(Policy policy) {
    switch (policy) {
    case Policy::none: return "none";
    case Policy::quarantine: return "quarantine";
    case Policy::reject: return "reject";
    }
    return "none";
}

std::optional<Policy> parse_policy(std::string_view word) {
    for (Policy policy : {Policy::none, Policy::quarantine, Policy::reject})
        if (text::equal_ignoring_case(word, policy_name(policy)))
            return policy;
    return std::nullopt;
}

bool is_record(std::string_view text) {
    // RFC 7489, 6.4: dmarc-version = "v" *WSP "=" *WSP "DMARC1"; the version counts letter by letter.
    const std::string_view first = text.substr(0, text.find(';'));
    const std::size_t equals = first.find('=');
    return equals != std::string_view::npos && text::trim(first.substr(0, equals)) == "v" &&
           text::trim(first.substr(equals + 1)) == "DMARC1";
}

std::vector<ReportUri> parse_report_uris(std::string_view list) {
    std::vector<ReportUri> uris;
    for (std::string_view part : text::split(list, ",")) {
        if (uris.size() == kMaxReportUris)
            break;
        if (auto uri = parse_report_uri(part))
            uris.push_back(std::move(*uri));
    }
    return uris;
}

std::optional<Record> parse_record(std::string_view text) {
    if (!is_record(text))
        return std::nullopt;
    const auto tags = split_tags(text);
    const auto value = [&](const char* name) {
        const auto found = tags.find(name);
        return found == tags.end() ? std::string_view{} : found->second;
    };
    Record record;
    record.aggregate = parse_report_uris(value("rua"));
    record.failure = parse_report_uris(value("ruf"));
    const auto policy = parse_policy(value("p"));
    record.subdomains = parse_policy(value("sp"));
    record.nonexistent = parse_policy(value("np"));
    const bool bad_branch = (tags.contains("sp") && !record.subdomains) || (tags.contains("np") && !record.nonexistent);
    if (!policy || bad_branch) {
        // RFC 7489, 6.6.3, step 6: with somebody to report to, it is p=none; without, it is nothing.
        if (record.aggregate.empty())
            return std::nullopt;
        record.subdomains.reset();
        record.nonexistent.reset();
    }
    record.policy = policy && !bad_branch ? *policy : Policy::none;
    record.dkim = parse_alignment(value("adkim"));
    record.spf = parse_alignment(value("aspf"));
    if (const auto percent = text::parse_number(value("pct")); percent && *percent <= 100)
        record.percent = static_cast<unsigned>(*percent);
    record.testing = text::equal_ignoring_case(value("t"), "y");
    if (text::equal_ignoring_case(value("psd"), "y"))
        record.is_public_suffix = true;
    else if (text::equal_ignoring_case(value("psd"), "n"))
        record.is_public_suffix = false;
    if (!value("fo").empty())
        record.failure_options = text::lower(value("fo").substr(0, 20));
    if (const auto interval = text::parse_number(value("ri")); interval && *interval <= UINT32_MAX)
        record.interval = static_cast<std::uint32_t>(*interval);
    return record;
}

}  // namespace dmarc
