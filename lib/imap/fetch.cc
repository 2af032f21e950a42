#include "lib/imap/fetch.h"

#include <algorithm>
#include <utility>

#include "lib/imap/format.h"

namespace imap {
namespace {

using Kind = FetchItem::Kind;

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
    partial.first = cursor.number();
    cursor.expect('.');
    partial.count = cursor.nonzero_number();
    cursor.expect('>');
    return partial;
}

FetchItem item(Kind kind) {
    FetchItem item;
    item.kind = kind;
    return item;
}

FetchItem parse_item(Cursor& cursor) {
    struct Name {
        std::string_view name;
        Kind kind;
    };
    static constexpr Name kNames[] = {
        {"FLAGS", Kind::flags},
        {"UID", Kind::uid},
        {"INTERNALDATE", Kind::internal_date},
        {"RFC822.SIZE", Kind::size},
        {"RFC822.HEADER", Kind::rfc822_header},
        {"RFC822.TEXT", Kind::rfc822_text},
        {"RFC822", Kind::rfc822},
        {"ENVELOPE", Kind::envelope},
        {"BODYSTRUCTURE", Kind::body_structure},
    };
    for (const Name& name : kNames) {
        if (cursor.eat_word(name.name))
            return item(name.kind);
    }
    bool peek = cursor.eat_word("BODY.PEEK");
    if (!peek && !cursor.eat_word("BODY"))
        throw SyntaxError("Unknown FETCH item");
    if (!peek && cursor.peek() != '[')
        return item(Kind::body);
    FetchItem section = item(Kind::section);
    section.peek = peek;
    section.section = parse_section(cursor);
    section.partial = parse_partial(cursor);
    return section;
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

bool FetchItem::marks_seen() const {
    return (kind == Kind::section && !peek) || kind == Kind::rfc822 || kind == Kind::rfc822_text;
}

std::vector<FetchItem> parse_fetch_items(Cursor& cursor) {
    std::vector<FetchItem> items;
    if (cursor.eat_word("ALL"))
        return {item(Kind::flags), item(Kind::internal_date), item(Kind::size), item(Kind::envelope)};
    if (cursor.eat_word("FAST"))
        return {item(Kind::flags), item(Kind::internal_date), item(Kind::size)};
    if (cursor.eat_word("FULL"))
        return {item(Kind::flags), item(Kind::internal_date), item(Kind::size), item(Kind::envelope), item(Kind::body)};
    if (!cursor.eat('(')) {
        add(items, parse_item(cursor));
        return items;
    }
    do {
        add(items, parse_item(cursor));
    } while (cursor.eat(' '));
    cursor.expect(')');
    return items;
}

std::string format_item_name(const FetchItem& item) {
    switch (item.kind) {
    case Kind::flags: return "FLAGS";
    case Kind::uid: return "UID";
    case Kind::internal_date: return "INTERNALDATE";
    case Kind::size: return "RFC822.SIZE";
    case Kind::envelope: return "ENVELOPE";
    case Kind::body: return "BODY";
    case Kind::body_structure: return "BODYSTRUCTURE";
    case Kind::rfc822: return "RFC822";
    case Kind::rfc822_header: return "RFC822.HEADER";
    case Kind::rfc822_text: return "RFC822.TEXT";
    case Kind::section: break;
    }
    std::string name = "BODY[" + section_name(item.section) + "]";
    if (item.partial)
        name += "<" + std::to_string(item.partial->first) + ">";
    return name;
}

}  // namespace imap
