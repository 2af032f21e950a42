// STATUS.
#include <fmt/format.h>

#include "imapd/imap/command_table.h"
#include "lib/imap/format.h"

namespace imapd {

Reply command_status(Session& session, const imap::Command& command) {
    imap::StatusArgs args = imap::parse_status(command.args);
    auto mailbox = session.account().open(args.mailbox);
    if (!mailbox)
        return Reply::of(mailbox.error());
    if (auto fresh = (*mailbox)->refresh(); !fresh)
        return Reply::of(fresh.error());
    auto status = (*mailbox)->status();
    if (!status)
        return Reply::of(status.error());
    std::string line = "* STATUS ";
    imap::append_astring(line, args.mailbox);
    line += " (";
    for (std::size_t i = 0; i < args.items.size(); ++i) {
        if (i > 0)
            line += ' ';
        switch (args.items[i]) {
        case imap::StatusItem::messages: line += fmt::format("MESSAGES {}", status->messages); break;
        case imap::StatusItem::recent: line += fmt::format("RECENT {}", status->recent); break;
        case imap::StatusItem::uid_next: line += fmt::format("UIDNEXT {}", status->uid_next); break;
        case imap::StatusItem::uid_validity: line += fmt::format("UIDVALIDITY {}", status->uid_validity); break;
        case imap::StatusItem::unseen: line += fmt::format("UNSEEN {}", status->unseen); break;
        }
    }
    session.wire().write(line + ")\r\n");
    return Reply::ok("Status given");
}

}  // namespace imapd
