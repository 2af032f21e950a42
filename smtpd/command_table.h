// smtpd/command_table.h - every command: who handles it, when it is allowed, and what HELP and EHLO say about it.
//
// Standards   RFC 5321, 4.1; RFC 2920, 3.1 (the last of a group)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/event/task.h"
#include "lib/smtp/command.h"
#include "lib/smtp/reply.h"

namespace smtpd {

class Session;

// Where in the dialogue we are. Bits, so that a command can name several.
enum State : unsigned {
    kGreeted = 1,     // connected, no HELO yet
    kHello = 2,       // HELO or EHLO said, no transaction
    kSender = 4,      // MAIL accepted
    kRecipients = 8,  // at least one RCPT accepted
    kAnywhere = 15,
};

struct CommandSpec {
    std::string_view verb;
    event::Task<smtp::Reply> (Session::*handler)(std::string_view argument);
    unsigned allowed;            // states
    std::string_view otherwise;  // the reply's text where it is not allowed
    std::string_view syntax;     // HELP says this, and what it does
    std::string_view help;
    bool junk = false;          // counts towards smtpd_junk_command_limit
    bool without_tls = false;   // allowed before STARTTLS where TLS is mandatory
    bool synchronises = false;  // the last of a pipelined group: what the client may send next depends on the reply
    // What EHLO offers with it, by which smtpd_discard_ehlo_keywords knows it, and its lines at this moment; none where it
    // is not offered now.
    std::string_view keyword = {};
    std::vector<std::string> (Session::*offers)() const = nullptr;
};

const CommandSpec* find_command(std::string_view verb);
const std::vector<CommandSpec>& all_commands();
// The verbs in lower case, in the order in which the log counts them; "unknown" is the last.
std::vector<std::string> command_order();

}  // namespace smtpd
