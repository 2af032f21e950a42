// Tests that look at variables and flags, or ask the host.
#include <algorithm>

#include "lib/sieve/checks.h"
#include "lib/sieve/machine.h"
#include "lib/sieve/notify.h"
#include "lib/text/text.h"

namespace sieve {

std::vector<std::string> split_flags(const std::vector<std::string>& strings) {
    std::vector<std::string> flags;
    for (const std::string& string : strings) {
        for (std::string_view flag : text::split(string, " \t\r\n")) {
            auto same = [&](const std::string& other) { return text::equal_ignoring_case(other, flag); };
            if (std::ranges::none_of(flags, same))
                flags.emplace_back(flag);
        }
    }
    return flags;
}

std::string external_list_name(std::string_view name) {
    constexpr std::string_view kShort = ":addrbook:";  // RFC 6134, 2.3
    if (text::starts_with_ignoring_case(name, kShort))
        return "urn:ietf:params:sieve" + std::string(name);
    return std::string(name);
}

bool test_hasflag(Machine& machine, const Call& call) {
    Matcher matcher(machine, call, Slot::arg1);
    auto type = static_cast<MatchType>(call.number(Slot::match_type));
    if (type != MatchType::count && type != MatchType::value)
        matcher.use_keys(split_flags(machine.strings(call, Slot::arg1)));
    std::vector<std::string> flags;
    if (call.has(Slot::arg0)) {
        std::vector<std::string> values;
        for (std::uint32_t id : call.texts(Slot::arg0))
            values.emplace_back(machine.text(id));
        flags = split_flags(values);
    } else {
        if (!machine.flags_known) {
            machine.flags = machine.host().message_flags();
            machine.flags_known = true;
        }
        flags = machine.flags;
    }
    for (const std::string& flag : flags)
        if (matcher.offer(flag))
            return true;
    return matcher.finish();
}

bool test_string(Machine& machine, const Call& call) {
    Matcher matcher(machine, call, Slot::arg1);
    bool counting = static_cast<MatchType>(call.number(Slot::match_type)) == MatchType::count;
    for (std::uint32_t id : call.texts(Slot::arg0)) {
        std::string_view value = machine.text(id);
        if (counting && value.empty())  // RFC 5229, 5: empty strings do not count
            continue;
        if (matcher.offer(value))
            return true;
    }
    return matcher.finish();
}

bool test_mailboxes(Machine& machine, const Call& call) {
    Host& host = machine.host();
    if (call.kind == CallKind::specialuse_exists) {
        std::vector<std::string> uses = machine.strings(call, Slot::arg1);
        if (!std::ranges::all_of(uses, is_special_use_flag))
            return false;
        if (!call.has(Slot::arg0))
            return host.special_use_exists(std::nullopt, uses);
        std::string_view mailbox = machine.text(call, Slot::arg0);
        return is_mailbox_name(mailbox) && host.special_use_exists(mailbox, uses);
    }
    for (std::uint32_t id : call.texts(Slot::arg0)) {
        std::string_view name = machine.text(id);
        machine.charge(10);
        bool there = call.kind == CallKind::mailboxexists ? is_mailbox_name(name) && host.mailbox_exists(name)
                                                          : host.mailbox_id_exists(name);
        if (!there)
            return false;
    }
    return true;
}

bool test_metadata(Machine& machine, const Call& call) {
    bool server = call.kind == CallKind::servermetadata || call.kind == CallKind::servermetadataexists;
    std::string mailbox_text(server ? "" : machine.text(call, Slot::arg0));
    std::optional<std::string_view> mailbox;
    if (!server) {
        if (!is_mailbox_name(mailbox_text)) {
            machine.warn("a mailbox name is not UTF-8 or holds control characters");
            return false;
        }
        mailbox = mailbox_text;
    }
    Slot name_slot = server ? Slot::arg0 : Slot::arg1;
    if (call.kind == CallKind::metadata || call.kind == CallKind::servermetadata) {
        Matcher matcher(machine, call, server ? Slot::arg1 : Slot::arg2);
        std::optional<std::string> value = machine.host().metadata(mailbox, machine.text(call, name_slot));
        return value ? (matcher.offer(*value), matcher.finish()) : false;
    }
    for (std::uint32_t id : call.texts(name_slot)) {
        machine.charge(10);
        if (!machine.host().metadata(mailbox, machine.text(id)))
            return false;
    }
    return true;
}

bool test_environment(Machine& machine, const Call& call) {
    Matcher matcher(machine, call, Slot::arg1);
    std::optional<std::string> value = machine.host().environment(text::lower(machine.text(call, Slot::arg0)));
    if (!value)  // RFC 5183, 4: an unknown item fails every test
        return false;
    bool counting = static_cast<MatchType>(call.number(Slot::match_type)) == MatchType::count;
    if (!counting || !value->empty())
        matcher.offer(*value);
    return matcher.finish();
}

bool test_duplicate(Machine& machine, const Call& call) {
    std::string id;
    std::string origin = "header";
    if (call.has(Slot::unique_id)) {
        id = machine.text(call, Slot::unique_id);
        origin = "unique";
    } else {
        std::string_view name = call.has(Slot::unique_header) ? machine.text(call, Slot::unique_header) : "message-id";
        std::vector<HeaderIndex::Field*> fields;
        machine.header().find(name, fields);
        if (fields.empty())  // RFC 7352, 3: without an id nothing is a duplicate
            return false;
        id = HeaderIndex::value(*fields.front());
        origin += "\n" + text::lower(name);
    }
    if (id.empty())
        return false;
    std::string key = fmt::format("{}\n{}\n{}", machine.text(call, Slot::handle), origin, id);
    auto [answer, fresh] = machine.duplicate_answers.try_emplace(key, false);
    if (fresh)
        answer->second = machine.host().seen_recently(key);
    bool seen = answer->second;
    if (machine.seen_duplicates.insert(key).second && (!seen || call.has(Slot::last))) {
        const Settings& settings = machine.settings();
        auto seconds = std::chrono::seconds(
            call.number(Slot::seconds, static_cast<std::uint64_t>(settings.duplicate_default.count())));
        Action mark;
        mark.kind = Action::Kind::mark_duplicate;
        mark.duplicate_id = key;
        mark.seconds = std::min(seconds, settings.duplicate_max);
        mark.cause = machine.cause();
        machine.actions.push_back(std::move(mark));
    }
    return seen;
}

bool test_lists(Machine& machine, const Call& call) {
    for (std::uint32_t id : call.texts(Slot::arg0)) {
        machine.charge(10);
        if (!machine.host().is_external_list(external_list_name(machine.text(id))))
            return false;
    }
    return true;
}

bool test_notify(Machine& machine, const Call& call) {
    if (call.kind == CallKind::valid_notify_method) {
        for (std::uint32_t id : call.texts(Slot::arg0)) {
            machine.charge(10);
            if (!parse_mailto(machine.text(id)))
                return false;
        }
        return true;
    }
    Matcher matcher(machine, call, Slot::arg2);
    if (!parse_mailto(machine.text(call, Slot::arg0)) ||
        !text::equal_ignoring_case(machine.text(call, Slot::arg1), "online"))
        return false;
    matcher.offer("maybe");  // RFC 5436, 2.2: mail does not say whether somebody reads
    return matcher.finish();
}

bool test_foreign(Machine& machine, const Call& call) {
    const ForeignCommands* foreign = machine.foreign();
    if (foreign == nullptr || call.foreign >= foreign->definitions().size())
        machine.fail("a command of another program was called");
    const ForeignDefinition& definition = foreign->definitions()[call.foreign];
    ForeignCall out{definition.name, call.line, call.kind == CallKind::foreign_command, machine, {}, {}};
    for (Slot slot : {Slot::arg0, Slot::arg1, Slot::arg2, Slot::arg3}) {
        const Argument* argument = call.find(slot);
        if (argument == nullptr)
            continue;
        if (argument->texts.empty())
            out.arguments.push_back({std::to_string(argument->number)});
        else
            out.arguments.push_back(machine.strings(call, slot));
    }
    for (const Argument& argument : call.arguments) {
        if (argument.tag.empty())
            continue;
        std::vector<std::string>& values = out.tags[argument.tag];
        for (std::uint32_t id : argument.texts)
            values.emplace_back(machine.text(id));
        if (argument.texts.empty())
            values.push_back(std::to_string(argument.number));
    }
    ForeignResult result = foreign->run(out);
    if (!result.error.empty())
        machine.fail(result.error);
    if (result.leave_section)
        throw Stop{""};
    if (!result.has_values)
        return result.value;
    Matcher matcher(machine, call, Slot::content_types);
    for (const std::string& value : result.to_match)
        if (matcher.offer(value))
            return true;
    return matcher.finish();
}

}  // namespace sieve
