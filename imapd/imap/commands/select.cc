// SELECT, EXAMINE, CLOSE, UNSELECT.
#include "imapd/imap/command_table.h"

namespace imapd {

Reply command_select(Session& session, const imap::Command& command) {
    std::string name = imap::parse_select(command.args).mailbox;
    std::unique_ptr<Selected> before = session.take_selected();  // also if this fails (RFC 3501, 6.3.1)
    bool read_only = command.name == "EXAMINE";
    auto mailbox = session.account().open(name);
    if (!mailbox)
        return Reply::of(mailbox.error());
    auto selected = std::make_unique<Selected>(std::move(*mailbox), read_only);
    if (auto begun = selected->begin(before.get()); !begun)
        return Reply::of(begun.error());
    if (auto announced = selected->announce(session.wire()); !announced)
        return Reply::of(announced.error());
    session.select(std::move(selected));
    return Reply::ok(read_only ? "[READ-ONLY] Examined" : "[READ-WRITE] Selected");
}

Reply command_close(Session& session, const imap::Command&) {
    Selected& selected = session.selected();
    if (!selected.read_only()) {
        std::vector<std::uint32_t> deleted;
        for (const store::Message& message : selected.list()) {
            if (message.flags & store::kDeleted)
                deleted.push_back(message.uid);
        }
        if (!deleted.empty()) {
            if (auto expunged = selected.mailbox().expunge(deleted); !expunged)
                return Reply::of(expunged.error());
        }
    }
    session.unselect();
    return Reply::ok("Closed");
}

Reply command_unselect(Session& session, const imap::Command&) {
    session.unselect();
    return Reply::ok("Unselected");
}

}  // namespace imapd
