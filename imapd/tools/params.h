// imapd/tools/params.h - the main.cf parameters of mailadm(8). Those of auth, which it reads too, are auth's.
#pragma once

#include "imapd/auth/params.h"

namespace mailadm {

struct Params : auth::Params {
    config::Param<std::string> mailbox_map{*this, "mailadm_mailbox_map", "",
        "A table in text form that gets a line for every user, with its indexed form beside it; meant for "
        "virtual_mailbox_maps. Empty for none."};
    config::Param<int> first_uid{*this, "mailadm_first_uid", 70001, {.min = 1000},
        "Where the search for a free uid begins, for users who need a uid of their own."};
};

}  // namespace mailadm
