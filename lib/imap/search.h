// lib/imap/search.h - the keys of SEARCH, as a tree.
//
// A key is a row of kKeys in search.cc; which of them are legal, lib/imap/extension.h says.
//
// Standards   RFC 3501, 6.4.4 and 9 (search-key); RFC 9051, 9 (sizes)
// Failure     parse_search() throws SyntaxError; nesting and number of keys are bounded.
// Trust       comes from strangers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/imap/cursor.h"
#include "lib/imap/extension.h"
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
    std::uint64_t size = 0;
    std::int64_t day = 0;  // days since 1970
    SequenceSet set;
    std::size_t resolved = 0;  // for whoever matches: where the set is once "*" is known
    std::vector<SearchKey> children;
};

struct Search {
    std::string charset;  // empty means US-ASCII
    SearchKey key;        // and_keys over what was given
};

// Of the words that `offered` allows.
Search parse_search(Cursor& cursor, const Extensions& offered);

// Every word that the grammar can read.
std::vector<std::string_view> search_words();

}  // namespace imap
