// The tests of RFC 5228 on header, envelope and size, with :index, :mime and subaddress.
#include <algorithm>

#include "lib/address/mailbox.h"
#include "lib/message/charset.h"
#include "lib/message/encoded_word.h"
#include "lib/sieve/checks.h"
#include "lib/sieve/machine.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

// What an address part of an address is; nothing if it has no such part.
std::optional<std::string> part_of_address(
    const std::string& local, const std::string& domain, AddressPart part, std::string_view delimiters) {
    switch (part) {
    case AddressPart::all: return domain.empty() ? local : address::quote_local(local) + "@" + domain;
    case AddressPart::localpart: return local;
    case AddressPart::domain: return domain.empty() ? std::nullopt : std::optional(domain);
    default: break;
    }
    std::size_t at = local.find_first_of(delimiters);  // RFC 5233, 4
    if (part == AddressPart::user)
        return local.substr(0, at);
    return at == std::string::npos ? std::nullopt : std::optional(local.substr(at + 1));
}

AddressPart address_part(const Call& call) { return static_cast<AddressPart>(call.number(Slot::address_part)); }

bool is_count(const Call& call) { return static_cast<MatchType>(call.number(Slot::match_type)) == MatchType::count; }

// What is no address has no parts, but as a whole it is compared as it stands.
bool offer_addresses(Machine& machine, const Call& call, Matcher& matcher, HeaderIndex::Field& field) {
    std::size_t mailboxes = 0;
    bool broken = false;
    for (const message::Address& address : HeaderIndex::addresses(field)) {
        if (address.kind != message::Address::Kind::mailbox)
            continue;
        ++mailboxes;
        if (is_count(call)) {  // RFC 5231, 4.2: addresses, whether they have the part or not
            matcher.offer(address.mailbox);
            continue;
        }
        if (address.mailbox.empty() || address.host.empty()) {
            broken = true;
            continue;
        }
        std::optional<std::string> part = part_of_address(
            address.mailbox, address.host, address_part(call), machine.settings().recipient_delimiter);
        if (part && matcher.offer(*part))
            return true;
    }
    if (address_part(call) != AddressPart::all || is_count(call) || (mailboxes > 0 && !broken))
        return false;
    std::string_view whole = HeaderIndex::value(field);
    return !whole.empty() && matcher.offer(whole);
}

// RFC 5703, 4.1 to 4.3: pieces of a structured field.
bool offer_mime(Machine& machine, const Call& call, Matcher& matcher, HeaderIndex::Field& field) {
    const message::ParameterizedValue& parsed = HeaderIndex::parameters(field);
    std::string_view value = text::trim(parsed.value);
    std::size_t slash = value.find('/');
    switch (static_cast<MimeOption>(call.number(Slot::mime_option))) {
    case MimeOption::type: return matcher.offer(value.substr(0, slash));
    case MimeOption::subtype: return matcher.offer(slash == std::string_view::npos ? "" : value.substr(slash + 1));
    case MimeOption::contenttype: return matcher.offer(value);
    default: break;
    }
    for (std::uint32_t id : call.texts(Slot::param_names)) {
        std::string wanted = text::lower(machine.text(id));
        for (const message::Parameter& parameter : parsed.parameters) {
            std::string_view name = parameter.name;
            if (name.ends_with('*'))
                name.remove_suffix(1);
            if (name == wanted && matcher.offer(message::decoded(parameter)))
                return true;
        }
    }
    return false;
}

bool offer_path(Machine& machine, const Call& call, Matcher& matcher, std::string_view written) {
    std::optional<Path> path = parse_path(written);
    if (!path)
        return false;
    if (path->local.empty() || is_count(call))  // RFC 5228, 5.4: the null sender is "" for every part
        return matcher.offer("");
    std::optional<std::string> part = part_of_address(
        path->local, path->domain, address_part(call), machine.settings().recipient_delimiter);
    return part && matcher.offer(*part);
}

}  // namespace

std::vector<std::size_t> parts_of_test(Machine& machine, const Call& call) {
    std::size_t first = call.has(Slot::mime) ? machine.current_part() : 0;
    if (!call.has(Slot::mime) || !call.has(Slot::anychild))
        return {first};
    std::vector<std::size_t> parts;
    std::size_t end = machine.parsed().subtree_end(first);
    machine.charge(end - first);
    for (std::size_t part = first; part < end; ++part)
        parts.push_back(part);
    return parts;
}

std::vector<HeaderIndex::Field*> fields_of_test(Machine& machine, const Call& call, Slot names) {
    std::vector<HeaderIndex::Field*> fields;
    std::vector<HeaderIndex::Field*> named;
    for (std::size_t part : parts_of_test(machine, call)) {
        for (std::uint32_t id : call.texts(names)) {
            machine.charge(1 + machine.header_of(part).size() / 64);
            machine.header_of(part).find(machine.text(id), named);
            fields.insert(fields.end(), named.begin(), named.end());
        }
    }
    const Argument* index = call.find(Slot::index);
    if (index == nullptr)
        return fields;
    if (index->number == 0 || index->number > fields.size())  // RFC 5260, 6
        return {};
    std::size_t at = static_cast<std::size_t>(index->number) - 1;
    return {call.has(Slot::last) ? fields[fields.size() - 1 - at] : fields[at]};
}

bool test_address(Machine& machine, const Call& call) {
    Matcher matcher(machine, call, Slot::arg1);
    for (HeaderIndex::Field* field : fields_of_test(machine, call, Slot::arg0))
        if (offer_addresses(machine, call, matcher, *field))
            return true;
    return matcher.finish();
}

bool test_header(Machine& machine, const Call& call) {
    Matcher matcher(machine, call, Slot::arg1);
    bool structured = call.number(Slot::mime_option) != 0;
    for (HeaderIndex::Field* field : fields_of_test(machine, call, Slot::arg0))
        if (structured ? offer_mime(machine, call, matcher, *field) : matcher.offer(HeaderIndex::value(*field)))
            return true;
    return matcher.finish();
}

bool test_exists(Machine& machine, const Call& call) {
    std::vector<std::size_t> parts = parts_of_test(machine, call);
    for (std::uint32_t id : call.texts(Slot::arg0)) {
        std::string name(machine.text(id));
        machine.charge(parts.size() + machine.header().size() / 64);
        if (!std::ranges::any_of(parts, [&](std::size_t part) { return machine.header_of(part).exists(name); }))
            return false;
    }
    return true;
}

bool test_size(Machine& machine, const Call& call) {
    std::uint64_t limit = call.number(Slot::size_limit);
    std::uint64_t size = machine.size();
    if (machine.tracing())
        machine.trace_detail = fmt::format("{} octets", size);
    return static_cast<SizeMode>(call.number(Slot::size_mode)) == SizeMode::over ? size > limit : size < limit;
}

bool test_envelope(Machine& machine, const Call& call) {
    Matcher matcher(machine, call, Slot::arg1);
    const Envelope& envelope = machine.host().envelope();
    for (std::uint32_t id : call.texts(Slot::arg0)) {
        std::string_view name = machine.text(id);
        if (text::equal_ignoring_case(name, "from")) {
            if (offer_path(machine, call, matcher, envelope.from))
                return true;
        } else if (text::equal_ignoring_case(name, "to")) {
            if (!envelope.to.empty() && offer_path(machine, call, matcher, envelope.to))
                return true;
        } else if (text::equal_ignoring_case(name, "orig_to")) {
            if (!envelope.original_to.empty() && offer_path(machine, call, matcher, envelope.original_to))
                return true;
        } else if (text::equal_ignoring_case(name, "auth")) {
            if (!envelope.auth.empty() && matcher.offer(envelope.auth))
                return true;
        }
    }
    return matcher.finish();
}

}  // namespace sieve
