#include "imapd/imap/flag_arguments.h"

#include "lib/imap/cursor.h"

namespace imapd {

FlagArguments flag_arguments(const std::vector<std::string>& names) {
    FlagArguments result;
    for (const std::string& name : names) {
        if (!name.starts_with('\\')) {
            result.keywords.push_back(name);
            continue;
        }
        std::optional<store::Flags> flag = store::system_flag(name);
        if (!flag)
            throw imap::SyntaxError("Invalid system flag");
        result.flags |= *flag;
    }
    return result;
}

}  // namespace imapd
