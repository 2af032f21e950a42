#include "lib/imap/search.h"

#include <utility>

#include "lib/message/date.h"

namespace imap {
namespace {

using Kind = SearchKey::Kind;

class Parser {
  public:
    explicit Parser(Cursor& cursor) : cursor_(cursor) {}

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
            SearchKey set = of(Kind::sequence);
            set.set = parse_sequence_set(cursor_.until(" )"));
            return set;
        }
        return word(depth);
    }

    SearchKey word(std::size_t depth) {
        if (cursor_.eat_word("NOT"))
            return with_children(Kind::not_key, 1, depth);
        if (cursor_.eat_word("OR"))
            return with_children(Kind::or_key, 2, depth);
        SearchKey found;
        if (plain(found) || dated(found) || textual(found))
            return found;
        throw SyntaxError("Unknown search key");
    }

    SearchKey with_children(Kind kind, int children, std::size_t depth) {
        SearchKey parent = of(kind);
        for (int i = 0; i < children; ++i) {
            cursor_.space();
            parent.children.push_back(key(depth + 1));
        }
        return parent;
    }

    bool plain(SearchKey& key) {
        struct Flag {
            std::string_view word, flag;
            bool negated;
        };
        static constexpr Flag kFlags[] = {
            {"ANSWERED", "\\Answered", false},
            {"DELETED", "\\Deleted", false},
            {"FLAGGED", "\\Flagged", false},
            {"SEEN", "\\Seen", false},
            {"DRAFT", "\\Draft", false},
            {"UNANSWERED", "\\Answered", true},
            {"UNDELETED", "\\Deleted", true},
            {"UNFLAGGED", "\\Flagged", true},
            {"UNSEEN", "\\Seen", true},
            {"UNDRAFT", "\\Draft", true},
        };
        for (const Flag& flag : kFlags) {
            if (cursor_.eat_word(flag.word)) {
                key = of(Kind::flag);
                key.name = flag.flag;
                key.negated = flag.negated;
                return true;
            }
        }
        bool negated = cursor_.eat_word("UNKEYWORD");
        if (negated || cursor_.eat_word("KEYWORD")) {
            key = of(Kind::flag);
            key.negated = negated;
            cursor_.space();
            key.name = cursor_.flag();
            return true;
        }
        struct Word {
            std::string_view word;
            Kind kind;
        };
        static constexpr Word kWords[] = {
            {"ALL", Kind::all}, {"RECENT", Kind::recent}, {"NEW", Kind::new_mail}, {"OLD", Kind::old}};
        for (const Word& plain : kWords) {
            if (cursor_.eat_word(plain.word)) {
                key = of(plain.kind);
                return true;
            }
        }
        return sized(key);
    }

    bool sized(SearchKey& key) {
        bool larger = cursor_.eat_word("LARGER");
        if (larger || cursor_.eat_word("SMALLER")) {
            key = of(larger ? Kind::larger : Kind::smaller);
            cursor_.space();
            key.size = cursor_.number();
            return true;
        }
        if (!cursor_.eat_word("UID"))
            return false;
        key = of(Kind::uid);
        cursor_.space();
        key.set = parse_sequence_set(cursor_.until(" )"));
        return true;
    }

    bool dated(SearchKey& key) {
        struct Word {
            std::string_view word;
            Kind kind;
        };
        static constexpr Word kWords[] = {{"BEFORE", Kind::before}, {"ON", Kind::on}, {"SINCE", Kind::since},
            {"SENTBEFORE", Kind::sent_before}, {"SENTON", Kind::sent_on}, {"SENTSINCE", Kind::sent_since}};
        for (const Word& word : kWords) {
            if (!cursor_.eat_word(word.word))
                continue;
            key = of(word.kind);
            cursor_.space();
            std::optional<std::int64_t> day = message::parse_search_day(cursor_.astring());
            if (!day)
                throw SyntaxError("Invalid date");
            key.day = *day;
            return true;
        }
        return false;
    }

    bool textual(SearchKey& key) {
        static constexpr std::string_view kFields[] = {"FROM", "TO", "CC", "BCC", "SUBJECT"};
        for (std::string_view field : kFields) {
            if (cursor_.eat_word(field)) {
                key = of(Kind::header);
                key.name = field;
                cursor_.space();
                key.text = cursor_.astring();
                return true;
            }
        }
        if (cursor_.eat_word("HEADER")) {
            key = of(Kind::header);
            cursor_.space();
            key.name = cursor_.astring();
            cursor_.space();
            key.text = cursor_.astring();
            return true;
        }
        bool body = cursor_.eat_word("BODY");
        if (!body && !cursor_.eat_word("TEXT"))
            return false;
        key = of(body ? Kind::body : Kind::text);
        cursor_.space();
        key.text = cursor_.astring();
        return true;
    }

    static SearchKey of(Kind kind) {
        SearchKey key;
        key.kind = kind;
        return key;
    }

    Cursor& cursor_;
    std::size_t count_ = 0;
};

}  // namespace

Search parse_search(Cursor& cursor) {
    Search search;
    if (cursor.eat_word("CHARSET")) {
        cursor.space();
        search.charset = cursor.astring();
        cursor.space();
    }
    search.key = Parser(cursor).keys(0);
    cursor.end();
    return search;
}

}  // namespace imap
