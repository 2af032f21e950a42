#include "lib/imap/command.h"

#include <algorithm>

#include "lib/imap/literal.h"
#include "lib/message/date.h"

namespace imap {
namespace {

constexpr std::size_t kMaxEnabled = 100;

struct StoreItem {
    std::string_view word;
    bool silent;
};
constexpr StoreItem kStoreItems[] = {{"FLAGS.SILENT", true}, {"FLAGS", false}};

struct StatusRow {
    std::string_view word;
    StatusItem item;
};
constexpr StatusRow kStatusItems[] = {
    {"MESSAGES", StatusItem::messages},
    {"RECENT", StatusItem::recent},
    {"UIDNEXT", StatusItem::uid_next},
    {"UIDVALIDITY", StatusItem::uid_validity},
    {"UNSEEN", StatusItem::unseen},
    {"SIZE", StatusItem::size},
};

std::string upper(std::string text) {
    for (char& c : text) {
        if (c >= 'a' && c <= 'z')
            c = static_cast<char>(c - 32);
    }
    return text;
}

SequenceSet set_argument(Cursor& cursor) {
    SequenceSet set = parse_sequence_set(cursor.until(" "));
    cursor.space();
    return set;
}

}  // namespace

std::expected<Command, BadCommand> split_command(std::string_view text) {
    Command command;
    command.tag = "*";
    try {
        Cursor cursor(text);
        command.tag = cursor.tag();
        cursor.space();
        command.name = upper(cursor.atom());
        if (command.name == "UID") {
            cursor.space();
            command.name += " " + upper(cursor.atom());
        }
        if (!cursor.at_end()) {
            cursor.space();
            command.has_args = true;
            command.args = cursor.rest();
        }
        return command;
    } catch (const SyntaxError& error) {
        return std::unexpected(BadCommand{command.tag, error.what()});
    }
}

std::vector<std::string> parse_flag_list(Cursor& cursor) {
    std::vector<std::string> flags;
    cursor.expect('(');
    if (cursor.eat(')'))
        return flags;
    do {
        flags.push_back(cursor.flag());
        if (flags.size() > kMaxFlags)
            throw SyntaxError("Too many flags");
    } while (cursor.eat(' '));
    cursor.expect(')');
    return flags;
}

StoreArgs parse_store(std::string_view args, const Extensions& offered) {
    Cursor cursor(args);
    StoreArgs store;
    store.set = set_argument(cursor);
    if (cursor.eat('+'))
        store.mode = StoreMode::add;
    else if (cursor.eat('-'))
        store.mode = StoreMode::remove;
    auto row = std::find_if(
        std::begin(kStoreItems), std::end(kStoreItems), [&](const StoreItem& item) { return cursor.eat_word(item.word); });
    if (row == std::end(kStoreItems) || !offered.allows(Place::store, row->word))
        throw SyntaxError("FLAGS is expected");
    store.silent = row->silent;
    cursor.space();
    if (cursor.peek() == '(') {
        store.flags = parse_flag_list(cursor);
    } else {
        do {
            store.flags.push_back(cursor.flag());
            if (store.flags.size() > kMaxFlags)
                throw SyntaxError("Too many flags");
        } while (cursor.eat(' '));
    }
    cursor.end();
    return store;
}

CopyArgs parse_copy(std::string_view args) {
    Cursor cursor(args);
    CopyArgs copy;
    copy.set = set_argument(cursor);
    copy.mailbox = cursor.astring();
    cursor.end();
    return copy;
}

std::optional<AppendArgs> parse_append(std::string_view args) {
    // The literal that the text ends with has no content yet; what is before it must be whole.
    std::size_t open = args.rfind('{');
    if (open == 0)
        return std::nullopt;
    if (open == std::string_view::npos || !announced_literal(args))
        throw SyntaxError("A literal with the message is expected");
    Cursor cursor(args.substr(0, open));
    AppendArgs append;
    append.mailbox = cursor.astring();
    cursor.space();
    if (cursor.peek() == '(') {
        append.flags = parse_flag_list(cursor);
        cursor.space();
    }
    if (cursor.peek() == '"') {
        std::optional<message::Date> date = message::parse_internal_date(cursor.string());
        if (!date)
            throw SyntaxError("Invalid date");
        append.date = date->utc;
        cursor.space();
    }
    cursor.end();
    return append;
}

StatusArgs parse_status(std::string_view args, const Extensions& offered) {
    Cursor cursor(args);
    StatusArgs status;
    status.mailbox = cursor.astring();
    cursor.space();
    cursor.expect('(');
    do {
        std::string word = upper(cursor.atom());
        auto row = std::find_if(
            std::begin(kStatusItems), std::end(kStatusItems), [&](const StatusRow& item) { return item.word == word; });
        if (row == std::end(kStatusItems) || !offered.allows(Place::status, word))
            throw SyntaxError("Unknown STATUS item");
        if (status.items.size() >= kMaxStatusItems)
            throw SyntaxError("Too many STATUS items");
        status.items.push_back(row->item);
    } while (cursor.eat(' '));
    cursor.expect(')');
    cursor.end();
    return status;
}

std::vector<std::string_view> store_words() {
    std::vector<std::string_view> words;
    for (const StoreItem& row : kStoreItems)
        words.push_back(row.word);
    return words;
}

std::vector<std::string_view> status_words() {
    std::vector<std::string_view> words;
    for (const StatusRow& row : kStatusItems)
        words.push_back(row.word);
    return words;
}

std::string_view status_word(StatusItem item) {
    auto row = std::find_if(
        std::begin(kStatusItems), std::end(kStatusItems), [item](const StatusRow& one) { return one.item == item; });
    return row->word;
}

// No parameter is known yet: a list of them is a mistake that is named as such.
SelectArgs parse_select(std::string_view args) {
    Cursor cursor(args);
    SelectArgs select;
    select.mailbox = cursor.astring();
    if (cursor.rest().starts_with(" ("))
        throw SyntaxError("Unknown parameter");
    cursor.end();
    return select;
}

std::vector<std::string> parse_enable(std::string_view args) {
    Cursor cursor(args);
    std::vector<std::string> names;
    do {
        names.push_back(upper(cursor.atom()));
        if (names.size() > kMaxEnabled)
            throw SyntaxError("Too many capabilities");
    } while (cursor.eat(' '));
    cursor.end();
    return names;
}

ListArgs parse_list(std::string_view args) {
    Cursor cursor(args);
    ListArgs list;
    list.reference = cursor.astring();
    cursor.space();
    list.pattern = cursor.list_mailbox();
    cursor.end();
    return list;
}

std::vector<std::string> parse_astrings(std::string_view args, std::size_t count) {
    Cursor cursor(args);
    std::vector<std::string> values;
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0)
            cursor.space();
        values.push_back(cursor.astring());
    }
    cursor.end();
    return values;
}

AuthenticateArgs parse_authenticate(std::string_view args) {
    Cursor cursor(args);
    AuthenticateArgs authenticate;
    authenticate.mechanism = upper(cursor.atom());
    if (!cursor.at_end()) {
        cursor.space();
        authenticate.initial_response = std::string(cursor.until(" "));
        if (authenticate.initial_response->empty())
            throw SyntaxError("Empty initial response");
    }
    cursor.end();
    return authenticate;
}

std::vector<std::pair<std::string, std::optional<std::string>>> parse_id(std::string_view args) {
    std::vector<std::pair<std::string, std::optional<std::string>>> fields;
    Cursor cursor(args);
    if (!cursor.eat_word("NIL")) {
        cursor.expect('(');
        while (!cursor.eat(')')) {
            if (!fields.empty())
                cursor.space();
            std::string name = cursor.string();
            cursor.space();
            fields.emplace_back(std::move(name), cursor.nstring());
            if (fields.size() > 30)  // RFC 2971, 3.3
                throw SyntaxError("Too many ID fields");
        }
    }
    cursor.end();
    return fields;
}

}  // namespace imap
