// lib/smtp/reply.h - an SMTP or LMTP reply: what a server formats and a client reads.
//
// Standards   RFC 5321, 4.2; RFC 2034 and RFC 3463 (enhanced status codes)
// Failure     read_reply() throws StreamError for a broken connection, and for a reply that is none: no code,
//             codes that change within one reply, more lines or octets than any server has reason to send.
// Trust       a server's text comes from a stranger: printable() before it goes into a log or a report.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/event/stream.h"

namespace smtp {

struct Reply {
    int code = 0;
    std::string dsn;                 // "5.1.1"; empty where none is given
    std::vector<std::string> lines;  // texts without code and status

    Reply() = default;
    Reply(int reply_code, std::string status, std::string text)
        : code(reply_code), dsn(std::move(status)), lines{std::move(text)} {}

    // RFC 5321, 4.2.1. Only 2xx completes anything: 3xx asks for more, and who has nothing more to say was misunderstood.
    bool is_success() const { return code >= 200 && code < 300; }
    bool wants_more() const { return code >= 300 && code < 400; }
    bool is_error() const { return code >= 400; }
    bool is_temporary() const { return code >= 400 && code < 500; }
    bool is_permanent() const { return code >= 500; }

    // "250 2.1.0 Ok", all in one line, for logs: lines joined by a space.
    std::string text() const;
};

// With CR LF at each line's end. Control characters in a text would end a line early and become spaces.
std::string format_reply(const Reply& reply);

inline constexpr std::size_t kMaxReplyLine = 2048;
inline constexpr std::size_t kMaxReplyLines = 100;

// A client's side: reads one whole reply.
event::Task<Reply> read_reply(event::Stream& stream);

// "5.1.1" at the start of a text, or empty.
std::string_view leading_status(std::string_view text);

}  // namespace smtp
