// smtpd/command_table.h - every command: who handles it, and when it is allowed.
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
    bool junk = false;           // counts towards smtpd_junk_command_limit
    bool without_tls = false;    // allowed before STARTTLS where TLS is mandatory
};

const CommandSpec* find_command(std::string_view verb);
// The verbs in lower case, in the order in which the log counts them; "unknown" is the last.
std::vector<std::string> command_order();

}  // namespace smtpd
