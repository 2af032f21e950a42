// lib/store/maildir/keywords.h - dovecot-keywords: what the letters a-z in a mailbox's file names mean.
//
//     0 Work
//     1 $Forwarded
//
// The place of a name in the list is its letter; an empty one is a letter that nobody has named.
//
// Trust       the file belongs to the user; lines that make no sense are passed over.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/store/flags.h"

namespace store {

inline constexpr const char* kKeywordsFile = "dovecot-keywords";

std::vector<std::string> parse_keywords(std::string_view text);
std::string format_keywords(const std::vector<std::string>& keywords);

// The bits of these names, without regard to case; new ones are added to `keywords`. Nothing, and nothing added, if there is
// no room or a name is too long.
std::optional<Flags> adopt_keywords(std::vector<std::string>& keywords, const std::vector<std::string>& wanted);

// The bits whose letter means something else in `now` than it did in `before`.
Flags renamed_keywords(const std::vector<std::string>& before, const std::vector<std::string>& now);

}  // namespace store
