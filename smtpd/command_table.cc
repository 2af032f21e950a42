#include "smtpd/command_table.h"

#include "lib/text/text.h"
#include "smtpd/session.h"

namespace smtpd {
namespace {

constexpr std::string_view kNeedHelo = "Error: send HELO/EHLO first";
constexpr std::string_view kNestedMail = "Error: nested MAIL command";
constexpr std::string_view kNeedMail = "Error: need MAIL command";
constexpr std::string_view kNeedRcpt = "Error: need RCPT command";
constexpr std::string_view kInTransaction = "Error: MAIL transaction in progress";

// RFC 5321, 4.1.4: the order of commands.
const CommandSpec kCommands[] = {
    {"HELO", &Session::helo, kAnywhere, "", false, true},
    {"EHLO", &Session::ehlo, kAnywhere, "", false, true},
    {"STARTTLS", &Session::starttls, kGreeted | kHello, kInTransaction, false, true},
    {"AUTH", &Session::auth, kHello, kInTransaction, false, false},
    {"MAIL", &Session::mail, kGreeted | kHello, kNestedMail, false, false},
    {"RCPT", &Session::rcpt, kSender | kRecipients, kNeedMail, false, false},
    {"DATA", &Session::data, kSender | kRecipients, kNeedRcpt, false, false},
    {"RSET", &Session::rset, kAnywhere, "", true, false},
    {"NOOP", &Session::noop, kAnywhere, "", true, true},
    {"VRFY", &Session::vrfy, kAnywhere, "", true, false},
    {"HELP", &Session::help, kAnywhere, "", true, true},
    {"QUIT", &Session::quit, kAnywhere, "", false, true},
};

}  // namespace

const CommandSpec* find_command(std::string_view verb) {
    for (const CommandSpec& spec : kCommands)
        if (spec.verb == verb)
            return &spec;
    return nullptr;
}

std::vector<std::string> command_order() {
    std::vector<std::string> order;
    for (const CommandSpec& spec : kCommands)
        order.push_back(text::lower(spec.verb));
    order.emplace_back("unknown");
    return order;
}

}  // namespace smtpd
