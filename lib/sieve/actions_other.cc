// Actions that send something, and those that change variables, flags and the header.
#include <algorithm>
#include <array>

#include "lib/message/date.h"
#include "lib/sieve/checks.h"
#include "lib/sieve/machine.h"
#include "lib/sieve/notify.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

using Kind = Action::Kind;

std::optional<FileCopy> file_copy(Machine& machine, const Call& call) {
    if (!call.has(Slot::fcc))
        return std::nullopt;
    FileCopy copy;
    copy.mailbox = machine.text(call, Slot::fcc);
    if (!is_mailbox_name(copy.mailbox))
        machine.fail(fmt::format("\"{}\" is no mailbox name for :fcc", text::printable(cut_utf8(copy.mailbox, 200))));
    if (call.has(Slot::flags))
        copy.flags = machine.resolve_flags(call);
    copy.create = call.has(Slot::create);
    copy.special_use = machine.text(call, Slot::special_use);
    copy.mailbox_id = machine.text(call, Slot::mailbox_id);
    return copy;
}

std::string checked_address(Machine& machine, const Call& call, Slot slot, std::string_view tag) {
    std::string_view written = machine.text(call, slot);
    if (!parse_script_address(written))
        machine.fail(fmt::format("{} \"{}\" is no address", tag, text::printable(cut_utf8(written, 200))));
    return std::string(written);
}

// The text with its variables by name, not value: RFC 5230, 4.2 with RFC 5229 tells responses apart by what the script says.
std::string unexpanded(const Machine& machine, const Call& call, Slot slot) {
    std::string out;
    for (std::uint32_t id : call.texts(slot)) {
        for (const Piece& piece : machine.code().texts[id].pieces) {
            if (piece.kind == Piece::Kind::literal)
                out += machine.code().literals[piece.index];
            else
                out += fmt::format("\x01{}:{}\x01", static_cast<int>(piece.kind), piece.index);
        }
        out += '\x02';
    }
    return out;
}

std::vector<std::string> recipients_of(std::string_view method) {
    std::vector<std::string> out;
    if (auto uri = parse_mailto(method))
        for (const auto* list : {&uri->to, &uri->cc, &uri->bcc})
            for (const std::string& written : *list)
                out.push_back(text::lower(parse_script_address(written).value_or("")));
    return out;
}

// Whoever has been notified of a message needs no second notification.
bool all_are_notified(const Machine& machine, std::string_view method) {
    std::vector<std::string> before;
    for (const Action& action : machine.actions)
        if (action.kind == Kind::notify)
            for (std::string& recipient : recipients_of(action.method))
                before.push_back(std::move(recipient));
    return std::ranges::all_of(recipients_of(method),
        [&](const std::string& recipient) { return std::ranges::find(before, recipient) != before.end(); });
}

bool is_in(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::any_of(names, [&](const std::string& other) { return text::equal_ignoring_case(other, name); });
}

std::string checked_field_name(Machine& machine, const Call& call) {
    std::string name(machine.text(call, Slot::arg0));
    if (!is_header_name(name))
        machine.fail(fmt::format("the field name \"{}\" is invalid", text::printable(cut_utf8(name, 200))));
    return name;
}

void add_header(Machine& machine, const Call& call) {
    const Settings& settings = machine.settings();
    std::string name = checked_field_name(machine, call);
    std::string_view value = machine.text(call, Slot::arg1);
    if (!is_field_value(value))
        machine.fail(
            fmt::format("the value \"{}\" for the field {} is invalid", text::printable(cut_utf8(value, 80)), name));
    if (name.size() + value.size() + 2 > settings.header_octets)
        machine.fail(fmt::format("the field {} would have {} octets; {} is the most", name, name.size() + value.size() + 2,
            settings.header_octets));
    if (is_in(settings.protected_headers, name) || is_in(settings.forbid_add, name)) {
        machine.warn(fmt::format("the field {} may not be added", name));
        return;
    }
    std::size_t before = machine.header().octets();
    machine.header().add(name, value, call.has(Slot::last));
    machine.charge_memory(machine.header().octets() - before);
}

void delete_header(Machine& machine, const Call& call) {
    const Settings& settings = machine.settings();
    std::string name = checked_field_name(machine, call);
    bool trace = text::equal_ignoring_case(name, "Received") || text::equal_ignoring_case(name, "Auto-Submitted");
    if (trace || is_in(settings.protected_headers, name) || is_in(settings.forbid_delete, name)) {  // RFC 5293, 5
        machine.warn(fmt::format("the field {} may not be deleted", name));
        return;
    }
    std::vector<HeaderIndex::Field*> fields = fields_of_test(machine, call, Slot::arg0);
    if (call.has(Slot::arg1)) {
        std::erase_if(fields, [&](HeaderIndex::Field* field) {
            Matcher matcher(machine, call, Slot::arg1);
            matcher.offer(HeaderIndex::value(*field));
            return !matcher.finish();
        });
    }
    machine.header().remove(fields);
}

std::string quote_characters(std::string_view value, std::string_view special) {
    std::string out;
    for (char c : value) {
        if (special.find(c) != std::string_view::npos)
            out += '\\';
        out += c;
    }
    return out;
}

std::string encode_url(std::string_view value) {  // RFC 5435, 6: all but RFC 3986's unreserved
    std::string out;
    for (char c : value) {
        if (text::is_alnum(c) || std::string_view("-._~").find(c) != std::string_view::npos)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

}  // namespace

void act_vacation(Machine& machine, const Call& call) {
    const Settings& settings = machine.settings();
    Action action;
    action.kind = Kind::vacation;
    action.reason = machine.text(call, Slot::arg0);
    action.subject = on_one_line(machine.text(call, Slot::subject));
    if (call.has(Slot::from))
        action.from = checked_address(machine, call, Slot::from, ":from");
    for (std::string& address : machine.strings(call, Slot::addresses)) {
        if (parse_script_address(address))
            action.addresses.push_back(*parse_script_address(address));
        else
            machine.warn(fmt::format(":addresses \"{}\" is no address", text::printable(cut_utf8(address, 200))));
    }
    action.mime = call.has(Slot::mime_reason);
    std::chrono::seconds seconds = settings.vacation_default;
    if (call.has(Slot::seconds))
        seconds = std::chrono::seconds(call.number(Slot::seconds));
    seconds = std::max(seconds, settings.vacation_min);
    if (settings.vacation_max.count() > 0)
        seconds = std::min(seconds, settings.vacation_max);
    action.seconds = seconds;
    if (call.has(Slot::handle))
        action.handle = fmt::format("handle\n{}", machine.text(call, Slot::handle));
    else
        action.handle = fmt::format("text\n{}\n{}\n{}\n{}", action.mime ? 1 : 0, unexpanded(machine, call, Slot::subject),
            unexpanded(machine, call, Slot::from), unexpanded(machine, call, Slot::arg0));
    action.fcc = file_copy(machine, call);
    machine.add_action(std::move(action));
}

void act_notify(Machine& machine, const Call& call) {
    Action action;
    action.kind = Kind::notify;
    action.method = machine.text(call, Slot::arg0);
    if (auto uri = parse_mailto(action.method); !uri)
        machine.fail(
            fmt::format("notify cannot use \"{}\": {}", text::printable(cut_utf8(action.method, 200)), uri.error()));
    if (call.has(Slot::from))
        action.from = checked_address(machine, call, Slot::from, ":from");
    if (call.has(Slot::importance)) {
        std::string_view importance = machine.text(call, Slot::importance);
        if (importance.size() == 1 && importance[0] >= '1' && importance[0] <= '3')
            action.importance = importance[0] - '0';
        else
            machine.warn(fmt::format(":importance \"{}\" is none of 1, 2 and 3", text::printable(cut_utf8(importance, 20))));
    }
    for (std::string& option : machine.strings(call, Slot::options))
        if (is_notify_option(option))
            action.options.push_back(std::move(option));
    action.reason = machine.text(call, Slot::message);
    action.fcc = file_copy(machine, call);
    action.header = machine.edited_header();
    if (!all_are_notified(machine, action.method))
        machine.add_action(std::move(action));
}

void act_report(Machine& machine, const Call& call) {
    Action action;
    action.kind = Kind::report;
    action.headers_only = call.has(Slot::headers_only);
    action.feedback_type = machine.text(call, Slot::arg0);
    action.reason = machine.text(call, Slot::arg1);
    std::string_view written = machine.text(call, Slot::arg2);
    std::optional<std::string> address = parse_script_address(written);
    if (!address)
        machine.fail(fmt::format("\"{}\" is no address for a report", text::printable(cut_utf8(written, 200))));
    action.address = std::move(*address);
    machine.add_action(std::move(action));
}

void Machine::modify(std::string& value, std::uint32_t modifiers) {
    if ((modifiers & kLower) != 0)
        value = text::lower(value);
    if ((modifiers & kUpper) != 0)
        value = text::upper(value);
    if ((modifiers & kLowerFirst) != 0 && !value.empty())
        value[0] = text::to_lower(value[0]);
    if ((modifiers & kUpperFirst) != 0 && !value.empty())
        value[0] = text::to_upper(value[0]);
    if ((modifiers & kQuoteWildcard) != 0)
        value = quote_characters(value, "*?\\");
    if ((modifiers & kQuoteRegex) != 0)
        value = quote_characters(value, "\\^$.|?*+()[]{}");
    if ((modifiers & kEncodeUrl) != 0)
        value = encode_url(value);
    if ((modifiers & kLength) != 0)
        value = std::to_string(utf8_length(value));
}

void act_set(Machine& machine, const Call& call) {
    std::string value(machine.text(call, Slot::arg1));
    machine.modify(value, static_cast<std::uint32_t>(call.number(Slot::modifiers)));
    machine.assign(call, Slot::arg0, std::move(value));
}

// RFC 5232, 3
void act_flags(Machine& machine, const Call& call) {
    if (!call.has(Slot::arg0) && !machine.flags_known) {
        machine.flags = machine.host().message_flags();
        machine.flags_known = true;
    }
    std::vector<std::string> given = split_flags(machine.strings(call, Slot::arg1));
    std::vector<std::string> flags;
    if (call.kind != CallKind::setflag)
        flags = call.has(Slot::arg0) ? split_flags(machine.strings(call, Slot::arg0)) : machine.flags;
    auto same_as = [](const std::string& a) {
        return [&a](const std::string& b) { return text::equal_ignoring_case(a, b); };
    };
    for (std::string& flag : given) {
        if (call.kind == CallKind::removeflag)
            std::erase_if(flags, same_as(flag));
        else if (std::ranges::none_of(flags, same_as(flag)))
            flags.push_back(std::move(flag));
    }
    constexpr std::size_t kMaxFlags = 1000;
    if (flags.size() > kMaxFlags)
        machine.fail(fmt::format("more than {} flags", kMaxFlags));
    if (!call.has(Slot::arg0)) {
        std::erase_if(flags, [&](const std::string& flag) {
            if (is_flag(flag))
                return false;
            machine.warn(fmt::format("\"{}\" is no flag", text::printable(cut_utf8(flag, 80))));
            return true;
        });
        machine.flags = std::move(flags);
        return;
    }
    std::string joined;
    for (const std::string& flag : flags)
        joined += (joined.empty() ? "" : " ") + flag;
    machine.assign(call, Slot::arg0, std::move(joined));
}

void act_edit_header(Machine& machine, const Call& call) {
    call.kind == CallKind::addheader ? add_header(machine, call) : delete_header(machine, call);
}

void act_extracttext(Machine& machine, const Call& call) {
    Message::Parsed& parsed = machine.parsed();
    std::size_t before = parsed.kept();
    std::string value;
    if (std::optional<std::string_view> readable = parsed.readable(machine.current_part())) {
        machine.charge(1 + readable->size() / 1024);
        std::string_view text = *readable;
        std::uint64_t first = call.number(Slot::first, UINT64_MAX);
        std::size_t end = 0;
        while (end < text.size() && first > 0) {
            ++end;
            while (end < text.size() && (text[end] & 0xc0) == 0x80)
                ++end;
            --first;
        }
        value = text.substr(0, std::min<std::size_t>(end, machine.limits().string_octets));
    }
    machine.charge_memory(parsed.kept() - before);
    machine.modify(value, static_cast<std::uint32_t>(call.number(Slot::modifiers)));
    machine.assign(call, Slot::arg0, std::move(value));
}

}  // namespace sieve
