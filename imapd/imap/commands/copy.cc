// COPY, MOVE, and their UID forms.
#include <fmt/format.h>

#include "imapd/imap/command_table.h"
#include "lib/imap/mailbox_name.h"

namespace imapd {
namespace {

struct Request {
    std::vector<std::uint32_t> uids;
    std::unique_ptr<store::Mailbox> opened;  // unless the target is the selected mailbox
    store::Mailbox* target = nullptr;
};

std::optional<Reply> prepare(Session& session, const imap::Command& command, Request& request) {
    imap::CopyArgs args = imap::parse_copy(command.args);
    Selected& selected = session.selected();
    bool by_uid = command.name.starts_with("UID ");
    if (!by_uid && args.set.exceeds(static_cast<std::uint32_t>(selected.list().size())))
        return Reply::bad("No message has such a number");
    for (std::uint32_t number : selected.numbers(args.set, by_uid))
        request.uids.push_back(selected.list()[number - 1].uid);
    std::string name = imap::canonical_mailbox(args.mailbox, session.account().separator());
    if (name == selected.mailbox().name()) {
        request.target = &selected.mailbox();
        return std::nullopt;
    }
    auto opened = session.account().open(name);
    if (!opened) {
        bool absent = opened.error().kind == store::Failure::Kind::not_found;
        return absent ? Reply::no("[TRYCREATE] No such mailbox") : Reply::of(opened.error());
    }
    request.opened = std::move(*opened);
    request.target = request.opened.get();
    return std::nullopt;
}

std::string copy_uid(const store::Copied& copied) {
    return fmt::format("[COPYUID {} {} {}]", copied.uid_validity, imap::format_sequence_set(copied.from),
        imap::format_sequence_set(copied.to));
}

void tell_scripts(Session& session, const Request& request, const store::Copied& copied) {
    account::MailboxEvents* events = session.settings().events;
    const std::string& from = session.selected().mailbox().name();
    if (!events || !events->wants(account::MailboxEvent::Cause::copy, request.target->name(), from))
        return;
    account::MailboxEvent event{account::MailboxEvent::Cause::copy, *request.target, from, {}};
    for (const std::uint32_t uid : copied.to)
        event.messages.push_back({uid, 0});
    events->happened(event);
}

Reply gone_or(const store::Failure& failure) {
    if (failure.kind == store::Failure::Kind::not_found)
        return Reply::no("[EXPUNGEISSUED] Some of the messages are gone");
    return Reply::of(failure);
}

}  // namespace

Reply command_copy(Session& session, const imap::Command& command) {
    Request request;
    if (auto refused = prepare(session, command, request))
        return *refused;
    if (request.uids.empty())
        return Reply::ok("No messages to copy");
    auto copied = session.selected().mailbox().copy(request.uids, *request.target);
    if (!copied)
        return gone_or(copied.error());
    tell_scripts(session, request, *copied);
    return Reply::ok(copy_uid(*copied) + " Copied");
}

Reply command_move(Session& session, const imap::Command& command) {
    Request request;
    if (session.selected().read_only())
        return Reply::no("[READ-ONLY] The mailbox was opened by EXAMINE");
    if (auto refused = prepare(session, command, request))
        return *refused;
    if (request.uids.empty())
        return Reply::ok("No messages to move");
    auto moved = session.selected().mailbox().move(request.uids, *request.target);
    if (!moved)
        return gone_or(moved.error());
    // RFC 6851, 4.3: the code comes before the EXPUNGEs, in an untagged OK.
    session.say(Reply::ok(copy_uid(*moved) + " Moved"));
    tell_scripts(session, request, *moved);
    return Reply::ok("Moved");
}

}  // namespace imapd
