#include "imapd/sieve/events/stored_message.h"

#include <fmt/format.h>

#include "imapd/account/open_mailbox.h"
#include "imapd/sieve/scripts/flag_names.h"
#include "lib/imap/mailbox_name.h"
#include "lib/log/log.h"
#include "lib/text/text.h"

namespace imapsieve {
namespace {

using sieve::Action;

// Nothing where the action can be done to a message in a mailbox.
std::optional<std::string_view> refused_command(Action::Kind kind) {
    switch (kind) {
    case Action::Kind::redirect: return "redirect";
    case Action::Kind::reject: return "reject";
    case Action::Kind::ereject: return "ereject";
    case Action::Kind::vacation: return "vacation";
    case Action::Kind::notify: return "notify";
    case Action::Kind::report: return "report";
    case Action::Kind::keep:
    case Action::Kind::fileinto:
    case Action::Kind::discard:
    case Action::Kind::mark_duplicate: break;
    }
    return std::nullopt;
}

std::string at_line(const Action& action, std::string_view what) {
    return fmt::format("{}:{}: {}", action.cause.script, action.cause.line, what);
}

std::string join(const std::vector<std::string>& names, std::string_view mark) {
    std::string text;
    for (const std::string& name : names)
        text += fmt::format(" {}{}", mark, name);
    return text;
}

}  // namespace

std::string StoredMessage::perform(const std::vector<Action>& actions, const sieve::Message& message) {
    for (const Action& action : actions)
        if (const auto command = refused_command(action.kind))
            return at_line(action, fmt::format("{} cannot be done for a message that is in a mailbox", *command));
    for (const Action& action : actions) {
        std::string trouble;
        if (action.kind == Action::Kind::keep)
            trouble = keep(action, message);
        else if (action.kind == Action::Kind::fileinto)
            trouble = file(action, message);
        if (!trouble.empty())
            return at_line(action, trouble);
    }
    for (const Action& action : actions)
        if (action.kind == Action::Kind::mark_duplicate)
            remember(action);
    return stays_ ? "" : mark_deleted();
}

// The copy with the new header takes the message's place; the client expunges the old one.
std::string StoredMessage::keep(const Action& action, const sieve::Message& message) {
    if (!action.header) {
        stays_ = true;
        return change_flags(action.flags);
    }
    std::string trouble = store_edited(mailbox_, action, message);
    if (trouble.empty())
        done_ += ", stored again with another header";
    return trouble;
}

std::string StoredMessage::change_flags(const std::vector<std::string>& wanted) {
    const std::vector<std::string> present = host_.message_flags();
    const std::vector<std::string> more = scripts::flags_without(wanted, present);
    const std::vector<std::string> less = scripts::flags_without(present, wanted);
    for (const auto& [names, change] :
        {std::pair{&more, store::FlagChange::add}, std::pair{&less, store::FlagChange::remove}}) {
        if (names->empty())
            continue;
        const scripts::FlagSet set = scripts::flag_set(*names);
        if (auto changed = mailbox_.change_flags({uid_}, change, set.flags, set.keywords); !changed)
            return changed.error().text;
    }
    if (!more.empty() || !less.empty())
        done_ += fmt::format(", flags{}{}", join(more, "+"), join(less, "-"));
    return "";
}

std::string StoredMessage::target_of(const Action& action) {
    std::string name = imap::encode_utf7(action.mailbox);
    if (!action.special_use.empty())
        name = host_.mailbox_with(action.special_use).value_or(name);
    return text::equal_ignoring_case(name, "INBOX") ? "INBOX" : name;
}

std::string StoredMessage::file(const Action& action, const sieve::Message& message) {
    const std::string name = target_of(action);
    if (name == mailbox_.name())
        return keep(action, message);
    const auto if_missing = action.create ? account::IfMissing::make : account::IfMissing::fail;
    auto target = account::open_mailbox(account_, name, if_missing);
    if (!target)
        return target.error().text;
    if (action.header) {
        if (std::string trouble = store_edited(**target, action, message); !trouble.empty())
            return trouble;
    } else {
        auto copied = mailbox_.copy({uid_}, **target);
        if (!copied)
            return copied.error().text;
        const scripts::FlagSet set = scripts::flag_set(action.flags);
        auto changed = (*target)->change_flags(copied->to, store::FlagChange::replace, set.flags, set.keywords);
        if (!changed)
            return changed.error().text;
    }
    done_ += fmt::format(", filed into {}", name);
    return "";
}

std::string StoredMessage::store_edited(store::Mailbox& target, const Action& action, const sieve::Message& message) {
    auto delivery = target.deliver();
    if (!delivery)
        return delivery.error().text;
    if (auto written = (*delivery)->write(action.content(message)); !written)
        return written.error().text;
    scripts::FlagSet set = scripts::flag_set(action.flags);
    store::Delivery::Options options;
    options.flags = set.flags;
    options.keywords = std::move(set.keywords);
    options.arrival = false;
    auto date = mailbox_.internal_date(uid_);
    if (date)
        options.date = *date;
    auto delivered = (*delivery)->commit(options);
    return delivered ? "" : delivered.error().text;
}

std::string StoredMessage::mark_deleted() {
    if (auto changed = mailbox_.change_flags({uid_}, store::FlagChange::add, store::kDeleted, {}); !changed)
        return changed.error().text;
    done_ += ", flags +\\Deleted";
    return "";
}

void StoredMessage::remember(const Action& action) {
    scripts::Memory* memory = memory_.get();
    if (memory == nullptr)
        return;
    const std::int64_t until = host_.now() + action.seconds.count();
    if (auto kept = memory->remember(duplicate_key(action.duplicate_id), until); !kept)
        logging::warning("{}", kept.error());
}

}  // namespace imapsieve
