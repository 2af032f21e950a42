// EXPUNGE and UID EXPUNGE. The EXPUNGE responses come from the report that follows.
#include "imapd/imap/command_table.h"

namespace imapd {

Reply command_expunge(Session& session, const imap::Command& command) {
    Selected& selected = session.selected();
    bool by_uid = command.name.starts_with("UID ");
    if (by_uid && !command.has_args)
        throw imap::SyntaxError("Missing argument");
    std::vector<std::uint32_t> wanted;
    if (by_uid) {
        wanted = selected.numbers(imap::parse_sequence_set(command.args), true);
    } else {
        for (std::uint32_t number = 1; number <= selected.list().size(); ++number)
            wanted.push_back(number);
    }
    if (selected.read_only())
        return Reply::no("[READ-ONLY] The mailbox was opened by EXAMINE");
    std::vector<std::uint32_t> deleted;
    for (std::uint32_t number : wanted) {
        if (selected.list()[number - 1].flags & store::kDeleted)
            deleted.push_back(selected.list()[number - 1].uid);
    }
    if (!deleted.empty()) {
        if (auto expunged = selected.mailbox().expunge(deleted); !expunged)
            return Reply::of(expunged.error());
    }
    return Reply::ok("Expunged");
}

}  // namespace imapd
