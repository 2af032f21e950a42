// master/spool.h - the folders below queue_directory and data_directory, with the owners and modes they need.
//
//     public/    entered by mail_owner and, through set-gid commands, by setgid_group
//     private/   root's; entered by mail_owner alone
//     maildrop/  written by setgid_group
//     the rest   mail_owner's
//
// Run as root this also mends what is wrong; otherwise everything belongs to the one user there is.
#pragma once

#include <expected>
#include <string>

#include "master/params.h"

namespace master {

std::expected<void, std::string> prepare_spool(const Params& params);

}  // namespace master
