// lib/sieve/notify.h - the mail that notify, report, reject and redirect send.
//
// Standards   RFC 5435, RFC 5436 (mailto), RFC 6068 (the URI), RFC 5228, 4.2 and 10 (redirect loops), RFC 5965 (report)
// Failure     none; an empty list when nothing is to be sent, with the reason.
// Trust       as vacation.h.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/message/writer.h"
#include "lib/sieve/vacation.h"

namespace sieve {

// A mailto URI taken apart.
struct MailtoUri {
    std::vector<std::string> to;  // addresses as written, names included
    std::vector<std::string> cc;
    std::vector<std::string> bcc;
    std::string subject;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};
std::expected<MailtoUri, std::string> parse_mailto(std::string_view uri);

struct Sending {
    std::vector<Outgoing> messages;
    std::string why_not;  // when there is none
};

// One message for all recipients of the mailto method. Automatic mail is not notified about (RFC 5436, 2.7.1). Addresses in
// `notified` get nothing again; those that get this one are added there.
Sending notification(const Action& notify, const Message& message, const Envelope& envelope, const Settings& settings,
    std::int64_t now, std::string_view id_seed, std::vector<std::string>& notified);

// For reject where the reason cannot go into an LMTP reply: a disposition notification to the sender (RFC 5429, 2.2.1).
Sending rejection(const Action& reject, const Message& message, const Envelope& envelope, const Settings& settings,
    std::int64_t now, std::string_view id_seed);

// A report of abuse about the message.
Sending abuse_report(const Action& report, const Message& message, const Envelope& envelope, const Settings& settings,
    std::int64_t now, std::string_view id_seed);

// The message, unchanged but for X-Sieve: and X-Sieve-Redirected-From: in front. The latter is how a loop shows: a message
// that has been redirected by this user before is not sent again (the caller keeps it instead). So does a message with
// more than `hop_limit` Received fields.
Sending redirection(const Action& redirect, const Message& message, const Envelope& envelope, const Settings& settings,
    std::size_t hop_limit = 50);

// The sender address that a script-made message gets.
std::string sender_of(
    const EnvelopeSource& source, const Envelope& envelope, const Settings& settings, std::string_view builtin);

// An address as a script or the configuration writes it, `Name <address>`, to be put into a field.
message::Address as_mailbox(std::string_view written);

// The fields of a body or part of plain text, and the text.
void write_text(message::Writer& mail, std::string_view text);

// Whether a script may put this into From: what it writes is signed for this house, so only its user's own addresses: his
// address, the recipient, the one that the sender wrote to. Another :from counts as not given (RFC 5436, 3.3).
bool may_write_as(std::string_view written, const Envelope& envelope, const Settings& settings);

}  // namespace sieve
