// master/jails.h - the root folders of the programs that talk to strangers: jail/NAME below queue_directory.
//
// Each holds what its program may use and no more: the sockets that the table of lib/worker/peers.h lets it ask, as second
// names (hard links) of those in private/ and public/; those in private/ that are no service of ours, which other software
// put there for it (Dovecot's lmtp); and copies of the files that libc needs to look names up. Everything belongs to root,
// and only the program's own group may enter.
//
// Failure     what one jail lacks is a warning: its program then says which socket it cannot reach.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "lib/config/master_cf.h"
#include "master/params.h"

namespace master {

// Makes what is missing, and takes away what does not belong there; as root, in queue_directory.
std::expected<void, std::string> prepare_jails(const Params& params, const std::vector<config::Service>& rows);

// Puts sockets in their place that other software has made, or made anew, since.
void refresh_jails(const std::vector<config::Service>& rows);

}  // namespace master
