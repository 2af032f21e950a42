// lib/sieve/vacation.h - whether a vacation action is answered, and with what message.
//
// Whoever performs the action asks answer() first. It looks at the message and the envelope only; the memory of who has
// been answered is the caller's: look for `memory_key` there before sending, and keep it for Action::seconds.
//
// Standards   RFC 5230, 4 and 5; RFC 3834, 2, 3 and 5; RFC 6131
// Failure     none; a reason instead of a message when no answer is due.
// Trust       message and script come from strangers: addresses are parsed before they go into a header, texts are encoded.
#pragma once

#include <cstdint>
#include <string>

#include "lib/sieve/host.h"
#include "lib/sieve/interpreter.h"
#include "lib/sieve/message.h"
#include "lib/sieve/settings.h"

namespace sieve {

// A message that a script makes us send.
struct Outgoing {
    std::string from;  // envelope sender, "" for the null sender
    std::vector<std::string> recipients;
    std::string content;  // CR LF lines
};

struct VacationAnswer {
    bool due = false;
    std::string why_not;     // for the log, when no answer is due
    std::string memory_key;  // sender and handle
    Outgoing reply;
};

// `id_seed` makes Message-ID and MIME boundary unique: a queue id, or anything that never repeats.
VacationAnswer answer(const Action& vacation, const Message& message, const Envelope& envelope, const Settings& settings,
    std::int64_t now, std::string_view id_seed);

}  // namespace sieve
