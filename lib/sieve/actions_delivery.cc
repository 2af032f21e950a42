// The actions that decide where the message goes: keep, fileinto, redirect, discard, reject.
#include <algorithm>

#include "lib/sieve/checks.h"
#include "lib/sieve/machine.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

using Kind = Action::Kind;

bool stores(const Action& action) { return action.kind == Kind::keep || action.kind == Kind::fileinto; }
bool delivers(const Action& action) { return stores(action) || action.kind == Kind::redirect; }
bool rejects(const Action& action) { return action.kind == Kind::reject || action.kind == Kind::ereject; }

std::string_view kind_name(Kind kind) {
    switch (kind) {
    case Kind::keep: return "keep";
    case Kind::fileinto: return "fileinto";
    case Kind::redirect: return "redirect";
    case Kind::reject: return "reject";
    case Kind::ereject: return "ereject";
    case Kind::discard: return "discard";
    case Kind::vacation: return "vacation";
    case Kind::notify: return "notify";
    case Kind::report: return "report";
    default: return "duplicate";
    }
}

bool same_mailbox(const Action& a, const Action& b) {
    auto name = [](const Action& action) {
        return text::equal_ignoring_case(action.mailbox, "INBOX") ? std::string("INBOX") : action.mailbox;
    };
    return name(a) == name(b) && a.special_use == b.special_use && a.mailbox_id == b.mailbox_id;
}

// RFC 5429, 2.2 and RFC 5230, 4.7: what cannot go together.
void check_conflicts(const Machine& machine, const Action& fresh) {
    for (const Action& old : machine.actions) {
        bool refusing = (rejects(fresh) && (delivers(old) || rejects(old) || old.kind == Kind::vacation)) ||
                        (rejects(old) && (delivers(fresh) || fresh.kind == Kind::vacation));
        bool twice = fresh.kind == Kind::vacation && old.kind == Kind::vacation;
        if (refusing || twice)
            machine.fail(fmt::format(
                "{} cannot go together with the {} of line {}", kind_name(fresh.kind), kind_name(old.kind), old.cause.line));
    }
}

std::size_t count_of(const Machine& machine, Kind kind) {
    return static_cast<std::size_t>(std::ranges::count(machine.actions, kind, &Action::kind));
}

void check_limits(const Machine& machine, const Action& fresh) {
    const Limits& limits = machine.limits();
    std::size_t marks = count_of(machine, Kind::mark_duplicate) + count_of(machine, Kind::discard);
    if (limits.actions > 0 && machine.actions.size() - marks >= limits.actions)
        machine.fail(fmt::format("total number of actions exceeds policy limit ({})", limits.actions));
    if (fresh.kind == Kind::redirect && limits.redirects == 0)
        machine.fail("local policy prohibits the use of a redirect action");
    if (fresh.kind == Kind::redirect && count_of(machine, Kind::redirect) >= limits.redirects)
        machine.fail(fmt::format("number of redirect actions exceeds policy limit ({})", limits.redirects));
    if (fresh.kind == Kind::notify && limits.notifications == 0)
        machine.fail("local policy prohibits the use of a notify action");
    if (fresh.kind == Kind::notify && count_of(machine, Kind::notify) >= limits.notifications)
        machine.fail(fmt::format("number of notify actions exceeds policy limit ({})", limits.notifications));
}

}  // namespace

// RFC 5228, 2.10.3: the same action twice is done once. What comes later decides about flags (RFC 5232, 5).
bool Machine::merge_action(const Action& fresh) {
    for (Action& old : actions) {
        if (stores(fresh) && stores(old) && same_mailbox(fresh, old)) {
            if (fresh.implicit)
                return true;
            old.flags = fresh.flags;
            old.create |= fresh.create;
            if (fresh.kind == Kind::keep)
                old.kind = Kind::keep;
            return true;
        }
        if (fresh.kind == Kind::redirect && old.kind == Kind::redirect && old.external_list == fresh.external_list &&
            text::equal_ignoring_case(old.address, fresh.address))
            return true;
    }
    return false;
}

void Machine::add_action(Action action) {
    action.cause = cause();
    check_conflicts(*this, action);
    if (merge_action(action))
        return;
    check_limits(*this, action);
    charge_memory(sizeof(Action) + action.reason.size() + action.subject.size());
    actions.push_back(std::move(action));
}

std::vector<std::string> Machine::resolve_flags(const Call& call) {
    if (!call.has(Slot::flags))
        return current_flags();
    std::vector<std::string> given = split_flags(strings(call, Slot::flags));
    std::erase_if(given, [this](const std::string& flag) {
        if (is_flag(flag))
            return false;
        warn(fmt::format("\"{}\" is no flag", text::printable(cut_utf8(flag, 80))));
        return true;
    });
    return given;
}

void act_keep(Machine& machine, const Call& call) {
    Action keep;
    keep.kind = Kind::keep;
    keep.mailbox = machine.settings().default_mailbox;
    keep.flags = machine.resolve_flags(call);
    keep.header = machine.edited_header();
    machine.keep_cancelled = true;
    machine.add_action(std::move(keep));
}

void act_fileinto(Machine& machine, const Call& call) {
    Action action;
    action.kind = Kind::fileinto;
    action.mailbox = machine.text(call, Slot::arg0);
    if (!is_mailbox_name(action.mailbox))
        machine.fail(fmt::format("\"{}\" is no mailbox name", text::printable(cut_utf8(action.mailbox, 200))));
    action.flags = machine.resolve_flags(call);
    action.create = call.has(Slot::create);
    action.special_use = machine.text(call, Slot::special_use);
    if (call.has(Slot::special_use) && !is_special_use_flag(action.special_use))
        machine.fail(fmt::format("\"{}\" is no special-use flag", text::printable(cut_utf8(action.special_use, 80))));
    action.mailbox_id = machine.text(call, Slot::mailbox_id);
    action.header = machine.edited_header();
    if (!call.has(Slot::copy))
        machine.keep_cancelled = true;
    machine.add_action(std::move(action));
}

void act_redirect(Machine& machine, const Call& call) {
    Action action;
    action.kind = Kind::redirect;
    std::string_view written = machine.text(call, Slot::arg0);
    if (call.has(Slot::list)) {
        action.external_list = true;
        action.address = external_list_name(written);
        if (!machine.host().is_external_list(action.address))
            machine.fail(fmt::format("there is no list \"{}\"", text::printable(cut_utf8(written, 200))));
    } else {
        std::optional<std::string> address = parse_script_address(written);
        if (!address)
            machine.fail(fmt::format("\"{}\" is no address", text::printable(cut_utf8(written, 200))));
        action.address = std::move(*address);
    }
    action.header = machine.edited_header();
    if (!call.has(Slot::copy))
        machine.keep_cancelled = true;
    machine.add_action(std::move(action));
}

void act_discard(Machine& machine, const Call&) {
    machine.keep_cancelled = true;
    if (count_of(machine, Kind::discard) > 0)
        return;
    Action action;
    action.kind = Kind::discard;
    action.cause = machine.cause();
    machine.actions.push_back(std::move(action));
}

void act_reject(Machine& machine, const Call& call) {
    Action action;
    action.kind = call.kind == CallKind::reject ? Kind::reject : Kind::ereject;
    action.reason = machine.text(call, Slot::arg0);
    machine.keep_cancelled = true;
    machine.add_action(std::move(action));
}

std::string format_action(const Action& action) {
    auto quoted = [](std::string_view text) { return "\"" + text::printable(text) + "\""; };
    std::string out(kind_name(action.kind));
    auto list = [&](std::string_view tag, const std::vector<std::string>& items) {
        if (items.empty())
            return;
        out += fmt::format(" {} [", tag);
        for (std::size_t i = 0; i < items.size(); ++i)
            out += (i > 0 ? ", " : "") + quoted(items[i]);
        out += "]";
    };
    if (action.implicit)
        out += " (implicit)";
    if (stores(action))
        list(":flags", action.flags);
    if (action.create)
        out += " :create";
    if (!action.special_use.empty())
        out += " :specialuse " + quoted(action.special_use);
    if (!action.mailbox_id.empty())
        out += " :mailboxid " + quoted(action.mailbox_id);
    if (action.fcc)
        out += " :fcc " + quoted(action.fcc->mailbox);
    switch (action.kind) {
    case Kind::fileinto: out += " " + quoted(action.mailbox); break;
    case Kind::redirect: out += (action.external_list ? " :list " : " ") + quoted(action.address); break;
    case Kind::reject:
    case Kind::ereject: out += " " + quoted(on_one_line(action.reason)); break;
    case Kind::vacation:
        out += fmt::format(" :seconds {}", action.seconds.count());
        if (!action.subject.empty())
            out += " :subject " + quoted(action.subject);
        if (!action.from.empty())
            out += " :from " + quoted(action.from);
        list(":addresses", action.addresses);
        out += (action.mime ? " :mime " : " ") + quoted(on_one_line(action.reason));
        break;
    case Kind::notify:
        out += fmt::format(" :importance \"{}\"", action.importance);
        if (!action.from.empty())
            out += " :from " + quoted(action.from);
        list(":options", action.options);
        if (!action.reason.empty())
            out += " :message " + quoted(on_one_line(action.reason));
        out += " " + quoted(action.method);
        break;
    case Kind::report:
        out += fmt::format("{} {} {} {}", action.headers_only ? " :headers_only" : "", quoted(action.feedback_type),
            quoted(on_one_line(action.reason)), quoted(action.address));
        break;
    case Kind::mark_duplicate: out += fmt::format(" :seconds {}", action.seconds.count()); break;
    default: break;
    }
    if (action.header != nullptr)
        out += " (header edited)";
    return out;
}

}  // namespace sieve
