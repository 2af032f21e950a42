// imapd/login/command_reader.h - one IMAP command, literals included, before login.
//
// Standards   RFC 3501, 2.2.1 and 4.3; RFC 7888
// Failure     Kind::too_large: a literal or the whole is past the limits; after a non-synchronizing literal its octets
//             are in the stream already and the connection must be closed, or they would be taken for commands.
//             StreamError from the stream.
// Trust       comes from strangers; at most kMaxCommand octets are kept.
#pragma once

#include <string>

#include "lib/event/stream.h"
#include "lib/event/task.h"

namespace login {

inline constexpr std::size_t kMaxCommand = 8192;
inline constexpr std::size_t kMaxLiteral = 2048;

struct ReadCommand {
    enum class Kind { command, refused, too_large, end };
    Kind kind = Kind::end;
    std::string text;  // command: whole; refused and too_large: what came before the literal
};

event::Task<ReadCommand> read_command(event::Stream& stream);

}  // namespace login
