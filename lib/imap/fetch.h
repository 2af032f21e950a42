// lib/imap/fetch.h - the data items of FETCH.
//
// An item is a row of kItems in fetch.cc; which of them are legal, lib/imap/extension.h says.
//
// Standards   RFC 3501, 6.4.5 and 9 (fetch-att, section); RFC 9051, 9 (partial)
// Failure     parse_fetch_items() throws SyntaxError.
// Trust       comes from strangers; items, path lengths and field lists are bounded here, and the same
//             item asked for twice is answered once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/imap/cursor.h"
#include "lib/imap/extension.h"

namespace imap {

inline constexpr std::size_t kMaxFetchItems = 100;
inline constexpr std::size_t kMaxSectionPath = 100;
inline constexpr std::size_t kMaxHeaderFields = 1000;

struct Section {
    enum class Kind { whole, header, header_fields, header_fields_not, text, mime };

    std::vector<std::uint32_t> path;
    Kind kind = Kind::whole;
    std::vector<std::string> fields;  // upper case
    bool operator==(const Section&) const = default;
};

struct Partial {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    bool operator==(const Partial&) const = default;
};

struct FetchItem {
    enum class Kind {
        flags,
        uid,
        internal_date,
        size,
        envelope,
        body,
        body_structure,
        section,
        rfc822,
        rfc822_header,
        rfc822_text,
    };

    Kind kind = Kind::flags;
    bool peek = false;
    Section section;
    std::optional<Partial> partial;
    bool operator==(const FetchItem&) const = default;

    // True if the item sets \Seen.
    bool marks_seen() const;
};

// One item, a macro, or a list in parentheses; of the words that `offered` allows.
std::vector<FetchItem> parse_fetch_items(Cursor& cursor, const Extensions& offered);

// Every word that the grammar can read.
std::vector<std::string_view> fetch_words();

// The item's name in the response: `BODY[1.HEADER.FIELDS (FROM)]<0>`.
std::string format_item_name(const FetchItem& item);

}  // namespace imap
