#include "imapd/sieve/events/mailbox_scripts.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "imapd/sieve/events/stored_message.h"
#include "imapd/sieve/scripts/flag_names.h"
#include "lib/imap/mailbox_name.h"
#include "lib/log/log.h"

namespace imapsieve {
namespace {

// Where a user has no home there are no scripts of the user's own to include.
std::string own_directory(const scripts::Params& params, const account::Owner& owner) {
    return account::places_of(params, owner).value_or(account::Places()).directory;
}

}  // namespace

MailboxScripts::MailboxScripts(const Rules& rules, const scripts::Params& params, account::Owner owner,
    const std::string& mail, std::shared_ptr<store::Account> account)
    : rules_(rules),
      params_(params),
      owner_(std::move(owner)),
      settings_(scripts::settings_of(params, owner_)),
      ready_(params, own_directory(params, owner_), settings_),
      memory_(scripts::memory_path(owner_, mail)),
      account_(std::move(account)) {}

bool MailboxScripts::wants(MailboxEvent::Cause cause, std::string_view mailbox, std::string_view from) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) { return applies(rule, cause, mailbox, from); });
}

void MailboxScripts::happened(const MailboxEvent& event) {
    try {
        run(event);
    } catch (const std::exception& error) {
        logging::error("sieve: user={}, mailbox={}: {}", owner_.name, event.mailbox.name(), error.what());
    }
}

// Nothing where one of the scripts cannot be run: a part of what was configured may be worse than none of it.
std::optional<MailboxScripts::Programs> MailboxScripts::load(const MailboxEvent& event) {
    Programs programs;
    for (const Rule& rule : rules_) {
        if (!applies(rule, event.cause, event.mailbox.name(), event.from))
            continue;
        auto program = ready_.load(rule.script);
        if (!program) {
            logging::warning("sieve: user={}, cause={}, mailbox={}: {}: {} -- the messages stay as they are", owner_.name,
                cause_name(event.cause), event.mailbox.name(), rule.script, program.error().text);
            return std::nullopt;
        }
        programs.push_back(std::move(*program));
    }
    return programs;
}

void MailboxScripts::run(const MailboxEvent& event) {
    const std::optional<Programs> programs = load(event);
    if (!programs || programs->empty())
        return;
    store::Result<std::vector<store::Message>> listed = std::unexpected(store::Failure{});
    if (auto fresh = event.mailbox.refresh(); fresh)
        listed = event.mailbox.messages();
    else
        listed = std::unexpected(fresh.error());
    if (!listed) {
        logging::warning("sieve: user={}: {}", owner_.name, listed.error().text);
        return;
    }
    auto by_uid = [](const store::Message& message, std::uint32_t uid) { return message.uid < uid; };
    for (const MailboxEvent::Message& message : event.messages) {
        const auto found = std::lower_bound(listed->begin(), listed->end(), message.uid, by_uid);
        if (found != listed->end() && found->uid == message.uid)  // else another session expunged it meanwhile
            run_one(event, *programs, message, found->flags);
    }
}

EventHost MailboxScripts::host_for(const MailboxEvent& event, const MailboxEvent::Message& message, store::Flags flags) {
    scripts::HostFacts facts;
    facts.user = owner_.name;
    facts.hostname = params_.myhostname();
    facts.version = params_.mail_version();
    facts.special_uses = params_.special_uses();
    EventFacts what;
    what.email = settings_.user_email.empty() ? owner_.name : settings_.user_email;
    what.cause = cause_name(event.cause);
    what.mailbox = imap::decode_utf7(event.mailbox.name()).value_or(event.mailbox.name());
    what.changed_flags = store::format_flags(message.changed, event.mailbox.keywords());
    what.flags = scripts::flag_names(flags, event.mailbox.keywords());
    return {std::move(facts), std::move(what), *account_, memory_};
}

void MailboxScripts::run_one(
    const MailboxEvent& event, const Programs& programs, const MailboxEvent::Message& message, store::Flags flags) {
    const std::string place = fmt::format("sieve: user={}, cause={}, mailbox={}, uid={}", owner_.name,
        cause_name(event.cause), event.mailbox.name(), message.uid);
    auto content = event.mailbox.content(message.uid);
    if (!content) {
        logging::warning("{}: {}", place, content.error().text);
        return;
    }
    const sieve::Message text(content->text());
    EventHost host = host_for(event, message, flags);
    sieve::Interpreter interpreter(text, host, settings_);
    const sieve::Outcome outcome = interpreter.run_all(programs);
    for (const std::string& warning : outcome.warnings)
        logging::info("{}: {}", place, warning);
    std::string trouble = outcome.error;
    StoredMessage stored(*account_, event.mailbox, message.uid, host, memory_);
    if (outcome.status == sieve::Outcome::Status::done)
        trouble = stored.perform(outcome.actions, text);
    if (!stored.done().empty())
        logging::info("{}{}", place, stored.done());
    if (!trouble.empty())
        logging::warning("{}: {} -- the message stays", place, trouble);
}

}  // namespace imapsieve
