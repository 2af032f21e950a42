#include "lib/sieve/language.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "lib/sieve/script.h"

namespace sieve {
namespace {

using Role = Definition::Role;
using Optional = Definition::Optional;
using Tags = std::vector<TagDefinition>;

// Groups of tags that exclude each other.
enum Group : int { kMatch = 1, kComparator, kPart, kOwn };  // a tag with a group above kOwn stands alone

template <typename Enum>
constexpr std::uint64_t of(Enum value) {
    return static_cast<std::uint64_t>(value);
}

Tags operator+(Tags a, const Tags& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

const Tags kMatching = {
    {"is", "", kMatch, Slot::match_type, of(MatchType::is)},
    {"contains", "", kMatch, Slot::match_type, of(MatchType::contains)},
    {"matches", "", kMatch, Slot::match_type, of(MatchType::matches)},
    {"value", "relational", kMatch, Slot::match_type, of(MatchType::value), 'r', Slot::relation},
    {"count", "relational", kMatch, Slot::match_type, of(MatchType::count), 'r', Slot::relation},
    {"regex", "regex", kMatch, Slot::match_type, of(MatchType::regex)},
    {"list", "extlists", kMatch, Slot::match_type, of(MatchType::list)},
    {"comparator", "", kComparator, Slot::comparator, 0, 'c', Slot::comparator},
};

const Tags kAddressParts = {
    {"all", "", kPart, Slot::address_part, of(AddressPart::all)},
    {"localpart", "", kPart, Slot::address_part, of(AddressPart::localpart)},
    {"domain", "", kPart, Slot::address_part, of(AddressPart::domain)},
    {"user", "subaddress", kPart, Slot::address_part, of(AddressPart::user)},
    {"detail", "subaddress", kPart, Slot::address_part, of(AddressPart::detail)},
};

const Tags kIndex = {
    {"index", "index", kOwn + 1, Slot::index, 1, 'n', Slot::index},
    {"last", "index", kOwn + 2, Slot::last},
};

const Tags kMime = {
    {"mime", "mime", kOwn + 3, Slot::mime},
    {"anychild", "mime", kOwn + 4, Slot::anychild},
};

const Tags kMimeOptions = {
    {"type", "mime", kOwn + 5, Slot::mime_option, of(MimeOption::type)},
    {"subtype", "mime", kOwn + 5, Slot::mime_option, of(MimeOption::subtype)},
    {"contenttype", "mime", kOwn + 5, Slot::mime_option, of(MimeOption::contenttype)},
    {"param", "mime", kOwn + 5, Slot::mime_option, of(MimeOption::param), 'l', Slot::param_names},
};

const Tags kZone = {
    {"zone", "", kOwn + 6, Slot::zone, 1, 's', Slot::zone},
};
const Tags kOriginalZone = {
    {"originalzone", "", kOwn + 6, Slot::original_zone},
};

const Tags kStoring = {
    {"flags", "imap4flags", kOwn + 7, Slot::flags, 1, 'l', Slot::flags},
};
const Tags kMailboxTags = {
    {"create", "mailbox", kOwn + 8, Slot::create},
    {"specialuse", "special-use", kOwn + 9, Slot::special_use, 1, 's', Slot::special_use},
    {"mailboxid", "mailboxid", kOwn + 10, Slot::mailbox_id, 1, 's', Slot::mailbox_id},
};
const Tags kCopy = {
    {"copy", "copy", kOwn + 11, Slot::copy},
};
const Tags kFileCopy = {
    {"fcc", "fcc", kOwn + 12, Slot::fcc, 1, 's', Slot::fcc},
};

const Tags kModifiers = {
    {"lower", "", 40, Slot::modifiers, kLower},
    {"upper", "", 40, Slot::modifiers, kUpper},
    {"lowerfirst", "", 30 + 100, Slot::modifiers, kLowerFirst},
    {"upperfirst", "", 30 + 100, Slot::modifiers, kUpperFirst},
    {"quotewildcard", "", 20 + 100, Slot::modifiers, kQuoteWildcard},
    {"quoteregex", "regex", 20 + 100, Slot::modifiers, kQuoteRegex},
    {"encodeurl", "enotify", 15 + 100, Slot::modifiers, kEncodeUrl},
    {"length", "", 10 + 100, Slot::modifiers, kLength},
};

const Tags kVacation = {
    {"days", "", kOwn + 20, Slot::days, 1, 'n', Slot::days},
    {"seconds", "vacation-seconds", kOwn + 20, Slot::seconds, 1, 'n', Slot::seconds},
    {"subject", "", kOwn + 21, Slot::subject, 1, 's', Slot::subject},
    {"from", "", kOwn + 22, Slot::from, 1, 's', Slot::from},
    {"addresses", "", kOwn + 23, Slot::addresses, 1, 'l', Slot::addresses},
    {"mime", "", kOwn + 24, Slot::mime_reason},
    {"handle", "", kOwn + 25, Slot::handle, 1, 's', Slot::handle},
};

const Tags kNotify = {
    {"from", "", kOwn + 22, Slot::from, 1, 's', Slot::from},
    {"importance", "", kOwn + 26, Slot::importance, 1, 's', Slot::importance},
    {"options", "", kOwn + 27, Slot::options, 1, 'l', Slot::options},
    {"message", "", kOwn + 28, Slot::message, 1, 's', Slot::message},
};

const Tags kDuplicate = {
    {"handle", "", kOwn + 25, Slot::handle, 1, 's', Slot::handle},
    {"header", "", kOwn + 29, Slot::unique_header, 1, 's', Slot::unique_header},
    {"uniqueid", "", kOwn + 29, Slot::unique_id, 1, 's', Slot::unique_id},
    {"seconds", "", kOwn + 30, Slot::seconds, 1, 'n', Slot::seconds},
    {"last", "", kOwn + 31, Slot::last},
};

const Tags kBody = {
    {"raw", "", kOwn + 32, Slot::transform, of(BodyTransform::raw)},
    {"text", "", kOwn + 32, Slot::transform, of(BodyTransform::text)},
    {"content", "", kOwn + 32, Slot::transform, of(BodyTransform::content), 'l', Slot::content_types},
};

const Tags kSize = {
    {"over", "", kOwn + 33, Slot::size_mode, of(SizeMode::over), 'n', Slot::size_limit},
    {"under", "", kOwn + 33, Slot::size_mode, of(SizeMode::under), 'n', Slot::size_limit},
};

const Tags kInclude = {
    {"personal", "", kOwn + 34, Slot::location, 0},
    {"global", "", kOwn + 34, Slot::location, 1},
    {"once", "", kOwn + 35, Slot::once},
    {"optional", "", kOwn + 36, Slot::optional},
};

const Tags kLoopName = {{"name", "", kOwn + 37, Slot::name, 1, 's', Slot::name}};
const Tags kPercent = {{"percent", "spamtestplus", kOwn + 38, Slot::percent}};
const Tags kFirst = {{"first", "", kOwn + 39, Slot::first, 1, 'n', Slot::first}};
const Tags kLast = {{"last", "", kOwn + 2, Slot::last}};
const Tags kRedirectList = {{"list", "extlists", kOwn + 40, Slot::list}};
const Tags kHeadersOnly = {{"headers_only", "", kOwn + 41, Slot::headers_only}};
const Tags kEditIndex = {
    {"index", "", kOwn + 1, Slot::index, 1, 'n', Slot::index},
    {"last", "", kOwn + 2, Slot::last},
};

std::vector<Definition> make_definitions() {
    using K = CallKind;
    using N = std::vector<std::string_view>;
    const N keys = {"header names", "keys"};
    const N flags = {"variable", "flags"};
    return {
        // controls
        {"require", Role::require, "", "l", {"capabilities"}, Optional::none, 0, false, {}, {}},
        {"if", Role::if_, "", "", {}, Optional::none, 1, true, {}, {}},
        {"elsif", Role::elsif, "", "", {}, Optional::none, 1, true, {}, {}},
        {"else", Role::else_, "", "", {}, Optional::none, 0, true, {}, {}},
        {"stop", Role::stop, "", "", {}, Optional::none, 0, false, {}, {}},
        {"include", Role::include, "include", "s", {"script"}, Optional::none, 0, false, {}, kInclude},
        {"return", Role::return_, "include", "", {}, Optional::none, 0, false, {}, {}},
        {"global", Role::global, "include", "l", {"variables"}, Optional::none, 0, false, {}, {}},
        {"foreverypart", Role::foreverypart, "foreverypart", "", {}, Optional::none, 0, true, {}, kLoopName},
        {"break", Role::break_, "foreverypart", "", {}, Optional::none, 0, false, {}, kLoopName},
        // tests of tests
        {"allof", Role::allof, "", "", {}, Optional::none, 2, false, {}, {}},
        {"anyof", Role::anyof, "", "", {}, Optional::none, 2, false, {}, {}},
        {"not", Role::not_, "", "", {}, Optional::none, 1, false, {}, {}},
        {"true", Role::true_, "", "", {}, Optional::none, 0, false, {}, {}},
        {"false", Role::false_, "", "", {}, Optional::none, 0, false, {}, {}},
        // tests
        {"address", Role::test, "", "ll", keys, Optional::none, 0, false, K::address,
            kMatching + kAddressParts + kIndex + kMime},
        {"header", Role::test, "", "ll", keys, Optional::none, 0, false, K::header,
            kMatching + kIndex + kMime + kMimeOptions},
        {"exists", Role::test, "", "l", {"header names"}, Optional::none, 0, false, K::exists, kMime},
        {"size", Role::test, "", "", {}, Optional::none, 0, false, K::size, kSize},
        {"envelope", Role::test, "envelope", "ll", {"envelope parts", "keys"}, Optional::none, 0, false, K::envelope,
            kMatching + kAddressParts},
        {"body", Role::test, "body", "l", {"keys"}, Optional::none, 0, false, K::body, kMatching + kBody},
        {"date", Role::test, "date", "ssl", {"header name", "date part", "keys"}, Optional::none, 0, false, K::date,
            kMatching + kZone + kOriginalZone + kIndex},
        {"currentdate", Role::test, "date", "sl", {"date part", "keys"}, Optional::none, 0, false, K::currentdate,
            kMatching + kZone},
        {"hasflag", Role::test, "imap4flags", "ll", flags, Optional::first, 0, false, K::hasflag, kMatching},
        {"string", Role::test, "variables", "ll", {"source", "keys"}, Optional::none, 0, false, K::string, kMatching},
        {"mailboxexists", Role::test, "mailbox", "l", {"mailboxes"}, Optional::none, 0, false, K::mailboxexists, {}},
        {"mailboxidexists", Role::test, "mailboxid", "l", {"mailbox ids"}, Optional::none, 0, false, K::mailboxidexists, {}},
        {"specialuse_exists", Role::test, "special-use", "sl", {"mailbox", "special-use flags"}, Optional::first, 0, false,
            K::specialuse_exists, {}},
        {"metadata", Role::test, "mboxmetadata", "ssl", {"mailbox", "annotation", "keys"}, Optional::none, 0, false,
            K::metadata, kMatching},
        {"metadataexists", Role::test, "mboxmetadata", "sl", {"mailbox", "annotations"}, Optional::none, 0, false,
            K::metadataexists, {}},
        {"servermetadata", Role::test, "servermetadata", "sl", {"annotation", "keys"}, Optional::none, 0, false,
            K::servermetadata, kMatching},
        {"servermetadataexists", Role::test, "servermetadata", "l", {"annotations"}, Optional::none, 0, false,
            K::servermetadataexists, {}},
        {"environment", Role::test, "environment", "sl", {"item", "keys"}, Optional::none, 0, false, K::environment,
            kMatching},
        {"duplicate", Role::test, "duplicate", "", {}, Optional::none, 0, false, K::duplicate, kDuplicate},
        {"valid_ext_list", Role::test, "extlists", "l", {"lists"}, Optional::none, 0, false, K::valid_ext_list, {}},
        {"ihave", Role::test, "ihave", "l", {"capabilities"}, Optional::none, 0, false, K::ihave, {}},
        {"notify_method_capability", Role::test, "enotify", "ssl", {"method", "capability", "keys"}, Optional::none, 0,
            false, K::notify_method_capability, kMatching},
        {"valid_notify_method", Role::test, "enotify", "l", {"methods"}, Optional::none, 0, false, K::valid_notify_method,
            {}},
        {"spamtest", Role::test, "spamtest", "s", {"value"}, Optional::none, 0, false, K::spamtest, kMatching + kPercent},
        {"virustest", Role::test, "virustest", "s", {"value"}, Optional::none, 0, false, K::virustest, kMatching},
        // actions
        {"keep", Role::action, "", "", {}, Optional::none, 0, false, K::keep, kStoring},
        {"fileinto", Role::action, "fileinto", "s", {"mailbox"}, Optional::none, 0, false, K::fileinto,
            kStoring + kMailboxTags + kCopy},
        {"redirect", Role::action, "", "s", {"address"}, Optional::none, 0, false, K::redirect, kCopy + kRedirectList},
        {"discard", Role::action, "", "", {}, Optional::none, 0, false, K::discard, {}},
        {"reject", Role::action, "reject", "s", {"reason"}, Optional::none, 0, false, K::reject, {}},
        {"ereject", Role::action, "ereject", "s", {"reason"}, Optional::none, 0, false, K::ereject, {}},
        {"vacation", Role::action, "vacation", "s", {"reason"}, Optional::none, 0, false, K::vacation,
            kVacation + kFileCopy + kStoring + kMailboxTags},
        {"notify", Role::action, "enotify", "s", {"method"}, Optional::none, 0, false, K::notify,
            kNotify + kFileCopy + kStoring + kMailboxTags},
        {"set", Role::action, "variables", "ss", {"variable", "value"}, Optional::none, 0, false, K::set, kModifiers},
        {"setflag", Role::action, "imap4flags", "sl", flags, Optional::first, 0, false, K::setflag, {}},
        {"addflag", Role::action, "imap4flags", "sl", flags, Optional::first, 0, false, K::addflag, {}},
        {"removeflag", Role::action, "imap4flags", "sl", flags, Optional::first, 0, false, K::removeflag, {}},
        {"addheader", Role::action, "editheader", "ss", {"field name", "value"}, Optional::none, 0, false, K::addheader,
            kLast},
        {"deleteheader", Role::action, "editheader", "sl", {"field name", "value patterns"}, Optional::last, 0, false,
            K::deleteheader, kMatching + kEditIndex},
        {"extracttext", Role::action, "extracttext", "s", {"variable"}, Optional::none, 0, false, K::extracttext,
            kModifiers + kFirst},
        {"error", Role::action, "ihave", "s", {"text"}, Optional::none, 0, false, K::error, {}},
        {"report", Role::action, "vnd.dovecot.report", "sss", {"feedback type", "text", "address"}, Optional::none, 0, false,
            K::report, kHeadersOnly},
    };
}

const std::vector<Definition>& definitions() {
    static const std::vector<Definition> table = make_definitions();
    return table;
}

constexpr auto kCapabilities = std::to_array<std::string_view>({
    "body",
    "comparator-i;ascii-casemap",
    "comparator-i;ascii-numeric",
    "comparator-i;octet",
    "comparator-i;unicode-casemap",
    "copy",
    "date",
    "duplicate",
    "editheader",
    "encoded-character",
    "enotify",
    "envelope",
    "environment",
    "ereject",
    "extlists",
    "extracttext",
    "fcc",
    "fileinto",
    "foreverypart",
    "ihave",
    "imap4flags",
    "imapsieve",
    "include",
    "index",
    "mailbox",
    "mailboxid",
    "mboxmetadata",
    "mime",
    "regex",
    "reject",
    "relational",
    "servermetadata",
    "spamtest",
    "spamtestplus",
    "special-use",
    "subaddress",
    "vacation",
    "vacation-seconds",
    "variables",
    "virustest",
    "vnd.dovecot.environment",
    "vnd.dovecot.report",
});

constexpr auto kComparators = std::to_array<std::string_view>(
    {"i;octet", "i;ascii-casemap", "i;ascii-numeric", "i;unicode-casemap"});
constexpr auto kRelations = std::to_array<std::string_view>({"gt", "ge", "lt", "le", "eq", "ne"});
constexpr auto kMatchTypes = std::to_array<std::string_view>(
    {":is", ":contains", ":matches", ":value", ":count", ":regex", ":list"});
constexpr auto kParts = std::to_array<std::string_view>({":all", ":localpart", ":domain", ":user", ":detail"});

}  // namespace

const Definition* find_definition(std::string_view name) {
    static const std::unordered_map<std::string_view, const Definition*> index = [] {
        std::unordered_map<std::string_view, const Definition*> map;
        for (const Definition& definition : definitions())
            map.emplace(definition.name, &definition);
        return map;
    }();
    auto found = index.find(name);
    return found == index.end() ? nullptr : found->second;
}

bool is_capability(std::string_view name) { return std::ranges::binary_search(kCapabilities, name); }

std::span<const std::string_view> implied_capabilities(std::string_view name) {
    static constexpr std::array<std::string_view, 1> kVacationToo = {"vacation"};  // RFC 6131, 2
    static constexpr std::array<std::string_view, 1> kSpamtestToo = {"spamtest"};  // RFC 5235, 2.1
    static constexpr std::array<std::string_view, 1> kEnvironmentToo = {"environment"};
    if (name == "vacation-seconds")
        return kVacationToo;
    if (name == "spamtestplus")
        return kSpamtestToo;
    if (name == "imapsieve" || name == "vnd.dovecot.environment")
        return kEnvironmentToo;
    return {};
}

std::vector<std::string_view> capabilities() { return {kCapabilities.begin(), kCapabilities.end()}; }
std::vector<std::string_view> notify_methods() { return {"mailto"}; }

std::string_view comparator_name(Comparator comparator) { return kComparators.at(static_cast<std::size_t>(comparator)); }
std::string_view relation_name(Relation relation) { return kRelations.at(static_cast<std::size_t>(relation)); }
std::string_view match_type_name(MatchType type) { return kMatchTypes.at(static_cast<std::size_t>(type)); }
std::string_view address_part_name(AddressPart part) { return kParts.at(static_cast<std::size_t>(part)); }

std::string_view call_name(CallKind kind) {
    for (const Definition& definition : definitions())
        if (definition.kind == kind && (definition.role == Role::test || definition.role == Role::action))
            return definition.name;
    return "foreign";
}

}  // namespace sieve
