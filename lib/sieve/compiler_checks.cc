// What only a certain command or test knows about its arguments. Constants are checked here; what depends on variables is
// checked again when the script runs.
#include <algorithm>

#include <fmt/format.h>

#include "lib/sieve/checks.h"
#include "lib/sieve/compiler.h"
#include "lib/sieve/notify.h"
#include "lib/sieve/regex.h"
#include "lib/text/text.h"

namespace sieve {

using ast::Node;
using Kind = ast::Argument::Kind;

// The checks of one call: each says what is wrong and gives false.
class ArgumentChecks {
  public:
    ArgumentChecks(UnitCompiler& unit, const Node& node, Call& call) : unit_(unit), node_(node), call_(call) {}

    bool run(const Definition& definition);

  private:
    void error(std::string_view token, std::string text) { unit_.error(node_.place, token, std::move(text)); }
    void warning(std::string_view token, std::string text) { unit_.warning(node_.place, token, std::move(text)); }
    bool has(Slot slot) const { return call_.has(slot); }

    // Calls check(text) for each constant of the slot; false as soon as one check fails.
    template <typename Check>
    bool each(Slot slot, Check check) {
        for (std::uint32_t id : call_.texts(slot))
            if (const std::string* text = unit_.code().constant(id); text != nullptr && !check(*text))
                return false;
        return true;
    }
    bool match(Slot keys);
    bool index();
    bool mime();
    bool header_names(Slot slot, bool addresses);
    bool envelope_parts();
    bool date(Slot part);
    bool flags_variable();
    bool mailbox(Slot slot);
    bool storing(bool copy_only);
    bool special_use(Slot slot);
    bool address(Slot slot, std::string_view what);
    bool vacation();
    bool notify();
    bool add_header();
    bool delete_header();
    bool annotations(Slot slot);
    bool field_name();

    UnitCompiler& unit_;
    const Node& node_;
    Call& call_;
};

bool ArgumentChecks::match(Slot keys) {
    auto type = static_cast<MatchType>(call_.number(Slot::match_type));
    auto comparator = static_cast<Comparator>(
        call_.number(Slot::comparator, static_cast<std::uint64_t>(Comparator::ascii_casemap)));
    bool numeric = comparator == Comparator::ascii_numeric;
    if (numeric && (type == MatchType::contains || type == MatchType::matches || type == MatchType::regex)) {
        error(match_type_name(type), "the comparator i;ascii-numeric only tells equal and order (RFC 4790, 9.1)");
        return false;
    }
    if (type == MatchType::list && has(Slot::comparator)) {
        error(":comparator", "with :list the list itself says what is in it; there can be no comparator (RFC 6134, 2.2)");
        return false;
    }
    if (type != MatchType::regex)
        return true;
    bool good = true;
    each(keys, [&](const std::string& pattern) {
        auto regex = Regex::compile(pattern, comparator != Comparator::octet);
        if (!regex)
            error(pattern, fmt::format("this is no regular expression: {}", regex.error()));
        good &= regex.has_value();
        return true;
    });
    return good;
}

bool ArgumentChecks::index() {
    if (has(Slot::last) && !has(Slot::index)) {
        error(":last", "the :last tag cannot be specified without the :index tag");
        return false;
    }
    if (has(Slot::index) && call_.number(Slot::index) == 0) {
        error(":index", "an index counts from 1");
        return false;
    }
    return true;
}

bool ArgumentChecks::mime() {
    bool options = has(Slot::anychild) || has(Slot::mime_option);
    if (options && !has(Slot::mime)) {
        error(node_.name, "these tags go together with :mime only (RFC 5703, 4)");
        return false;
    }
    return true;
}

bool ArgumentChecks::header_names(Slot slot, bool addresses) {
    return each(slot, [&](const std::string& name) {
        if (!is_header_name(name)) {
            warning(name, "no field has this name: it holds a colon, blanks or other characters");
            return true;
        }
        if (addresses && !is_address_header(text::lower(name))) {
            error(name, "this field is not known to hold addresses (RFC 5228, 5.1); use the header test");
            return false;
        }
        return true;
    });
}

bool ArgumentChecks::envelope_parts() {
    return each(Slot::arg0, [&](const std::string& part) {
        std::string name = text::lower(part);
        bool known = name == "from" || name == "to" || name == "orig_to" || name == "auth";
        if (!known)
            error(part, "the envelope has no such part; there are from, to, orig_to and auth");
        return known;
    });
}

bool ArgumentChecks::date(Slot part) {
    each(part, [&](const std::string& name) {
        if (!is_date_part(name))
            warning(name, "a date has no such part (RFC 5260, 4.2)");
        return true;
    });
    return each(Slot::zone, [&](const std::string& zone) {
        bool good = parse_zone(zone).has_value();
        if (!good)
            error(zone, "a time zone is an offset like \"+0100\"");
        return good;
    });
}

bool ArgumentChecks::mailbox(Slot slot) {
    return each(slot, [&](const std::string& name) {
        bool good = is_mailbox_name(name);
        if (!good)
            error(name, "this is no mailbox name: it is empty, not UTF-8 or holds control characters");
        return good;
    });
}

bool ArgumentChecks::special_use(Slot slot) {
    return each(slot, [&](const std::string& flag) {
        bool good = is_special_use_flag(flag);
        if (!good)
            error(flag, "a special-use flag is a name behind a backslash, like \"\\\\Sent\" (RFC 6154)");
        return good;
    });
}

// Tags that say how a mailbox is found belong to fileinto, or to :fcc.
bool ArgumentChecks::storing(bool copy_only) {
    bool tags = has(Slot::flags) || has(Slot::create) || has(Slot::special_use) || has(Slot::mailbox_id);
    if (copy_only && tags && !has(Slot::fcc)) {
        error(node_.name, "tags for a mailbox go together with :fcc only (RFC 8580, 3)");
        return false;
    }
    if (has(Slot::special_use) && has(Slot::mailbox_id)) {
        error(":mailboxid", "a mailbox is found by :specialuse or by :mailboxid, not by both (RFC 9042, 4.2)");
        return false;
    }
    return special_use(Slot::special_use) && mailbox(Slot::fcc);
}

bool ArgumentChecks::address(Slot slot, std::string_view what) {
    return each(slot, [&](const std::string& text) {
        bool good = parse_script_address(text).has_value();
        if (!good)
            error(text, fmt::format("{} is no mail address", what));
        return good;
    });
}

bool ArgumentChecks::vacation() {
    constexpr std::uint64_t kMost = 100ULL * 366 * 86400;
    if (const Argument* days = call_.find(Slot::days))
        call_.arguments.push_back(
            {Slot::seconds, std::min(std::min<std::uint64_t>(days->number, 36600) * 86400, kMost), {}, {}});
    std::erase_if(call_.arguments, [](const Argument& argument) { return argument.slot == Slot::days; });
    for (Argument& argument : call_.arguments)
        if (argument.slot == Slot::seconds)
            argument.number = std::min(argument.number, kMost);
    return address(Slot::from, ":from") && address(Slot::addresses, ":addresses") && storing(true);
}

bool ArgumentChecks::notify() {
    if (unit_.settings().limits.notifications == 0) {
        error(node_.name, "local policy prohibits the use of a notify action");
        return false;
    }
    bool good = each(Slot::arg0, [&](const std::string& uri) {
        auto parsed = parse_mailto(uri);
        if (!parsed)
            error(uri, parsed.error());
        return parsed.has_value();
    });
    good = good && each(Slot::options, [&](const std::string& option) {
        bool legal = is_notify_option(option);
        if (!legal)
            error(option, "an option of notify has the form name=value (RFC 5435, 3.4)");
        return legal;
    });
    good = good && each(Slot::importance, [&](const std::string& importance) {
        bool legal = importance == "1" || importance == "2" || importance == "3";
        if (!legal)
            error(importance, "importance is \"1\", \"2\" or \"3\" (RFC 5435, 3.5)");
        return legal;
    });
    return good && address(Slot::from, ":from") && storing(true);
}

bool ArgumentChecks::field_name() {
    return each(Slot::arg0, [&](const std::string& name) {
        bool good = is_header_name(name);
        if (!good)
            error(name, fmt::format("the field name \"{}\" is invalid: it holds a colon, blanks or other characters", name));
        return good;
    });
}

bool ArgumentChecks::add_header() {
    if (!field_name())
        return false;
    std::size_t name_octets = 0;
    each(Slot::arg0, [&](const std::string& name) { return name_octets = name.size(), true; });
    return each(Slot::arg1, [&](const std::string& value) {
        if (!is_field_value(value)) {
            error(value, fmt::format("the value \"{}\" is invalid: it is not UTF-8 or holds a NUL", text::printable(value)));
            return false;
        }
        std::size_t octets = name_octets + value.size() + 2;
        bool fits = octets <= unit_.settings().header_octets;
        if (!fits)
            error(node_.name,
                fmt::format("the field would have {} octets; {} is the most", octets, unit_.settings().header_octets));
        return fits;
    });
}

bool ArgumentChecks::delete_header() {
    if (!index() || !field_name() || !match(Slot::arg1))
        return false;
    auto type = static_cast<MatchType>(call_.number(Slot::match_type));
    if (type == MatchType::count) {
        error(":count", "deleteheader cannot count fields (RFC 5293, 5)");
        return false;
    }
    return true;
}

bool ArgumentChecks::annotations(Slot slot) {
    return each(slot, [&](const std::string& name) {
        if (!is_annotation_name(name))
            warning(name, "an annotation's name begins with /private/ or /shared/ (RFC 5464, 4)");
        return true;
    });
}

bool ArgumentChecks::run(const Definition& definition) {
    if (definition.role != Definition::Role::test && definition.role != Definition::Role::action)
        return true;
    switch (call_.kind) {
    case CallKind::address: return match(Slot::arg1) && index() && mime() && header_names(Slot::arg0, true);
    case CallKind::header: return match(Slot::arg1) && index() && mime() && header_names(Slot::arg0, false);
    case CallKind::exists: return mime() && header_names(Slot::arg0, false);
    case CallKind::size:
        if (!has(Slot::size_mode))
            error(node_.name, "the test size needs :over or :under with a number");
        return has(Slot::size_mode);
    case CallKind::envelope: return match(Slot::arg1) && envelope_parts();
    case CallKind::body: return match(Slot::arg0);
    case CallKind::date: return match(Slot::arg2) && index() && header_names(Slot::arg0, false) && date(Slot::arg1);
    case CallKind::currentdate: return match(Slot::arg1) && date(Slot::arg0);
    case CallKind::hasflag:
    case CallKind::string:
    case CallKind::environment: return match(Slot::arg1);
    case CallKind::metadata: return match(Slot::arg2) && annotations(Slot::arg1);
    case CallKind::metadataexists: return annotations(Slot::arg1);
    case CallKind::servermetadata: return match(Slot::arg1) && annotations(Slot::arg0);
    case CallKind::servermetadataexists: return annotations(Slot::arg0);
    case CallKind::notify_method_capability: return match(Slot::arg2);
    case CallKind::spamtest:
    case CallKind::virustest: return match(Slot::arg0);
    case CallKind::mailboxexists:
        return each(Slot::arg0, [&](const std::string& name) {
            if (!is_mailbox_name(name))
                warning(name, "no mailbox has this name: it is empty, not UTF-8 or holds control characters");
            return true;
        });
    case CallKind::specialuse_exists:
        each(Slot::arg0, [&](const std::string& name) {
            if (!is_mailbox_name(name))
                warning(name, "no mailbox has this name: it is empty, not UTF-8 or holds control characters");
            return true;
        });
        return special_use(Slot::arg1);
    case CallKind::fileinto: return mailbox(Slot::arg0) && storing(false);
    case CallKind::redirect: return has(Slot::list) || address(Slot::arg0, "this");
    case CallKind::vacation: return vacation();
    case CallKind::notify: return notify();
    case CallKind::report:
        return each(Slot::arg0, [&](const std::string& type) {
            bool good = is_token(type);
            if (!good)
                error(type, "this is no type of feedback (RFC 5965, 3.1)");
            return good;
        }) && address(Slot::arg2, "this");
    case CallKind::addheader: return add_header();
    case CallKind::deleteheader: return delete_header();
    case CallKind::foreign_test: return match(Slot::content_types);
    default: return true;
    }
}

bool UnitCompiler::check_call(const Node& node, const Definition& definition, Call& call) {
    if (definition.kind == CallKind::extracttext && definition.role == Definition::Role::action && loops_.empty()) {
        error(node.place, node.name, "extracttext stands inside the block of a foreverypart (RFC 5703, 7)");
        return false;
    }
    return ArgumentChecks(*this, node, call).run(definition);
}

}  // namespace sieve
