// The table of subcommands: one row, one file each.
#include "smtpd/tools/mailauth/subcommand.h"

namespace mailauth {

const std::vector<Subcommand>& subcommands() {
    static const std::vector<Subcommand> table = {
    };
    return table;
}

}  // namespace mailauth
