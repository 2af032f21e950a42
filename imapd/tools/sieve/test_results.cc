// Actions that test scripts perform and look at.
#include <algorithm>

#include <fmt/format.h>

#include "imapd/tools/sieve/test_suite.h"
#include "lib/message/structure.h"
#include "lib/sieve/notify.h"
#include "lib/text/text.h"

namespace sievec {

using sieve::Action;
using sieve::Outcome;

namespace {

std::string_view action_name(Action::Kind kind) {
    switch (kind) {
    case Action::Kind::keep: return "keep";
    case Action::Kind::fileinto: return "store";
    case Action::Kind::redirect: return "redirect";
    case Action::Kind::reject:
    case Action::Kind::ereject: return "reject";
    case Action::Kind::vacation: return "vacation";
    case Action::Kind::notify: return "notify";
    case Action::Kind::report: return "report";
    default: return "";
    }
}

std::size_t index_of(const sieve::ForeignCall& call) {
    auto found = call.tags.find("index");
    return found == call.tags.end() ? 0 : static_cast<std::size_t>(text::parse_number(found->second.at(0)).value_or(0));
}

// As the mail store does at delivery: whether there is an attachment, as a keyword.
std::string attachment_keyword(const std::string& content) {
    message::Structure structure = message::parse_structure(content);
    bool any = std::ranges::any_of(structure.parts, [](const message::Part& part) {
        return text::equal_ignoring_case(text::trim(part.disposition.value), "attachment");
    });
    return any ? "$HasAttachment" : "$HasNoAttachment";
}

bool is_shown(const Action& action) { return !action.implicit && !action_name(action.kind).empty(); }

}  // namespace

void TestSuite::take_outcome(Outcome outcome, bool append) {
    errors_.clear();
    if (outcome.status != Outcome::Status::done)
        errors_.push_back(outcome.error);
    if (!append) {
        actions_ = std::move(outcome.actions);
        performed_ = 0;
    } else {
        // What has been done already cannot be done again: a second answer to the sender or a second copy is left out.
        for (Action& fresh : outcome.actions) {
            bool again = false;
            for (Action& old : actions_) {
                bool stores = old.kind == Action::Kind::keep || old.kind == Action::Kind::fileinto;
                bool fresh_stores = fresh.kind == Action::Kind::keep || fresh.kind == Action::Kind::fileinto;
                if (stores && fresh_stores && DeskHost::canonical(old.mailbox) == DeskHost::canonical(fresh.mailbox)) {
                    again = true;
                    if (fresh.kind == Action::Kind::keep && !fresh.implicit)
                        old.kind = Action::Kind::keep;
                }
                again |= action_name(old.kind) == "reject" && action_name(fresh.kind) == "reject";
            }
            if (!again)
                actions_.push_back(std::move(fresh));
        }
    }
    has_run_ = true;
}

std::vector<Action> TestSuite::current_actions(const Call& call) const { return has_run_ ? actions_ : call.machine.actions; }

sieve::ForeignResult TestSuite::look_at_action(const Call& call) {
    Result result;
    result.has_values = true;
    std::vector<Action> actions = current_actions(call);
    std::erase_if(actions, [](const Action& action) { return !is_shown(action); });
    std::size_t index = index_of(call);
    for (std::size_t i = 0; i < actions.size(); ++i)
        if (index == 0 || index == i + 1)
            result.to_match.emplace_back(action_name(actions[i].kind));
    return result;
}

sieve::ForeignResult TestSuite::look_at_error(const Call& call) {
    Result result;
    result.has_values = true;
    std::size_t index = index_of(call);
    for (std::size_t i = 0; i < errors_.size(); ++i)
        if (index == 0 || index == i + 1)
            result.to_match.push_back(errors_[i]);
    return result;
}

sieve::ForeignResult TestSuite::execute_result(const Call& call) {
    Result result;
    errors_.clear();
    if (has_run_) {
        std::vector<Action> rest(actions_.begin() + static_cast<std::ptrdiff_t>(performed_), actions_.end());
        performed_ = actions_.size();
        result.value = perform(rest);
        return result;
    }
    std::vector<Action> actions = call.machine.actions;
    if (!call.machine.keep_cancelled) {
        Action keep;
        keep.implicit = true;
        keep.mailbox = settings_.default_mailbox;
        keep.header = call.machine.edited_header();
        if (call.machine.flags_known)
            keep.flags = call.machine.flags;
        actions.push_back(std::move(keep));
    }
    result.value = perform(actions);
    return result;
}

// All or nothing for the mail store: what fails ends in a keep of the message as it came.
bool TestSuite::perform(const std::vector<Action>& actions) {
    std::vector<std::string> notified;
    for (const Action& action : actions) {
        if (perform_one(action, notified))
            continue;
        Action keep;
        keep.mailbox = settings_.default_mailbox;
        store(keep);
        return false;
    }
    return true;
}

bool TestSuite::store(const Action& action) {
    std::string name = DeskHost::canonical(action.mailbox);
    auto mailbox = mailboxes_.find(name);
    if (mailbox == mailboxes_.end() && action.create && name.find("//") == std::string::npos) {
        host_.mailboxes.insert(name);
        mailbox = mailboxes_.try_emplace(name).first;
    }
    if (mailbox == mailboxes_.end()) {
        errors_.push_back(fmt::format("failed to store into mailbox '{}': there is no such mailbox", name));
        return false;
    }
    std::string content = action.content(*message_);
    std::vector<std::string> flags = action.flags;
    flags.push_back(attachment_keyword(content));
    mailbox->second.push_back({std::move(content), std::move(flags)});
    return true;
}

void TestSuite::copy_to(const sieve::FileCopy& copy, const std::string& content) {
    std::string name = DeskHost::canonical(copy.mailbox);
    if (copy.create)
        host_.mailboxes.insert(name);
    if (copy.create || mailboxes_.contains(name))
        mailboxes_[name].push_back({content, copy.flags});
    else
        mailboxes_["INBOX"].push_back({content, copy.flags});
}

void TestSuite::send(const sieve::Outgoing& message) {
    for (const std::string& recipient : message.recipients)
        outbox_.push_back({message.from, recipient, message.content});
}

bool TestSuite::perform_one(const Action& action, std::vector<std::string>& notified) {
    const sieve::Envelope& envelope = host_.envelope_;
    std::string seed = fmt::format("test-{}", ++sequence_);
    sieve::Sending sending;
    switch (action.kind) {
    case Action::Kind::keep:
    case Action::Kind::fileinto: return store(action);
    case Action::Kind::redirect:
        sending = sieve::redirection(action, *message_, envelope, settings_);
        if (sending.messages.empty()) {  // RFC 5228, 4.2: a redirect that is left out does not cancel the implicit keep
            Action keep;
            keep.mailbox = settings_.default_mailbox;
            return store(keep);
        }
        break;
    case Action::Kind::notify:
        sending = sieve::notification(action, *message_, envelope, settings_, host_.now(), seed, notified);
        break;
    case Action::Kind::report:
        sending = sieve::abuse_report(action, *message_, envelope, settings_, host_.now(), seed);
        break;
    case Action::Kind::reject:
    case Action::Kind::ereject: sending = sieve::rejection(action, *message_, envelope, settings_, host_.now(), seed); break;
    case Action::Kind::vacation: {
        sieve::VacationAnswer answer = sieve::answer(action, *message_, envelope, settings_, host_.now(), seed);
        if (answer.due && action.fcc)
            copy_to(*action.fcc, answer.reply.content);
        if (answer.due)
            send(answer.reply);
        return true;
    }
    case Action::Kind::mark_duplicate: host_.duplicates.insert(action.duplicate_id); return true;
    default: return true;
    }
    for (const sieve::Outgoing& message : sending.messages) {
        if (action.fcc)
            copy_to(*action.fcc, message.content);
        send(message);
    }
    return true;
}

}  // namespace sievec
