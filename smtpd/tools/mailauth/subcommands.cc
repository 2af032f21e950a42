// The table of subcommands: one row, one file each.
#include "smtpd/tools/mailauth/envelope.h"
#include "smtpd/tools/mailauth/subcommand.h"

namespace mailauth {

const std::vector<Subcommand>& subcommands() {
    static const std::vector<Subcommand> table = {
        {"spf",
         {{"client", "IP", true}, {"helo", "HELO", true}, {"from", "ADDRESS"}, {"identity", "helo|mailfrom"}, {"receiver", "HOST"}},
         "", 0, 0, run_spf},
    };
    return table;
}

}  // namespace mailauth
