#include "lib/smtp/dialogue.h"

#include <algorithm>

#include "lib/event/loop.h"
#include "lib/text/text.h"

namespace smtp {
namespace {

bool is_word(std::string_view verb) { return std::ranges::all_of(verb, text::is_alpha); }

bool contains(const config::List& list, std::string_view word) {
    return std::ranges::any_of(list, [&](const std::string& item) { return text::equal_ignoring_case(item, word); });
}

}  // namespace

Dialogue::Dialogue(event::Stream stream, worker::Client& seat, DialogueLimits limits)
    : peer_(std::move(stream)), seat_(seat), limits_(std::move(limits)) {}

event::Task<void> Dialogue::read_commands() {
    while (!closing_) {
        std::string line;
        const bool more = co_await read_command(line);
        if (!more) {
            client_left();
            co_return;
        }
        Reply reply = co_await take(std::move(line));
        if (reply.is_error() && !closing_ && ++errors_ >= limits_.hard_errors) {
            closing_ = true;
            peer_.write(format_reply(reply));
            reply = Reply(421, "4.7.0", too_many_errors());  // RFC 5321, 3.8
        }
        co_await send(std::move(reply));
    }
    co_await peer_.flush();
}

event::Task<bool> Dialogue::read_command(std::string& line) {
    seat_.set(worker::Client::State::between_commands);
    std::optional<event::Line> read = co_await peer_.read_line(limits_.line);
    seat_.set(worker::Client::State::busy);
    if (!read)
        co_return false;
    line = read->text;
    co_return true;
}

// A reply leaves at the next wait; after many errors only after a pause, so that guessing is slow.
event::Task<void> Dialogue::send(Reply reply) {
    if (reply.code == 0)
        co_return;
    const bool slow = reply.is_error() && errors_ > limits_.soft_errors;
    if (slow)
        co_await event::sleep_for(peer_.loop(), limits_.pause);
    peer_.write(format_reply(reply));
}

event::Task<Reply> Dialogue::take(std::string line) {
    Command command = parse_command(line);
    if (command.verb.empty())
        co_return Reply(500, "5.5.2", "Error: bad syntax");
    if (!is_word(command.verb) || contains(limits_.forbidden, command.verb)) {
        closing_ = true;
        refused_protocol(line);
        co_return Reply(221, "2.7.0", "Error: I can break rules, too. Goodbye.");
    }
    co_return co_await execute(std::move(command));
}

}  // namespace smtp
