// lib/imap/search.h - the keys of SEARCH, as a tree.
//
// Standards   RFC 3501, 6.4.4 and 9 (search-key)
// Failure     parse_search() throws SyntaxError; nesting and number of keys are bounded.
// Trust       comes from strangers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/imap/cursor.h"
#include "lib/imap/sequence_set.h"

namespace imap {

inline constexpr std::size_t kMaxSearchDepth = 50;
inline constexpr std::size_t kMaxSearchKeys = 2000;

struct SearchKey {
    enum class Kind {
        all,
        flag,
        recent,
        new_mail,
        old,
        larger,
        smaller,
        before,
        on,
        since,
        sent_before,
        sent_on,
        sent_since,
        header,
        body,
        text,
        sequence,
        uid,
        not_key,
        or_key,
        and_keys,
    };

    Kind kind = Kind::all;
    bool negated = false;  // for flag: UNSEEN, UNKEYWORD
    std::string name;      // header field, or flag as FLAGS shows it
    std::string text;      // what to look for, in the search's charset
    std::uint32_t size = 0;
    std::int64_t day = 0;  // days since 1970
    SequenceSet set;
    std::vector<SearchKey> children;
};

struct Search {
    std::string charset;  // empty means US-ASCII
    SearchKey key;        // and_keys over what was given
};

Search parse_search(Cursor& cursor);

}  // namespace imap
