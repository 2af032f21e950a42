// imapd/sieve/events/event_host.h - what a script may ask about a message in a mailbox: how it came there, and its flags.
//
// Standards   RFC 6785, 4 (environment); there is no envelope
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "imapd/sieve/scripts/mail_host.h"

namespace imapsieve {

// The user's memory (scripts/memory.h), opened when a script first asks for it.
class LazyMemory {
  public:
    explicit LazyMemory(std::string path) : path_(std::move(path)) {}
    // Null where it cannot be opened; the log says why.
    scripts::Memory* get();

  private:
    std::string path_;
    std::unique_ptr<scripts::Memory> memory_;
};

struct EventFacts {
    std::string email;               // the user's own address
    std::string cause;               // APPEND, COPY, FLAG
    std::string mailbox;             // UTF-8
    std::string changed_flags;       // "\Seen work"; empty except for FLAG
    std::vector<std::string> flags;  // of the message, when its script begins
};

class EventHost final : public scripts::MailHost {
  public:
    EventHost(scripts::HostFacts facts, EventFacts event, store::Account& account, LazyMemory& memory)
        : MailHost(std::move(facts), account, nullptr), event_(std::move(event)), memory_(memory) {}

    std::optional<std::string> environment(std::string_view item) const override;
    bool seen_recently(std::string_view id) override;
    std::vector<std::string> message_flags() const override { return event_.flags; }

  private:
    EventFacts event_;
    LazyMemory& memory_;
};

// In the user's memory, apart from what a script at delivery marked: a message that came is not a duplicate when it is
// moved.
std::string duplicate_key(std::string_view id);

}  // namespace imapsieve
