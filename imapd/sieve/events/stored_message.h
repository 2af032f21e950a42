// imapd/sieve/events/stored_message.h - what a script says, done to a message that is in a mailbox already.
//
//     keep            its flags become those that the script left; with an edited header a new message takes its place
//     fileinto        a copy in that mailbox
//     no keep         \Deleted, once all copies are made; nobody but the client expunges
//
// Standards   RFC 6785, 3. What sends mail or refuses is no action here: the reason says which line asked for it.
// Failure     a reason for the log; the message stays as it is then, and what was copied stays where it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/sieve/events/event_host.h"
#include "lib/sieve/interpreter.h"
#include "lib/store/account.h"

namespace imapsieve {

class StoredMessage {
  public:
    StoredMessage(store::Account& account, store::Mailbox& mailbox, std::uint32_t uid, EventHost& host, LazyMemory& memory)
        : account_(account), mailbox_(mailbox), uid_(uid), host_(host), memory_(memory) {}

    // Empty, or what stood in the way.
    std::string perform(const std::vector<sieve::Action>& actions, const sieve::Message& message);

    // ", filed into Lists, flags +work -\Seen": for the log; empty if nothing was changed.
    const std::string& done() const { return done_; }

  private:
    using Action = sieve::Action;

    std::string keep(const Action& action, const sieve::Message& message);
    std::string change_flags(const std::vector<std::string>& wanted);
    std::string file(const Action& action, const sieve::Message& message);
    std::string store_edited(store::Mailbox& target, const Action& action, const sieve::Message& message);
    std::string target_of(const Action& action);
    std::string mark_deleted();
    void remember(const Action& action);

    store::Account& account_;
    store::Mailbox& mailbox_;
    std::uint32_t uid_;
    EventHost& host_;
    LazyMemory& memory_;
    bool stays_ = false;  // as the script wants it
    std::string done_;
};

}  // namespace imapsieve
