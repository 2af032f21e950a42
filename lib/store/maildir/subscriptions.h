// lib/store/maildir/subscriptions.h - the file `subscriptions`, as Dovecot has it.
//
//     V	2
//
//     Lists	cxx
//
// Levels are divided by tabs; in the first form of the file, without that head, by the separator.
//
// Trust       the file belongs to the user. Names that are not in modified UTF-7 are put into it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace store {

inline constexpr const char* kSubscriptionsFile = "subscriptions";

// Sorted, each once.
std::vector<std::string> parse_subscriptions(std::string_view text, char separator);
std::string format_subscriptions(std::vector<std::string> names, char separator);

}  // namespace store
