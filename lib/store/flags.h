// lib/store/flags.h - a message's flags and keywords in one word.
//
// Maildir has letters for six system flags and 26 keywords; `dovecot-keywords` in the mailbox says what
// its letters a-z mean there. The bits here have that order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace store {

using Flags = std::uint32_t;

inline constexpr Flags kSeen = 1, kAnswered = 2, kFlagged = 4, kDeleted = 8, kDraft = 16;
inline constexpr Flags kPassed = 32;  // Maildir's P; kept, not shown
inline constexpr Flags kSystemFlags = kSeen | kAnswered | kFlagged | kDeleted | kDraft;
inline constexpr std::size_t kMaxKeywords = 26;
inline constexpr std::size_t kMaxKeywordLength = 100;

constexpr Flags keyword_bit(std::size_t index) { return Flags{64} << index; }

// The bit of "\Seen" and its like, without regard to case.
std::optional<Flags> system_flag(std::string_view name);

// "\Answered \Seen work": what FLAGS shows, without parentheses.
std::string format_flags(Flags flags, const std::vector<std::string>& keywords);

}  // namespace store
