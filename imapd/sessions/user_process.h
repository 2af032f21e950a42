// imapd/sessions/user_process.h - what a forked process does before it touches a user's mail: it becomes that user, for
// good.
//
// Rights      root before, the user's uid and gid alone after, with no way back; in an instance that was not started by root
//             nothing changes. Descriptors of the parent are closed, programs cannot be started, no new privileges.
// Failure     fatal: a process that is not the user must not go on.
#pragma once

#include <sys/types.h>

#include <initializer_list>

#include "lib/userdb/auth_master.h"
#include "lib/worker/sandbox.h"

namespace sessions {

// In the child, first thing after fork(); `parent` is the pid of who forked. It ends if the parent is gone.
void begin_user_process(
    pid_t parent, std::initializer_list<int> keep, const userdb::User& user, const worker::SeccompFilter& filter);

}  // namespace sessions
