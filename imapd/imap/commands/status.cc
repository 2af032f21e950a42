// STATUS.
#include <algorithm>
#include <utility>

#include "imapd/imap/command_table.h"
#include "lib/imap/format.h"
#include "lib/text/append.h"

namespace imapd {
namespace {

using imap::StatusItem;

// RFC 8438: what RFC822.SIZE says, of all messages together. One that went meanwhile counts for nothing.
store::Result<std::uint64_t> total_size(store::Mailbox& mailbox, const store::MailboxStatus&) {
    auto messages = mailbox.messages();
    if (!messages)
        return std::unexpected(messages.error());
    std::uint64_t total = 0;
    for (const store::Message& message : *messages) {
        store::Result<std::uint64_t> size = mailbox.virtual_size(message.uid);
        if (!size && size.error().kind != store::Failure::Kind::not_found)
            return size;
        total += size.value_or(0);
    }
    return total;
}

struct StatusValue {
    StatusItem item;
    store::Result<std::uint64_t> (*value)(store::Mailbox& mailbox, const store::MailboxStatus& status);
};
constexpr StatusValue kValues[] = {
    {StatusItem::messages, [](auto&, auto& status) -> store::Result<std::uint64_t> { return status.messages; }},
    {StatusItem::recent, [](auto&, auto& status) -> store::Result<std::uint64_t> { return status.recent; }},
    {StatusItem::uid_next, [](auto&, auto& status) -> store::Result<std::uint64_t> { return status.uid_next; }},
    {StatusItem::uid_validity, [](auto&, auto& status) -> store::Result<std::uint64_t> { return status.uid_validity; }},
    {StatusItem::unseen, [](auto&, auto& status) -> store::Result<std::uint64_t> { return status.unseen; }},
    {StatusItem::size, total_size},
};

}  // namespace

Reply command_status(Session& session, const imap::Command& command) {
    imap::StatusArgs args = imap::parse_status(command.args, session.extensions());
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
    std::string_view blank = "";
    for (StatusItem item : args.items) {
        auto row = std::find_if(
            std::begin(kValues), std::end(kValues), [item](const StatusValue& one) { return one.item == item; });
        store::Result<std::uint64_t> value = row->value(**mailbox, *status);
        if (!value)
            return Reply::of(value.error());
        text::append(line, "{}{} {}", std::exchange(blank, " "), imap::status_word(item), *value);
    }
    session.wire().write(line + ")\r\n");
    return Reply::ok("Status given");
}

}  // namespace imapd
