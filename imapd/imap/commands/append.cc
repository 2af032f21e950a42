// APPEND: the message goes from the wire to the store piece by piece.
#include <fmt/format.h>

#include <algorithm>

#include "imapd/imap/command_table.h"
#include "imapd/imap/flag_arguments.h"

namespace imapd {

Reply command_append(Session& session, const imap::Command& command) {
    if (!session.open_literal())
        throw imap::SyntaxError("A literal with the message is expected");
    imap::Literal literal = *session.open_literal();
    std::optional<imap::AppendArgs> args = imap::parse_append(command.args);
    if (!args)
        throw imap::SyntaxError("A mailbox name is expected");
    store::Delivery::Options options;
    FlagArguments flags = flag_arguments(args->flags);
    options.flags = flags.flags;
    options.keywords = flags.keywords;
    options.date = args->date;
    options.arrival = false;
    if (literal.size > session.settings().max_message)
        return Reply::no("[TOOBIG] The message is too large");
    if (literal.size == 0)
        return Reply::no("[CANNOT] An empty message cannot be stored");
    auto mailbox = session.account().open(args->mailbox);
    if (!mailbox) {
        bool absent = mailbox.error().kind == store::Failure::Kind::not_found;
        return absent ? Reply::no("[TRYCREATE] No such mailbox") : Reply::of(mailbox.error());
    }
    auto delivery = (*mailbox)->deliver();
    if (!delivery)
        return Reply::of(delivery.error());

    session.open_literal().reset();  // from here on it is being read
    sessions::Wire& wire = session.wire();
    if (literal.synchronizing)
        wire.write("+ OK\r\n");
    store::Result<void> written;
    for (std::uint64_t left = literal.size; left > 0;) {
        std::string_view chunk = wire.read_some(static_cast<std::size_t>(std::min<std::uint64_t>(left, 65536)));
        left -= chunk.size();
        if (written)
            written = (*delivery)->write(chunk);
    }
    std::string rest(wire.read_line(65536));
    if (!rest.empty()) {
        if (auto more = imap::announced_literal(rest))
            session.open_literal() = more;  // the session reads it away
        throw imap::SyntaxError("One message only can be appended at a time");
    }
    if (!written)
        return Reply::of(written.error());
    auto delivered = (*delivery)->commit(options);
    if (!delivered)
        return Reply::of(delivered.error());
    delivery->reset();
    account::MailboxEvents* events = session.settings().events;
    if (events && events->wants(account::MailboxEvent::Cause::append, (*mailbox)->name(), ""))
        events->happened({account::MailboxEvent::Cause::append, **mailbox, "", {{delivered->uid, 0}}});
    return Reply::ok(fmt::format("[APPENDUID {} {}] Appended", delivered->uid_validity, delivered->uid));
}

}  // namespace imapd
