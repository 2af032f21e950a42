// lib/smtp/dialogue.h - a server's dialogue of commands and replies: what SMTP and LMTP do alike from the greeting to QUIT.
//
//     class Session : public smtp::Dialogue {
//         event::Task<smtp::Reply> execute(smtp::Command command) override;     // one handler per command
//     };
//     for each line: execute() -> reply, counted -> sent before the next line is waited for
//
// A command returns its Reply and does not send it; a Reply without a code was sent by the handler. A client that makes
// mistakes waits longer for each answer, and at last hears 421. One that speaks another protocol (a web browser that was
// made to connect here) is shown the door at its first line, so that nobody's commands are smuggled in.
//
// Standards   RFC 5321, 3.8 and 4.1.1; RFC 2033; RFC 2920
// Failure     a broken or silent connection is a StreamError, which converse() lets through.
// Trust       every octet comes from a stranger; lines are bounded.
#pragma once

#include <chrono>
#include <limits>
#include <string>

#include "lib/config/values.h"
#include "lib/event/stream.h"
#include "lib/smtp/command.h"
#include "lib/smtp/reply.h"
#include "lib/worker/program.h"

namespace smtp {

struct DialogueLimits {
    std::size_t line = 2048;                            // octets of a command
    int soft_errors = std::numeric_limits<int>::max();  // error replies after which each waits for `pause`
    int hard_errors = std::numeric_limits<int>::max();  // error replies after which comes 421
    std::chrono::milliseconds pause{1000};
    config::List forbidden{"CONNECT", "GET", "POST"};  // words of other protocols; so is what is no word at all
};

class Dialogue {
  public:
    virtual ~Dialogue() = default;
    Dialogue(const Dialogue&) = delete;

  protected:
    Dialogue(event::Stream stream, worker::Client& seat, DialogueLimits limits);

    // From after the greeting to the end, by either side.
    event::Task<void> read_commands();
    event::Task<void> send(Reply reply);

    virtual event::Task<Reply> execute(Command command) = 0;
    // Words for the client after too many errors; here is the place to log it.
    virtual std::string too_many_errors() = 0;
    // The client spoke another protocol, or went without QUIT: for the log.
    virtual void refused_protocol(std::string_view line) = 0;
    virtual void client_left() = 0;

    event::Stream peer_;
    worker::Client& seat_;
    bool closing_ = false;  // after the reply to come
    int errors_ = 0;

  private:
    event::Task<bool> read_command(std::string& line);
    event::Task<Reply> take(std::string line);

    DialogueLimits limits_;
};

}  // namespace smtp
