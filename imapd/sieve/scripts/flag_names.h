// imapd/sieve/scripts/flag_names.h - flags as scripts write them, and as the store takes them.
#pragma once

#include <string>
#include <vector>

#include "lib/store/flags.h"

namespace scripts {

struct FlagSet {
    store::Flags flags = 0;
    std::vector<std::string> keywords;
};

// System flags that there are none of are left out.
FlagSet flag_set(const std::vector<std::string>& names);

// `keywords` are those of the mailbox.
std::vector<std::string> flag_names(store::Flags flags, const std::vector<std::string>& keywords);

// Those of `some` that are not in `others`, whatever the case of their letters.
std::vector<std::string> flags_without(const std::vector<std::string>& some, const std::vector<std::string>& others);

}  // namespace scripts
