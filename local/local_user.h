// local/local_user.h - a recipient of this host, and where their mail goes.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>

#include "lib/delivery/agent.h"

namespace local {

struct Target {
    uid_t user = 0;
    gid_t group = 0;
    std::string path;  // of the mailbox
};

// Why there is none: bounced for good (user unknown) or deferred.
struct NoTarget {
    delivery::DeliverStatus status;
    std::string dsn;
    std::string text;
};

}  // namespace local
