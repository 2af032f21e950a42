// STORE and UID STORE.
#include <fmt/format.h>

#include <algorithm>

#include "imapd/imap/command_table.h"
#include "imapd/imap/flag_arguments.h"

namespace imapd {
namespace {

// The flags as they were just before STORE, by UID; empty where no script wants to know what changes.
store::Result<std::vector<store::Message>> flags_before(const Session& session, store::Mailbox& mailbox) {
    const account::MailboxEvents* events = session.settings().events;
    if (!events || !events->wants(account::MailboxEvent::Cause::flag, mailbox.name(), ""))
        return {};
    if (auto fresh = mailbox.refresh(); !fresh)
        return std::unexpected(fresh.error());
    return mailbox.messages();
}

void tell_scripts(const Session& session, store::Mailbox& mailbox, const std::vector<store::Message>& before,
    const std::vector<store::Message>& after) {
    if (before.empty())
        return;
    account::MailboxEvent event{account::MailboxEvent::Cause::flag, mailbox, "", {}};
    auto by_uid = [](const store::Message& message, std::uint32_t uid) { return message.uid < uid; };
    for (const store::Message& now : after) {
        auto found = std::lower_bound(before.begin(), before.end(), now.uid, by_uid);
        if (found != before.end() && found->uid == now.uid && found->flags != now.flags)
            event.messages.push_back({now.uid, found->flags ^ now.flags});
    }
    if (!event.messages.empty())
        session.settings().events->happened(event);
}

}  // namespace

Reply command_store(Session& session, const imap::Command& command) {
    imap::StoreArgs args = imap::parse_store(command.args, session.extensions());
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
    auto flags_were = flags_before(session, selected.mailbox());
    if (!flags_were)
        return Reply::of(flags_were.error());
    store::Modseq before = selected.mailbox().highest_modseq();
    auto changed = selected.mailbox().change_flags(uids, change, flags.flags, flags.keywords);
    if (!changed)
        return Reply::of(changed.error());
    selected.tell_keywords(session.wire());
    selected.adopt(*changed, before);
    if (args.silent) {
        tell_scripts(session, selected.mailbox(), *flags_were, *changed);
        return Reply::ok("Flags stored");
    }
    std::size_t next = 0;
    for (std::uint32_t number : numbers) {
        const store::Message& message = selected.list()[number - 1];
        while (next < changed->size() && (*changed)[next].uid < message.uid)
            ++next;
        if (next >= changed->size() || (*changed)[next].uid != message.uid)
            continue;
        if (by_uid)
            session.wire().write(
                fmt::format("* {} FETCH (UID {} FLAGS {})\r\n", number, message.uid, selected.flags_of(message)));
        else
            session.wire().write(fmt::format("* {} FETCH (FLAGS {})\r\n", number, selected.flags_of(message)));
    }
    tell_scripts(session, selected.mailbox(), *flags_were, *changed);
    if (changed->size() < uids.size())
        return Reply::no("[EXPUNGEISSUED] Some of the messages are gone");
    return Reply::ok("Flags stored");
}

}  // namespace imapd
