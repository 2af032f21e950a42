// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE.
#include "imapd/imap/command_table.h"
#include "lib/imap/mailbox_name.h"

namespace imapd {
namespace {

Reply done_or(const store::Result<void>& result, const char* text) {
    return result ? Reply::ok(text) : Reply::of(result.error());
}

}  // namespace

Reply command_create(Session& session, const imap::Command& command) {
    return done_or(session.account().create(imap::parse_astrings(command.args, 1).front()), "Created");
}

Reply command_delete(Session& session, const imap::Command& command) {
    std::string name = imap::canonical_mailbox(imap::parse_astrings(command.args, 1).front(), session.account().separator());
    if (session.has_selected() && session.selected().mailbox().name() == name)
        session.unselect();
    return done_or(session.account().remove(name), "Deleted");
}

Reply command_rename(Session& session, const imap::Command& command) {
    std::vector<std::string> names = imap::parse_astrings(command.args, 2);
    return done_or(session.account().rename(names[0], names[1]), "Renamed");
}

Reply command_subscribe(Session& session, const imap::Command& command) {
    std::string name = imap::parse_astrings(command.args, 1).front();
    bool wanted = command.name == "SUBSCRIBE";
    return done_or(session.account().subscribe(name, wanted), wanted ? "Subscribed" : "Unsubscribed");
}

}  // namespace imapd
