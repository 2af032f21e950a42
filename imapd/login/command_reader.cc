#include "imapd/login/command_reader.h"

#include "lib/imap/literal.h"

namespace login {

event::Task<ReadCommand> read_command(event::Stream& stream) {
    ReadCommand command;
    for (;;) {
        std::size_t room = kMaxCommand - command.text.size();
        std::optional<event::Line> line = co_await stream.read_line(room);
        if (!line)
            co_return command;  // the client has gone
        command.text += line->text;
        std::optional<imap::Literal> literal = imap::announced_literal(line->text);
        if (!literal) {
            command.kind = ReadCommand::Kind::command;
            co_return command;
        }
        bool fits = !literal->overflow && literal->size <= kMaxLiteral &&
                    command.text.size() + literal->size + 4 < kMaxCommand;
        if (!fits) {
            // A client that waits for "+" sends nothing after a refusal.
            command.kind = literal->synchronizing ? ReadCommand::Kind::refused : ReadCommand::Kind::too_large;
            co_return command;
        }
        if (literal->synchronizing)
            stream.write("+ OK\r\n");
        std::size_t size = static_cast<std::size_t>(literal->size);
        std::string_view octets = co_await stream.read_exactly(size);
        command.text += "\r\n";
        command.text += octets;
    }
}

}  // namespace login
