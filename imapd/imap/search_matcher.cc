#include "imapd/imap/search_matcher.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "lib/imap/cursor.h"
#include "lib/message/address_list.h"
#include "lib/message/charset.h"
#include "lib/message/date.h"
#include "lib/message/encoded_word.h"
#include "lib/message/header.h"
#include "lib/message/transfer.h"

namespace imapd {
namespace {

using Kind = imap::SearchKey::Kind;
using imap::SearchKey;

// Thrown inside this file, and given back as a Result.
struct Unreadable {
    store::Failure failure;
};

template <class T>
T value_or_throw(store::Result<T> result) {
    if (!result)
        throw Unreadable{result.error()};
    return std::move(*result);
}

bool is_address_field(std::string_view name) {
    for (std::string_view known : {"from", "to", "cc", "bcc", "sender", "reply-to"}) {
        if (message::equal_ignoring_case(name, known))
            return true;
    }
    return false;
}

// Addresses as people write them, whatever comments and blanks the header has.
std::string readable_addresses(std::string_view body) {
    std::string text;
    for (const message::Address& address : message::parse_address_list(body)) {
        if (!text.empty())
            text += ", ";
        if (address.kind != message::Address::Kind::mailbox) {
            text += address.mailbox;
            continue;
        }
        if (address.name)
            text += message::decode_header(*address.name) + " ";
        text += "<" + address.mailbox + "@" + address.host + ">";
    }
    return text;
}

bool contains_folded(std::string_view text, std::string_view wanted) {
    // memmem() is linear in the worst case, std::string::find() is not.
    std::string folded = message::fold_for_search(text);
    return memmem(folded.data(), folded.size(), wanted.data(), wanted.size()) != nullptr;
}

std::string part_text(std::string_view text, const message::Part& part) {
    std::string_view body = text.substr(part.body.raw, std::min<std::uint64_t>(part.end.raw - part.body.raw, kMaxPartText));
    std::string decoded = message::decode_transfer(body, part.encoding);
    std::string charset;
    for (const message::Parameter& parameter : part.parameters) {
        if (parameter.name == "charset")
            charset = parameter.value;
    }
    return message::to_utf8(decoded, charset).value_or(decoded);
}

// Text is searched; pictures and the like are not.
bool is_searched(const message::Part& part) {
    return part.kind == message::Part::Kind::leaf && (part.type == "text" || part.type == "message");
}

}  // namespace

struct SearchMatcher::Known {
    std::uint32_t number = 0;
    store::Message message;
    std::optional<store::Content> header;
    Session::Opened* opened = nullptr;
};

std::optional<SearchMatcher> SearchMatcher::make(Session& session, imap::Search search) {
    if (!search.charset.empty() && !message::is_known_charset(search.charset))
        return std::nullopt;
    SearchMatcher matcher(session, std::move(search.key));
    matcher.prepare(matcher.key_, search.charset);
    return matcher;
}

SearchMatcher::SearchMatcher(Session& session, SearchKey key) : session_(session), key_(std::move(key)) {}

void SearchMatcher::prepare(SearchKey& key, const std::string& charset) {
    if (!key.text.empty())
        key.text = message::fold_for_search(message::to_utf8(key.text, charset).value_or(key.text));
    if (key.kind == Kind::sequence || key.kind == Kind::uid) {
        const std::vector<store::Message>& list = session_.selected().list();
        std::uint32_t largest = key.kind == Kind::sequence ? static_cast<std::uint32_t>(list.size())
                                : list.empty()             ? 0
                                                           : list.back().uid;
        key.resolved = resolved_.size();
        resolved_.push_back(key.set.resolve(largest));
    }
    for (SearchKey& child : key.children)
        prepare(child, charset);
    if (key.kind == Kind::and_keys) {
        auto is_costly = [](const SearchKey& child) {
            return child.kind == Kind::header || child.kind == Kind::body || child.kind == Kind::text;
        };
        std::stable_partition(
            key.children.begin(), key.children.end(), [&](const SearchKey& child) { return !is_costly(child); });
    }
}

store::Result<bool> SearchMatcher::matches(std::uint32_t number) {
    Known known;
    known.number = number;
    known.message = session_.selected().list()[number - 1];
    try {
        return test(key_, known);
    } catch (const Unreadable& trouble) {
        if (trouble.failure.kind == store::Failure::Kind::not_found)
            return false;
        return std::unexpected(trouble.failure);
    }
}

// Recursion is as deep as the parser allows, kMaxSearchDepth.
bool SearchMatcher::test(const SearchKey& key, Known& known) {
    struct Test {
        Kind kind;
        bool (SearchMatcher::*test)(const SearchKey&, Known&);
    };
    static constexpr Test kTests[] = {
        {Kind::all, &SearchMatcher::test_all},
        {Kind::flag, &SearchMatcher::test_flag},
        {Kind::recent, &SearchMatcher::test_recent},
        {Kind::new_mail, &SearchMatcher::test_recent},
        {Kind::old, &SearchMatcher::test_recent},
        {Kind::larger, &SearchMatcher::test_size},
        {Kind::smaller, &SearchMatcher::test_size},
        {Kind::sequence, &SearchMatcher::test_set},
        {Kind::uid, &SearchMatcher::test_set},
        {Kind::not_key, &SearchMatcher::test_group},
        {Kind::or_key, &SearchMatcher::test_group},
        {Kind::and_keys, &SearchMatcher::test_group},
        {Kind::header, &SearchMatcher::test_header},
        {Kind::body, &SearchMatcher::test_text},
        {Kind::text, &SearchMatcher::test_text},
        {Kind::before, &SearchMatcher::test_date},
        {Kind::on, &SearchMatcher::test_date},
        {Kind::since, &SearchMatcher::test_date},
        {Kind::sent_before, &SearchMatcher::test_date},
        {Kind::sent_on, &SearchMatcher::test_date},
        {Kind::sent_since, &SearchMatcher::test_date},
    };
    for (const Test& row : kTests) {
        if (row.kind == key.kind)
            return (this->*row.test)(key, known);
    }
    return false;
}

bool SearchMatcher::test_all(const SearchKey&, Known&) { return true; }

bool SearchMatcher::test_recent(const SearchKey& key, Known& known) {
    bool recent = session_.selected().is_recent(known.message.uid);
    if (key.kind == Kind::new_mail)
        return recent && !(known.message.flags & store::kSeen);
    return recent == (key.kind == Kind::recent);
}

bool SearchMatcher::test_size(const SearchKey& key, Known& known) {
    std::uint64_t size = value_or_throw(session_.selected().mailbox().virtual_size(known.message.uid));
    return key.kind == Kind::larger ? size > key.size : size < key.size;
}

bool SearchMatcher::test_set(const SearchKey& key, Known& known) {
    return imap::contains(resolved_[key.resolved], key.kind == Kind::uid ? known.message.uid : known.number);
}

bool SearchMatcher::test_group(const SearchKey& key, Known& known) {
    auto matches = [&](const SearchKey& child) { return test(child, known); };
    if (key.kind == Kind::not_key)
        return !matches(key.children[0]);
    if (key.kind == Kind::or_key)
        return std::any_of(key.children.begin(), key.children.end(), matches);
    return std::all_of(key.children.begin(), key.children.end(), matches);
}

bool SearchMatcher::test_flag(const SearchKey& key, Known& known) {
    store::Flags bit = store::system_flag(key.name).value_or(0);
    const std::vector<std::string>& keywords = session_.selected().mailbox().keywords();
    for (std::size_t i = 0; i < keywords.size(); ++i) {
        if (!key.name.starts_with('\\') && message::equal_ignoring_case(keywords[i], key.name))
            bit = store::keyword_bit(i);
    }
    return ((known.message.flags & bit) != 0) != key.negated;
}

bool SearchMatcher::test_date(const SearchKey& key, Known& known) {
    store::Mailbox& mailbox = session_.selected().mailbox();
    std::int64_t day = 0;
    bool sent = key.kind == Kind::sent_before || key.kind == Kind::sent_on || key.kind == Kind::sent_since;
    std::optional<message::Date> date;
    if (sent) {
        std::string envelope(value_or_throw(mailbox.answer(known.message.uid, store::Answer::envelope)));
        imap::Cursor cursor(envelope);
        cursor.expect('(');
        if (std::optional<std::string> text = cursor.nstring())
            date = message::parse_date(*text);
        if (date)
            day = date->local_day();
    }
    if (!date)
        day = message::local_day(value_or_throw(mailbox.internal_date(known.message.uid)));
    switch (key.kind) {
    case Kind::before:
    case Kind::sent_before: return day < key.day;
    case Kind::on:
    case Kind::sent_on: return day == key.day;
    default: return day >= key.day;
    }
}

std::string_view SearchMatcher::header(Known& known) {
    if (!known.header)
        known.header = value_or_throw(session_.selected().mailbox().header(known.message.uid));
    std::string_view text = known.header->text();
    return text.substr(0, message::header_length(text));
}

// The subject is in the envelope, which the store keeps ready.
bool SearchMatcher::test_subject(const SearchKey& key, Known& known) {
    std::string_view envelope = value_or_throw(
        session_.selected().mailbox().answer(known.message.uid, store::Answer::envelope));
    imap::Cursor cursor(envelope);
    cursor.expect('(');
    cursor.nstring();
    cursor.space();
    std::optional<std::string> subject = cursor.nstring();
    return subject && contains_folded(message::decode_header(*subject), key.text);
}

bool SearchMatcher::test_header(const SearchKey& key, Known& known) {
    if (message::equal_ignoring_case(key.name, "subject"))
        return test_subject(key, known);
    bool addresses = is_address_field(key.name);
    message::HeaderReader reader(header(known));
    while (std::optional<message::HeaderField> field = reader.next()) {
        if (!message::equal_ignoring_case(field->name, key.name))
            continue;
        if (key.text.empty() || contains_folded(message::decode_header(field->body), key.text))
            return true;
        if (addresses && contains_folded(readable_addresses(message::unfold(field->body)), key.text))
            return true;
    }
    return false;
}

bool SearchMatcher::test_text(const SearchKey& key, Known& known) {
    if (key.text.empty())
        return true;
    if (!known.opened)
        known.opened = value_or_throw(session_.open_message(known.message.uid));
    std::string_view text = known.opened->content.text();
    const message::Structure& structure = session_.structure_of(*known.opened);
    for (const message::Part& part : structure.parts) {
        // The message's own header is TEXT only; headers of parts are part of the body.
        bool own = &part == &structure.root();
        std::string_view header = text.substr(part.header.raw, part.body.raw - part.header.raw);
        if (!own || key.kind == Kind::text) {
            message::HeaderReader reader(header);
            while (std::optional<message::HeaderField> field = reader.next()) {
                std::string line = std::string(field->name) + ": " + message::decode_header(field->body);
                if (contains_folded(line, key.text))
                    return true;
            }
        }
        if (is_searched(part) && contains_folded(part_text(text, part), key.text))
            return true;
    }
    return false;
}

}  // namespace imapd
