// local/virtual/params.h - the main.cf parameters of virtual(8).
#pragma once

#include "lib/config/common_params.h"

namespace virtual_delivery {

struct Params : config::CommonParams {
    config::Param<std::string> mailbox_base{*this, "virtual_mailbox_base", "",
        "The directory that the mailboxes in virtual_mailbox_maps are below; nothing is ever written elsewhere."};
    config::Param<config::List> uid_maps{
        *this, "virtual_uid_maps", "", "The tables with the user id that owns a recipient's mailbox, such as static:5000."};
    config::Param<config::List> gid_maps{
        *this, "virtual_gid_maps", "", "The tables with the group id of a recipient's mailbox."};
    config::Param<int> minimum_uid{
        *this, "virtual_minimum_uid", 100, {.min = 1}, "The lowest user id that virtual_uid_maps may give."};
};

}  // namespace virtual_delivery
