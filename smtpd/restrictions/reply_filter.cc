#include "smtpd/restrictions/reply_filter.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "lib/text/text.h"

namespace smtpd {
namespace {

using Failure = std::unexpected<std::string>;

std::expected<unsigned, std::string> parse_octet(std::string_view digits) {
    auto number = text::parse_number(digits);
    if (!number || *number > 255)
        return Failure(fmt::format("\"{}\" is no number up to 255", digits));
    return static_cast<unsigned>(*number);
}

}  // namespace

// Takes one part from the front of the text.
std::expected<ReplyFilter::Ranges, std::string> ReplyFilter::parse_part(std::string_view& text) {
    Ranges ranges;
    if (!text.starts_with('[')) {
        std::string_view digits = text.substr(0, text.find('.'));
        auto number = parse_octet(digits);
        if (!number)
            return Failure(number.error());
        text.remove_prefix(digits.size());
        ranges.emplace_back(*number, *number);
        return ranges;
    }
    std::size_t end = text.find(']');
    if (end == std::string_view::npos)
        return Failure("a bracket is not closed");
    for (std::string_view item : text::split(text.substr(1, end - 1), ";")) {
        std::size_t dots = item.find("..");
        auto low = parse_octet(item.substr(0, dots));
        auto high = dots == std::string_view::npos ? low : parse_octet(item.substr(dots + 2));
        if (!low || !high)
            return Failure(!low ? low.error() : high.error());
        ranges.emplace_back(*low, *high);
    }
    if (ranges.empty())
        return Failure("a bracket is empty");
    text.remove_prefix(end + 1);
    return ranges;
}

std::expected<ReplyFilter, std::string> ReplyFilter::parse(std::string_view text) {
    ReplyFilter filter;
    if (text.empty())
        return filter;
    for (std::size_t i = 0; i < 4; ++i) {
        auto part = parse_part(text);
        if (!part)
            return Failure(part.error());
        filter.parts_[i] = std::move(*part);
        if (i < 3 && !text.starts_with('.'))
            return Failure("four parts with dots between them are wanted");
        if (i < 3)
            text.remove_prefix(1);
    }
    if (!text.empty())
        return Failure(fmt::format("\"{}\" is too much", text));
    return filter;
}

bool ReplyFilter::matches(const dict::IpAddress& answer) const {
    if (answer.family != AF_INET || answer.bytes[0] != 127)
        return false;
    for (std::size_t i = 0; i < 4; ++i) {
        const Ranges& ranges = parts_[i];
        bool inside = std::any_of(ranges.begin(), ranges.end(),
            [&](const auto& range) { return answer.bytes[i] >= range.first && answer.bytes[i] <= range.second; });
        if (!ranges.empty() && !inside)
            return false;
    }
    return true;
}

}  // namespace smtpd
