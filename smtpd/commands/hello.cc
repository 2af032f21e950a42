// HELO, EHLO, and the small commands that change nothing else (RFC 5321, 4.1.1.1 and 4.1.1.5 to 4.1.1.10).
#include <fmt/format.h>

#include <algorithm>

#include "lib/text/text.h"
#include "smtpd/session.h"

namespace smtpd {

using smtp::Reply;

namespace {

// What a client calls itself may be wrong, but it goes into headers and logs: no blanks, no controls, no UTF-8.
bool is_acceptable_hello(std::string_view name) {
    return !name.empty() && name.size() <= 512 &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

bool Session::discards(std::string_view keyword) const {
    const config::List& words = params_.discard_ehlo_keywords();
    return std::any_of(
        words.begin(), words.end(), [&](const std::string& word) { return text::equal_ignoring_case(word, keyword); });
}

event::Task<Reply> Session::hello_reply(std::string_view argument, bool extended) {
    if (!is_acceptable_hello(argument))
        co_return Reply(501, "", extended ? "Syntax: EHLO hostname" : "Syntax: HELO hostname");
    end_transaction();  // RFC 5321, 4.1.4
    helo_ = argument;
    extended_ = extended;
    state_ = kHello;
    const char* command = extended ? "EHLO" : "HELO";
    std::optional<Reply> refused = co_await evaluate_early(Stage::helo, command);
    if (refused)
        co_return *refused;
    co_return Reply(250, "", params_.myhostname());
}

event::Task<Reply> Session::helo(std::string_view argument) { co_return co_await hello_reply(argument, false); }

event::Task<Reply> Session::ehlo(std::string_view argument) {
    Reply reply = co_await hello_reply(argument, true);
    if (reply.code != 250)
        co_return reply;
    auto offer = [&](std::string_view keyword, const std::string& line) {
        if (!discards(keyword))
            reply.lines.push_back(line);
    };
    co_await learn_mechanisms();
    offer("PIPELINING", "PIPELINING");
    offer("SIZE", params_.message_size_limit() > 0 ? fmt::format("SIZE {}", params_.message_size_limit()) : "SIZE");
    for (const CommandSpec& spec : all_commands())
        if (spec.offers != nullptr)
            for (const std::string& line : (this->*spec.offers)())
                offer(spec.keyword, line);
    offer("ENHANCEDSTATUSCODES", "ENHANCEDSTATUSCODES");
    offer("8BITMIME", "8BITMIME");
    offer("DSN", "DSN");
    co_return reply;
}

event::Task<Reply> Session::rset(std::string_view argument) {
    if (!argument.empty())
        co_return Reply(501, "5.5.4", "Syntax: RSET");
    end_transaction();
    co_return Reply(250, "2.0.0", "Ok");
}

event::Task<Reply> Session::noop(std::string_view) { co_return Reply(250, "2.0.0", "Ok"); }

event::Task<Reply> Session::help(std::string_view argument) {
    if (!argument.empty()) {
        const CommandSpec* spec = find_command(text::upper(text::trim(argument)));
        if (spec == nullptr)
            co_return Reply(504, "5.5.4", "HELP: there is no such command");
        co_return Reply(214, "2.0.0", fmt::format("{}: {}", spec->syntax, spec->help));
    }
    std::string verbs;
    for (const CommandSpec& spec : all_commands())
        verbs += " " + std::string(spec.verb);
    Reply reply(214, "2.0.0", "Commands:" + verbs);
    reply.lines.push_back("HELP and a command tells more. For help from people, write to postmaster at this host.");
    co_return reply;
}

// RFC 5321, 3.5.3: whether a user exists is told at RCPT, not to whoever asks.
event::Task<Reply> Session::vrfy(std::string_view argument) {
    if (params_.disable_vrfy_command())
        co_return Reply(502, "5.5.1", "VRFY command is disabled");
    if (argument.empty())
        co_return Reply(501, "5.5.4", "Syntax: VRFY address");
    co_return Reply(252, "2.0.0", "Send some mail, it will be tried");
}

event::Task<Reply> Session::quit(std::string_view) {
    closing_ = true;
    end_transaction();
    co_return Reply(221, "2.0.0", "Bye");
}

}  // namespace smtpd
