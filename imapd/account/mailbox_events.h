// imapd/account/mailbox_events.h - who is to hear of messages that a client put into a mailbox, and of flags that it
// changed.
//
// A command tells after the change is durable and before its reply. Where nobody listens, SessionSettings::events is null
// and the command asks nothing else.
//
// Failure     none that the command would have to know: happened() never throws, and the message stays.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lib/store/mailbox.h"

namespace account {

struct MailboxEvent {
    enum class Cause { append, copy, flag };  // RFC 6785, 2.2; MOVE is a copy

    struct Message {
        std::uint32_t uid = 0;
        store::Flags changed = 0;  // for Cause::flag
    };

    Cause cause = Cause::append;
    store::Mailbox& mailbox;  // where the messages are now
    std::string_view from;    // for Cause::copy: the mailbox where they were
    std::vector<Message> messages;
};

class MailboxEvents {
  public:
    virtual ~MailboxEvents() = default;
    // False: happened() would do nothing. Names as in IMAP.
    virtual bool wants(MailboxEvent::Cause cause, std::string_view mailbox, std::string_view from) const = 0;
    virtual void happened(const MailboxEvent& event) = 0;
};

}  // namespace account
