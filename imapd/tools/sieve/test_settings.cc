#include "imapd/tools/sieve/test_settings.h"

#include <chrono>
#include <cstdlib>

#include "lib/sieve/machine.h"
#include "lib/text/text.h"

namespace sievec {
namespace {

using sieve::EnvelopeSource;
using sieve::VerdictSettings;

std::string value_of(const TestConfig& config, const std::string& name) {
    auto found = config.find(name);
    return found == config.end() ? std::string() : std::string(text::trim(found->second));
}

void read_number(const TestConfig& config, const std::string& name, std::size_t& out) {
    std::string value = value_of(config, name);
    std::size_t factor = 1;
    if (!value.empty() && !text::is_digit(value.back())) {
        char unit = text::to_lower(value.back());
        factor = unit == 'k' ? 1024 : (unit == 'm' ? 1024 * 1024 : 1);
        value.pop_back();
    }
    if (auto number = text::parse_number(value))
        out = static_cast<std::size_t>(*number) * factor;
}

// "1s", "5m", "3h", "2d", "10 mins"
void read_duration(const TestConfig& config, const std::string& name, std::chrono::seconds& out) {
    std::string value = value_of(config, name);
    std::size_t digits = value.find_first_not_of("0123456789");
    auto number = text::parse_number(std::string_view(value).substr(0, digits));
    if (!number)
        return;
    std::string_view unit = digits == std::string::npos ? std::string_view("s")
                                                        : text::trim(std::string_view(value).substr(digits));
    std::int64_t factor = 1;
    switch (unit.empty() ? 's' : text::to_lower(unit.front())) {
    case 'm': factor = 60; break;
    case 'h': factor = 3600; break;
    case 'd': factor = 86400; break;
    default: break;
    }
    out = std::chrono::seconds(static_cast<std::int64_t>(*number) * factor);
}

void read_flag(const TestConfig& config, const std::string& name, bool& out) {
    std::string value = value_of(config, name);
    if (!value.empty())
        out = value == "yes" || value == "y" || value == "true";
}

void read_source(const TestConfig& config, const std::string& name, EnvelopeSource& out) {
    std::string value = value_of(config, name);
    using Kind = EnvelopeSource::Kind;
    if (value == "sender")
        out = {Kind::sender, ""};
    else if (value == "recipient")
        out = {Kind::recipient, ""};
    else if (value == "orig_recipient")
        out = {Kind::original_recipient, ""};
    else if (value == "user_email")
        out = {Kind::user_email, ""};
    else if (value == "postmaster")
        out = {Kind::postmaster, ""};
    else if (value.starts_with('<') && value.ends_with('>'))
        out = {Kind::address, value.substr(1, value.size() - 2)};
}

VerdictSettings verdict_of(const TestConfig& config, const std::string& test) {
    VerdictSettings out;
    out.status_header = value_of(config, "sieve_" + test + "_status_header");
    out.max_header = value_of(config, "sieve_" + test + "_score_max_header");
    out.max_value = std::strtod(value_of(config, "sieve_" + test + "_score_max_value").c_str(), nullptr);
    std::string type = value_of(config, "sieve_" + test + "_status_type");
    out.type = type == "strlen" ? VerdictSettings::Type::strlen
                                : (type == "text" ? VerdictSettings::Type::text : VerdictSettings::Type::score);
    for (int value = 0; value <= 10; ++value)
        if (std::string text = value_of(config, "sieve_" + test + "_text_value/" + std::to_string(value)); !text.empty())
            out.text_values[value] = text;
    return out;
}

std::vector<std::string> words(const std::string& value) {
    std::vector<std::string> out;
    for (std::string_view word : text::split(value, " \t"))
        out.emplace_back(word);
    return out;
}

}  // namespace

sieve::Settings settings_of(const TestConfig& config) {
    sieve::Settings out;
    sieve::Limits& limits = out.limits;
    out.postmaster = "postmaster@example.test";
    out.foreign_from = true;  // the suite writes in all kinds of names
    out.hostname = "host.example.test";
    read_number(config, "sieve_max_script_size", limits.script_octets);
    read_number(config, "sieve_max_actions", limits.actions);
    read_number(config, "sieve_max_redirects", limits.redirects);
    read_number(config, "sieve_variables_max_value_size", limits.variable_octets);
    read_number(config, "sieve_variables_max_variable_size", limits.variable_octets);
    read_number(config, "sieve_notify_max_notifications", limits.notifications);
    read_number(config, "sieve_include_max_includes", limits.includes);
    read_number(config, "sieve_include_max_nesting_depth", limits.include_depth);
    read_number(config, "sieve_editheader_max_header_size", out.header_octets);
    std::chrono::seconds cpu{0};
    read_duration(config, "sieve_max_cpu_time", cpu);
    if (cpu.count() > 0)
        limits.cpu_time = cpu;
    if (std::string delimiter = value_of(config, "recipient_delimiter"); !delimiter.empty())
        out.recipient_delimiter = delimiter;
    out.user_email = value_of(config, "sieve_user_email");
    read_source(config, "sieve_redirect_envelope_from", out.redirect_from);
    read_source(config, "sieve_notify_mailto_envelope_from", out.notify_from);
    read_source(config, "sieve_report_from", out.report_from);
    read_duration(config, "sieve_vacation_min_period", out.vacation_min);
    read_duration(config, "sieve_vacation_max_period", out.vacation_max);
    read_duration(config, "sieve_vacation_default_period", out.vacation_default);
    read_flag(config, "sieve_vacation_use_original_recipient", out.vacation_original_recipient);
    read_flag(config, "sieve_vacation_check_recipient", out.vacation_check_recipient);
    read_flag(config, "sieve_vacation_send_from_recipient", out.vacation_from_recipient);
    read_duration(config, "sieve_duplicate_default_period", out.duplicate_default);
    read_duration(config, "sieve_duplicate_max_period", out.duplicate_max);
    out.protected_headers = words(value_of(config, "sieve_editheader_protected"));
    out.forbid_add = words(value_of(config, "sieve_editheader_forbid_add"));
    out.forbid_delete = words(value_of(config, "sieve_editheader_forbid_delete"));
    out.spam = verdict_of(config, "spamtest");
    out.virus = verdict_of(config, "virustest");
    return out;
}

std::set<std::string> lists_of(const TestConfig& config) {
    std::set<std::string> out;
    for (const std::string& name : words(value_of(config, "sieve_extlists_list")))
        out.insert(sieve::external_list_name(name));
    return out;
}

}  // namespace sievec
