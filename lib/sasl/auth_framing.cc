#include "lib/sasl/auth_framing.h"

#include <algorithm>

#include "lib/sasl/auth_line.h"
#include "lib/text/text.h"

namespace sasl {

event::Task<std::optional<std::string_view>> AuthFraming::read_frame(event::Stream& stream, std::size_t max) {
    std::optional<event::Line> line = co_await stream.read_line(max);
    if (!line)
        co_return std::nullopt;
    co_return line->text;
}

std::optional<std::uint64_t> AuthFraming::number_of(std::string_view frame) {
    const std::size_t tab = frame.find('\t');
    if (tab == std::string_view::npos || std::ranges::find(answers_, frame.substr(0, tab)) == answers_.end())
        return std::nullopt;
    frame.remove_prefix(tab + 1);
    return text::parse_number(frame.substr(0, frame.find('\t')));
}

std::string AuthFraming::fault(std::string_view frame) {
    return frame.starts_with("VERSION\t") ? version_fault(split_fields(frame)) : std::string();
}

std::string version_fault(const std::vector<std::string>& fields) {
    if (fields[0] != "VERSION" || (fields.size() > 1 && fields[1] == "1"))
        return std::string();
    return "auth speaks another version of the protocol";
}

}  // namespace sasl
