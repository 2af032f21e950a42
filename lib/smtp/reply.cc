#include "lib/smtp/reply.h"

#include <fmt/format.h>

#include "lib/text/text.h"

namespace smtp {
namespace {

std::string one_line(std::string_view text) {
    std::string clean(text);
    for (char& c : clean)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            c = ' ';
    return clean;
}

std::size_t digits(std::string_view text, std::size_t most) {
    std::size_t count = 0;
    while (count < text.size() && count < most && text::is_digit(text[count]))
        ++count;
    return count;
}

[[noreturn]] void refuse(const char* why) {
    throw event::StreamError(event::StreamError::Kind::protocol, std::string("protocol error: ") + why);
}

}  // namespace

std::string Reply::text() const {
    std::string result = std::to_string(code);
    if (!dsn.empty())
        result += " " + dsn;
    for (const std::string& line : lines)
        result += " " + line;
    return result;
}

std::string format_reply(const Reply& reply) {
    std::string out;
    std::size_t last = reply.lines.empty() ? 0 : reply.lines.size() - 1;
    for (std::size_t i = 0; i <= last; ++i) {
        out += std::to_string(reply.code);
        out += i == last ? ' ' : '-';
        if (!reply.dsn.empty())
            out += reply.dsn + " ";
        out += reply.lines.empty() ? "" : one_line(reply.lines[i]);
        out += "\r\n";
    }
    return out;
}

// RFC 3463, 2: class "." subject "." detail, each part of at most three digits.
std::string_view leading_status(std::string_view text) {
    if (text.size() < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5') || text[1] != '.')
        return {};
    std::size_t subject = digits(text.substr(2), 3);
    std::size_t dot = 2 + subject;
    if (subject == 0 || dot >= text.size() || text[dot] != '.')
        return {};
    std::size_t detail = digits(text.substr(dot + 1), 3);
    std::size_t end = dot + 1 + detail;
    bool ends = end == text.size() || text[end] == ' ';
    return detail > 0 && ends ? text.substr(0, end) : std::string_view();
}

event::Task<Reply> read_reply(event::Stream& stream) {
    Reply reply;
    for (;;) {
        std::optional<event::Line> line = co_await stream.read_line(kMaxReplyLine);
        if (!line)
            throw event::StreamError(event::StreamError::Kind::eof, "lost connection");
        std::string_view text = line->text;
        if (digits(text, 3) != 3 || text[0] < '2' || text[0] > '5')
            refuse("the server's reply has no code");
        int code = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
        bool more = text.size() > 3 && text[3] == '-';
        if (text.size() > 3 && !more && text[3] != ' ')
            refuse("the server's reply has no code");
        if (reply.code != 0 && reply.code != code)
            refuse("the server's reply changes its code");
        reply.code = code;
        std::string_view rest = text.substr(std::min<std::size_t>(4, text.size()));
        std::string_view status = leading_status(rest);
        // A status of another class than the code's is somebody's mistake: the code counts.
        if (!status.empty() && status[0] == text[0]) {
            reply.dsn = status;
            rest.remove_prefix(std::min(status.size() + 1, rest.size()));
        }
        reply.lines.emplace_back(rest);
        if (!more)
            co_return reply;
        if (reply.lines.size() >= kMaxReplyLines)
            refuse("the server's reply does not end");
    }
}

}  // namespace smtp
