#include "smtpd/command_table.h"

#include "lib/text/text.h"
#include "smtpd/session.h"

namespace smtpd {
namespace {

constexpr std::string_view kNestedMail = "Error: nested MAIL command";
constexpr std::string_view kNeedMail = "Error: need MAIL command";
constexpr std::string_view kNeedRcpt = "Error: need RCPT command";
constexpr std::string_view kInTransaction = "Error: MAIL transaction in progress";

constexpr bool kJunk = true;
constexpr bool kWithoutTls = true;
constexpr bool kSynchronises = true;

}  // namespace

// RFC 5321, 4.1.4: the order of commands.
const std::vector<CommandSpec>& all_commands() {
    static const std::vector<CommandSpec> commands{
        {"HELO", &Session::helo, kAnywhere, "", "HELO name", "introduces a client that wants no extensions", !kJunk,
            kWithoutTls, kSynchronises},
        {"EHLO", &Session::ehlo, kAnywhere, "", "EHLO name", "introduces a client; the reply lists the extensions", !kJunk,
            kWithoutTls, kSynchronises},
        {"STARTTLS", &Session::starttls, kGreeted | kHello, kInTransaction, "STARTTLS", "begins TLS; EHLO comes again then",
            !kJunk, kWithoutTls, kSynchronises, "STARTTLS", &Session::starttls_offers},
        {"AUTH", &Session::auth, kHello, kInTransaction, "AUTH mechanism [initial-response]", "logs the client in", !kJunk,
            !kWithoutTls, kSynchronises, "AUTH", &Session::auth_offers},
        {"MAIL", &Session::mail, kGreeted | kHello, kNestedMail, "MAIL FROM:<address> [parameters]",
            "begins a message, with its sender", !kJunk, !kWithoutTls},
        {"RCPT", &Session::rcpt, kSender | kRecipients, kNeedMail, "RCPT TO:<address> [parameters]",
            "names a recipient; once for each", !kJunk, !kWithoutTls},
        {"DATA", &Session::data, kSender | kRecipients, kNeedRcpt, "DATA",
            "asks to send the message, which ends with a dot on a line of its own", !kJunk, !kWithoutTls, kSynchronises},
        {"RSET", &Session::rset, kAnywhere, "", "RSET", "drops the message that was begun", kJunk, !kWithoutTls},
        {"NOOP", &Session::noop, kAnywhere, "", "NOOP [anything]", "does nothing", kJunk, kWithoutTls, kSynchronises},
        {"VRFY", &Session::vrfy, kAnywhere, "", "VRFY address", "tells whether the address may receive mail", kJunk,
            !kWithoutTls, kSynchronises},
        {"HELP", &Session::help, kAnywhere, "", "HELP [command]", "lists the commands, or tells about one", kJunk,
            kWithoutTls},
        {"QUIT", &Session::quit, kAnywhere, "", "QUIT", "ends the session", !kJunk, kWithoutTls, kSynchronises},
    };
    return commands;
}

const CommandSpec* find_command(std::string_view verb) {
    for (const CommandSpec& spec : all_commands())
        if (spec.verb == verb)
            return &spec;
    return nullptr;
}

std::vector<std::string> command_order() {
    std::vector<std::string> order;
    for (const CommandSpec& spec : all_commands())
        order.push_back(text::lower(spec.verb));
    order.emplace_back("unknown");
    return order;
}

}  // namespace smtpd
