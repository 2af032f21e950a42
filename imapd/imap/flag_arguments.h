// imapd/imap/flag_arguments.h - flags as a client writes them, as the store takes them.
#pragma once

#include <string>
#include <vector>

#include "lib/store/flags.h"

namespace imapd {

struct FlagArguments {
    store::Flags flags = 0;
    std::vector<std::string> keywords;
};

// Throws imap::SyntaxError for a system flag that does not exist or cannot be set.
FlagArguments flag_arguments(const std::vector<std::string>& names);

}  // namespace imapd
