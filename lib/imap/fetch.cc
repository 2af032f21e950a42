#include "lib/imap/fetch.h"

#include <algorithm>
#include <utility>

#include "lib/imap/format.h"

namespace imap {
namespace {

using Kind = FetchItem::Kind;

enum class Form {
    word,
    body,     // alone the structure, with a section its text
    section,  // always with a section; sets no flag
};

struct Item {
    std::string_view word;
    Kind kind;
    Form form = Form::word;
    bool marks_seen = false;
};
constexpr Item kItems[] = {
    {"FLAGS", Kind::flags},
    {"UID", Kind::uid},
    {"INTERNALDATE", Kind::internal_date},
    {"RFC822.SIZE", Kind::size},
    {"RFC822.HEADER", Kind::rfc822_header},
    {"RFC822.TEXT", Kind::rfc822_text, Form::word, true},
    {"RFC822", Kind::rfc822, Form::word, true},
    {"ENVELOPE", Kind::envelope},
    {"BODYSTRUCTURE", Kind::body_structure},
    {"BODY.PEEK", Kind::section, Form::section},
    {"BODY", Kind::body, Form::body},
};

struct Macro {
    std::string_view word;
    std::string_view items;
};
constexpr Macro kMacros[] = {
    {"ALL", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"},
    {"FAST", "(FLAGS INTERNALDATE RFC822.SIZE)"},
    {"FULL", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)"},
};

const Item& row_of(Kind kind) {
    return *std::find_if(std::begin(kItems), std::end(kItems), [kind](const Item& row) { return row.kind == kind; });
}

std::string upper(std::string text) {
    for (char& c : text) {
        if (c >= 'a' && c <= 'z')
            c = static_cast<char>(c - 32);
    }
    return text;
}

std::vector<std::string> header_list(Cursor& cursor) {
    std::vector<std::string> fields;
    cursor.space();
    cursor.expect('(');
    do {
        fields.push_back(upper(cursor.astring()));
        if (fields.size() > kMaxHeaderFields)
            throw SyntaxError("Too many header fields");
    } while (cursor.eat(' '));
    cursor.expect(')');
    return fields;
}

void section_text(Cursor& cursor, Section& section) {
    if (cursor.eat_word("HEADER.FIELDS.NOT")) {
        section.kind = Section::Kind::header_fields_not;
        section.fields = header_list(cursor);
    } else if (cursor.eat_word("HEADER.FIELDS")) {
        section.kind = Section::Kind::header_fields;
        section.fields = header_list(cursor);
    } else if (cursor.rest().starts_with(']')) {
        throw SyntaxError("Invalid section");
    } else {
        std::string word = upper(std::string(cursor.until("] ")));
        if (word == "HEADER")
            section.kind = Section::Kind::header;
        else if (word == "TEXT")
            section.kind = Section::Kind::text;
        else if (word == "MIME" && !section.path.empty())
            section.kind = Section::Kind::mime;
        else
            throw SyntaxError("Unknown section");
    }
}

Section parse_section(Cursor& cursor) {
    Section section;
    cursor.expect('[');
    if (cursor.eat(']'))
        return section;
    bool more = true;
    while (more && cursor.peek() >= '0' && cursor.peek() <= '9') {
        section.path.push_back(cursor.nonzero_number());
        if (section.path.size() > kMaxSectionPath)
            throw SyntaxError("Section is too deep");
        more = cursor.eat('.');
    }
    if (more)
        section_text(cursor, section);
    cursor.expect(']');
    return section;
}

std::optional<Partial> parse_partial(Cursor& cursor) {
    if (!cursor.eat('<'))
        return std::nullopt;
    Partial partial;
    partial.first = cursor.number64();
    cursor.expect('.');
    partial.count = cursor.nonzero_number64();
    cursor.expect('>');
    return partial;
}

FetchItem item(Kind kind) {
    FetchItem item;
    item.kind = kind;
    return item;
}

FetchItem parse_item(Cursor& cursor, const Extensions& offered) {
    // Longer words stand before those that they begin with.
    for (const Item& row : kItems) {
        if (!cursor.eat_word(row.word))
            continue;
        if (!offered.allows(Place::fetch, row.word))
            break;
        FetchItem found = item(row.kind);
        bool section = row.form == Form::section || (row.form == Form::body && cursor.peek() == '[');
        if (section) {
            found.kind = Kind::section;
            found.peek = row.form == Form::section;
            found.section = parse_section(cursor);
            found.partial = parse_partial(cursor);
        }
        return found;
    }
    throw SyntaxError("Unknown FETCH item");
}

void add(std::vector<FetchItem>& items, FetchItem item) {
    if (std::find(items.begin(), items.end(), item) != items.end())
        return;
    if (items.size() >= kMaxFetchItems)
        throw SyntaxError("Too many FETCH items");
    items.push_back(std::move(item));
}

std::string section_name(const Section& section) {
    std::string name;
    for (std::uint32_t number : section.path) {
        if (!name.empty())
            name += '.';
        name += std::to_string(number);
    }
    if (section.kind == Section::Kind::whole)
        return name;
    if (!name.empty())
        name += '.';
    switch (section.kind) {
    case Section::Kind::header: return name + "HEADER";
    case Section::Kind::text: return name + "TEXT";
    case Section::Kind::mime: return name + "MIME";
    default: break;
    }
    name += section.kind == Section::Kind::header_fields ? "HEADER.FIELDS (" : "HEADER.FIELDS.NOT (";
    for (std::size_t i = 0; i < section.fields.size(); ++i) {
        if (i > 0)
            name += ' ';
        append_astring(name, section.fields[i]);
    }
    return name + ")";
}

}  // namespace

bool FetchItem::marks_seen() const { return kind == Kind::section ? !peek : row_of(kind).marks_seen; }

std::vector<FetchItem> parse_fetch_items(Cursor& cursor, const Extensions& offered) {
    std::vector<FetchItem> items;
    for (const Macro& macro : kMacros) {
        if (!cursor.eat_word(macro.word))
            continue;
        Cursor meaning(macro.items);
        return parse_fetch_items(meaning, offered);
    }
    if (!cursor.eat('(')) {
        add(items, parse_item(cursor, offered));
        return items;
    }
    do {
        add(items, parse_item(cursor, offered));
    } while (cursor.eat(' '));
    cursor.expect(')');
    return items;
}

std::vector<std::string_view> fetch_words() {
    std::vector<std::string_view> words;
    for (const Item& row : kItems)
        words.push_back(row.word);
    for (const Macro& macro : kMacros)
        words.push_back(macro.word);
    return words;
}

std::string format_item_name(const FetchItem& item) {
    if (item.kind != Kind::section)
        return std::string(row_of(item.kind).word);
    std::string name = "BODY[" + section_name(item.section) + "]";
    if (item.partial)
        name += "<" + std::to_string(item.partial->first) + ">";
    return name;
}

}  // namespace imap
