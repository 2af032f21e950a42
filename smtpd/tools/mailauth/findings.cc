// How findings are printed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lib/text/text.h"
#include "smtpd/tools/mailauth/subcommand.h"

namespace mailauth {
namespace {

// The length of the UTF-8 sequence at the front of `text`, 0 where there is none (RFC 3629, 4).
std::size_t utf8_length(std::string_view text) {
    auto octet = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    unsigned first = octet(0), second = octet(1);
    std::size_t length = first < 0x80                    ? 1
                         : first >= 0xc2 && first < 0xe0 ? 2
                         : first < 0xf0 && first >= 0xe0 ? 3
                         : first >= 0xf0 && first < 0xf5 ? 4
                                                         : 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((octet(i) & 0xc0) != 0x80)
            return 0;
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool outside = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
    return overlong || outside ? 0 : length;
}

// A name that comes several times stands once, with a list.
std::string json_object(const std::vector<std::pair<std::string, std::string>>& members) {
    std::vector<std::pair<std::string, std::vector<std::string>>> grouped;
    for (const auto& [name, value] : members) {
        auto known = std::find_if(grouped.begin(), grouped.end(), [&](const auto& group) { return group.first == name; });
        if (known == grouped.end())
            grouped.emplace_back(name, std::vector<std::string>{json_string(value)});
        else
            known->second.push_back(json_string(value));
    }
    std::string out = "{";
    for (const auto& [name, values] : grouped)
        out += fmt::format("{}{}: {}", out.size() > 1 ? ", " : "", json_string(name),
            values.size() == 1 ? values[0] : fmt::format("[{}]", fmt::join(values, ", ")));
    return out + "}";
}

}  // namespace

std::string json_string(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        std::size_t length = utf8_length(text);
        char c = text[0];
        if (length == 0)
            out += "\\ufffd";
        else if (c == '"' || c == '\\')
            out.append({'\\', c});
        else if (length == 1 && (static_cast<unsigned char>(c) < ' ' || c == 0x7f))
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            out += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out + "\"";
}

Report::Finding& Report::Finding::detail(std::string name, std::string value) {
    if (!value.empty())
        details_.emplace_back(std::move(name), std::move(value));
    return *this;
}

Report::Finding& Report::add(std::string method, std::string result) {
    return findings_.emplace_back(std::move(method), std::move(result));
}

void Report::header(std::string name, std::string value) { headers_.emplace_back(std::move(name), std::move(value)); }
void Report::text(std::string line) { lines_.push_back(std::move(line)); }

bool Report::has_temporary_failure() const {
    for (const Finding& finding : findings_)
        if (finding.result_ == "temperror")
            return true;
    return false;
}

std::string Report::format(bool json) const {
    std::string out;
    if (!json) {
        for (const Finding& finding : findings_)
            out += fmt::format("{}={}\n", finding.method_, finding.result_);
        for (const Finding& finding : findings_)
            for (const auto& [name, value] : finding.details_)
                out += text::printable(fmt::format("{}.{}: {}", finding.method_, name, value)) + "\n";
        for (const auto& [name, value] : headers_)
            out += fmt::format("{}: {}\n", name, value);
        for (const std::string& line : lines_)
            out += line + "\n";
        return out;
    }
    out = "{\"results\": [";
    for (std::size_t i = 0; i < findings_.size(); ++i) {
        std::vector<std::pair<std::string, std::string>> members = {
            {"method", findings_[i].method_}, {"result", findings_[i].result_}};
        members.insert(members.end(), findings_[i].details_.begin(), findings_[i].details_.end());
        out += (i > 0 ? ", " : "") + json_object(members);
    }
    out += "], \"headers\": [";
    for (std::size_t i = 0; i < headers_.size(); ++i)
        out += (i > 0 ? ", " : "") + json_object({{"name", headers_[i].first}, {"value", headers_[i].second}});
    out += "], \"text\": [";
    for (std::size_t i = 0; i < lines_.size(); ++i)
        out += (i > 0 ? ", " : "") + json_string(lines_[i]);
    return out + "]}\n";
}

}  // namespace mailauth
