// STORE and UID STORE.
#include <fmt/format.h>

#include "imapd/command_table.h"
#include "imapd/flag_arguments.h"

namespace imapd {

Reply command_store(Session& session, const imap::Command& command) {
    imap::StoreArgs args = imap::parse_store(command.args);
    FlagArguments flags = flag_arguments(args.flags);
    Selected& selected = session.selected();
    bool by_uid = command.name.starts_with("UID ");
    if (selected.read_only())
        return Reply::no("[READ-ONLY] The mailbox was opened by EXAMINE");
    if (!by_uid && args.set.exceeds(static_cast<std::uint32_t>(selected.list().size())))
        return Reply::bad("No message has such a number");
    std::vector<std::uint32_t> numbers = selected.numbers(args.set, by_uid);
    std::vector<std::uint32_t> uids;
    uids.reserve(numbers.size());
    for (std::uint32_t number : numbers)
        uids.push_back(selected.list()[number - 1].uid);
    store::FlagChange change = args.mode == imap::StoreMode::add      ? store::FlagChange::add
                               : args.mode == imap::StoreMode::remove ? store::FlagChange::remove
                                                                      : store::FlagChange::replace;
    std::uint64_t before = selected.mailbox().generation();
    auto changed = selected.mailbox().change_flags(uids, change, flags.flags, flags.keywords);
    if (!changed)
        return Reply::of(changed.error());
    selected.tell_keywords(session.wire());
    selected.adopt(*changed, before);
    if (args.silent)
        return Reply::ok("Flags stored");
    std::size_t next = 0;
    for (std::uint32_t number : numbers) {
        const store::Message& message = selected.list()[number - 1];
        while (next < changed->size() && (*changed)[next].uid < message.uid)
            ++next;
        if (next >= changed->size() || (*changed)[next].uid != message.uid)
            continue;
        if (by_uid)
            session.wire().write(fmt::format("* {} FETCH (UID {} FLAGS {})\r\n", number, message.uid,
                                             selected.flags_of(message)));
        else
            session.wire().write(fmt::format("* {} FETCH (FLAGS {})\r\n", number, selected.flags_of(message)));
    }
    if (changed->size() < uids.size())
        return Reply::no("[EXPUNGEISSUED] Some of the messages are gone");
    return Reply::ok("Flags stored");
}

}  // namespace imapd
