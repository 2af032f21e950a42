// SEARCH and UID SEARCH.
#include "imapd/imap/command_table.h"
#include "imapd/imap/search_matcher.h"
#include "lib/imap/format.h"

namespace imapd {

Reply command_search(Session& session, const imap::Command& command) {
    imap::Cursor cursor(command.args);
    std::optional<SearchMatcher> matcher = SearchMatcher::make(session, imap::parse_search(cursor, session.extensions()));
    if (!matcher)
        return Reply::no("[BADCHARSET (US-ASCII UTF-8)] Unknown charset");
    bool by_uid = command.name.starts_with("UID ");
    const std::vector<store::Message>& list = session.selected().list();
    std::string line = "* SEARCH";
    for (std::uint32_t number = 1; number <= list.size(); ++number) {
        // A search may take long; nobody waits for it who has left.
        if (number % 256 == 0 && session.wire().peer_has_left())
            throw sessions::Disconnected(sessions::Disconnected::Why::left, "connection closed");
        store::Result<bool> matches = matcher->matches(number);
        if (!matches)
            return Reply::of(matches.error());
        if (!*matches)
            continue;
        line += ' ';
        imap::append_number(line, by_uid ? list[number - 1].uid : number);
    }
    session.wire().write(line + "\r\n");
    return Reply::ok("Searched");
}

}  // namespace imapd
