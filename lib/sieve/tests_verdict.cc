// spamtest and virustest (RFC 5235): a filter's header line as a number.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "lib/sieve/machine.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

// The part of a header that a setting NAME or NAME:REGEX picks; with a group, what the group holds.
std::optional<std::string> pick(Machine& machine, const std::string& setting) {
    std::size_t colon = setting.find(':');
    std::string_view name = text::trim(std::string_view(setting).substr(0, colon));
    std::vector<HeaderIndex::Field*> fields;
    machine.header().find(name, fields);
    if (fields.empty())
        return std::nullopt;
    std::string value(HeaderIndex::value(*fields.front()));
    if (colon == std::string::npos)
        return value;
    auto regex = machine.regex(text::trim(std::string_view(setting).substr(colon + 1)), true);
    std::vector<std::string_view> groups;
    if (regex->match(value, machine.limits().regex_steps, groups) != Regex::Result::match)
        return std::nullopt;
    return std::string(groups.size() > 1 ? groups[1] : groups[0]);
}

// Leading number of a text: "-1.6", ".13"
std::optional<double> parse_score(std::string_view text) {
    text = text::trim(text);
    if (text.starts_with('+'))
        text.remove_prefix(1);
    double value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

// 0 to 1, or nothing when the message was not tested.
std::optional<double> share(Machine& machine, const VerdictSettings& verdict, const std::string& status) {
    double highest = verdict.max_value;
    if (!verdict.max_header.empty()) {
        std::optional<std::string> text = pick(machine, verdict.max_header);
        highest = text ? parse_score(*text).value_or(0) : 0;
    }
    if (highest <= 0)
        return std::nullopt;
    double score = 0;
    if (verdict.type == VerdictSettings::Type::strlen) {
        score = static_cast<double>(status.size());
    } else {
        std::optional<double> parsed = parse_score(status);
        if (!parsed)
            return std::nullopt;
        score = *parsed;
    }
    return std::clamp(score / highest, 0.0, 1.0);
}

}  // namespace

bool test_verdict(Machine& machine, const Call& call) {
    bool virus = call.kind == CallKind::virustest;
    const VerdictSettings& verdict = virus ? machine.settings().virus : machine.settings().spam;
    bool percent = call.has(Slot::percent);
    Matcher matcher(machine, call, Slot::arg0);
    std::string value = "0";  // RFC 5235, 2.2 and 3: not tested
    std::optional<std::string> status;
    if (!verdict.status_header.empty())
        status = pick(machine, verdict.status_header);
    if (status && verdict.type == VerdictSettings::Type::text) {
        for (const auto& [number, text] : verdict.text_values)
            if (text == *status)
                value = std::to_string(percent && !virus ? std::max(0, (number - 1) * 100 / 9) : number);
    } else if (status) {
        if (std::optional<double> part = share(machine, verdict, *status)) {
            constexpr double kTiny = 1e-9;  // .29 is no binary number
            if (percent)
                value = std::to_string(static_cast<int>(*part * 100 + kTiny));
            else if (virus)
                value = std::to_string(1 + static_cast<int>(*part * 4 + kTiny));
            else
                value = std::to_string(1 + static_cast<int>(*part * 9 + kTiny));
        }
    }
    bool counting = static_cast<MatchType>(call.number(Slot::match_type)) == MatchType::count;
    if (!counting || value != "0")
        matcher.offer(value);
    return matcher.finish();
}

}  // namespace sieve
