// imapd/tools/sieve_admin.h - mailadm sieve: a user's scripts, why a message went where it went, and what a new script would
// do.
//
// Rights      whoever runs it becomes the user before the first file of the user is touched; so it can do what the user
// could. Failure     a message on the standard error and an exit status of sysexits.h.
#pragma once

#include <string>
#include <vector>

#include "imapd/auth/passwd_file.h"
#include "lib/config/main_cf.h"

namespace mailadm {

// `words` are the subcommand and what stands behind it; the user is looked up already.
int run_sieve_command(config::MainCf& cf, const auth::UserEntry& user, const std::vector<std::string>& words);

// list, get, put, activate, deactivate, delete, why, replay: for the usage.
extern const char* const kSieveUsage;

}  // namespace mailadm
