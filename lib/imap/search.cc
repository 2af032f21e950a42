#include "lib/imap/search.h"

#include <utility>

#include "lib/message/date.h"

namespace imap {
namespace {

using Kind = SearchKey::Kind;

enum class Argument { none, keyword, size, set, date, text, field_and_text, key, two_keys };

struct Key {
    std::string_view word;
    Kind kind;
    Argument argument = Argument::none;
    std::string_view name = "";  // a flag, or a header field
    bool negated = false;
};
constexpr Key kKeys[] = {
    {"ALL", Kind::all},
    {"ANSWERED", Kind::flag, Argument::none, "\\Answered"},
    {"BCC", Kind::header, Argument::text, "BCC"},
    {"BEFORE", Kind::before, Argument::date},
    {"BODY", Kind::body, Argument::text},
    {"CC", Kind::header, Argument::text, "CC"},
    {"DELETED", Kind::flag, Argument::none, "\\Deleted"},
    {"DRAFT", Kind::flag, Argument::none, "\\Draft"},
    {"FLAGGED", Kind::flag, Argument::none, "\\Flagged"},
    {"FROM", Kind::header, Argument::text, "FROM"},
    {"HEADER", Kind::header, Argument::field_and_text},
    {"KEYWORD", Kind::flag, Argument::keyword},
    {"LARGER", Kind::larger, Argument::size},
    {"NEW", Kind::new_mail},
    {"NOT", Kind::not_key, Argument::key},
    {"OLD", Kind::old},
    {"ON", Kind::on, Argument::date},
    {"OR", Kind::or_key, Argument::two_keys},
    {"RECENT", Kind::recent},
    {"SEEN", Kind::flag, Argument::none, "\\Seen"},
    {"SENTBEFORE", Kind::sent_before, Argument::date},
    {"SENTON", Kind::sent_on, Argument::date},
    {"SENTSINCE", Kind::sent_since, Argument::date},
    {"SINCE", Kind::since, Argument::date},
    {"SMALLER", Kind::smaller, Argument::size},
    {"SUBJECT", Kind::header, Argument::text, "SUBJECT"},
    {"TEXT", Kind::text, Argument::text},
    {"TO", Kind::header, Argument::text, "TO"},
    {"UID", Kind::uid, Argument::set},
    {"UNANSWERED", Kind::flag, Argument::none, "\\Answered", true},
    {"UNDELETED", Kind::flag, Argument::none, "\\Deleted", true},
    {"UNDRAFT", Kind::flag, Argument::none, "\\Draft", true},
    {"UNFLAGGED", Kind::flag, Argument::none, "\\Flagged", true},
    {"UNKEYWORD", Kind::flag, Argument::keyword, "", true},
    {"UNSEEN", Kind::flag, Argument::none, "\\Seen", true},
};

class Parser {
  public:
    Parser(Cursor& cursor, const Extensions& offered) : cursor_(cursor), offered_(offered) {}

    SearchKey keys(std::size_t depth) {
        SearchKey all;
        all.kind = Kind::and_keys;
        do {
            all.children.push_back(key(depth));
        } while (cursor_.eat(' '));
        return all;
    }

  private:
    SearchKey key(std::size_t depth) {
        if (depth > kMaxSearchDepth)
            throw SyntaxError("Search keys are nested too deeply");
        if (++count_ > kMaxSearchKeys)
            throw SyntaxError("Too many search keys");
        if (cursor_.eat('(')) {
            SearchKey group = keys(depth + 1);
            cursor_.expect(')');
            return group;
        }
        if (cursor_.peek() == '*' || (cursor_.peek() >= '0' && cursor_.peek() <= '9')) {
            SearchKey set;
            set.kind = Kind::sequence;
            set.set = parse_sequence_set(cursor_.until(" )"));
            return set;
        }
        for (const Key& row : kKeys) {
            if (!cursor_.eat_word(row.word))
                continue;
            if (!offered_.allows(Place::search, row.word))
                break;
            return with_argument(row, depth);
        }
        throw SyntaxError("Unknown search key");
    }

    SearchKey with_argument(const Key& row, std::size_t depth) {
        SearchKey key;
        key.kind = row.kind;
        key.name = row.name;
        key.negated = row.negated;
        if (row.argument != Argument::none)
            cursor_.space();
        switch (row.argument) {
        case Argument::none: break;
        case Argument::keyword: key.name = cursor_.flag(); break;
        case Argument::size: key.size = cursor_.number64(); break;
        case Argument::set: key.set = parse_sequence_set(cursor_.until(" )")); break;
        case Argument::date: key.day = date(); break;
        case Argument::text: key.text = cursor_.astring(); break;
        case Argument::field_and_text:
            key.name = cursor_.astring();
            cursor_.space();
            key.text = cursor_.astring();
            break;
        case Argument::key: key.children.push_back(this->key(depth + 1)); break;
        case Argument::two_keys:
            key.children.push_back(this->key(depth + 1));
            cursor_.space();
            key.children.push_back(this->key(depth + 1));
            break;
        }
        return key;
    }

    std::int64_t date() {
        std::optional<std::int64_t> day = message::parse_search_day(cursor_.astring());
        if (!day)
            throw SyntaxError("Invalid date");
        return *day;
    }

    Cursor& cursor_;
    const Extensions& offered_;
    std::size_t count_ = 0;
};

}  // namespace

Search parse_search(Cursor& cursor, const Extensions& offered) {
    Search search;
    if (cursor.eat_word("CHARSET")) {
        cursor.space();
        search.charset = cursor.astring();
        cursor.space();
    }
    search.key = Parser(cursor, offered).keys(0);
    cursor.end();
    return search;
}

std::vector<std::string_view> search_words() {
    std::vector<std::string_view> words;
    for (const Key& row : kKeys)
        words.push_back(row.word);
    return words;
}

}  // namespace imap
