// imapd/sieve/events/mailbox_scripts.h - runs the scripts of imap_sieve_scripts in a session's process.
//
// Of several entries that fit, each is run only if the one before it ended with a keep. An error in one of them, at whatever
// place, leaves the message as it is.
//
// Standards   RFC 6785. Users cannot choose scripts of their own: that would need METADATA.
// Failure     a warning in the log that names user, mailbox and message; the client sees nothing of it.
// Rights      the user's. Trust: messages come from strangers; the scripts are the administrator's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "imapd/sieve/events/event_host.h"
#include "imapd/sieve/events/rules.h"
#include "imapd/sieve/scripts/ready_scripts.h"
#include "lib/sieve/interpreter.h"
#include "lib/store/account.h"

namespace imapsieve {

class MailboxScripts final : public account::MailboxEvents {
  public:
    // Rules and parameters must stay.
    MailboxScripts(const Rules& rules, const scripts::Params& params, account::Owner owner, const std::string& mail,
        std::shared_ptr<store::Account> account);

    bool wants(MailboxEvent::Cause cause, std::string_view mailbox, std::string_view from) const override;
    void happened(const MailboxEvent& event) override;

  private:
    using Programs = std::vector<std::shared_ptr<const sieve::Program>>;

    void run(const MailboxEvent& event);
    void run_one(
        const MailboxEvent& event, const Programs& programs, const MailboxEvent::Message& message, store::Flags flags);
    std::optional<Programs> load(const MailboxEvent& event);
    EventHost host_for(const MailboxEvent& event, const MailboxEvent::Message& message, store::Flags flags);

    const Rules& rules_;
    const scripts::Params& params_;
    account::Owner owner_;
    sieve::Settings settings_;
    scripts::ReadyScripts ready_;
    LazyMemory memory_;
    std::shared_ptr<store::Account> account_;
};

}  // namespace imapsieve
