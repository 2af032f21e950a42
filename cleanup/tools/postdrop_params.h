// cleanup/tools/postdrop_params.h - the main.cf parameters of postdrop(1).
#pragma once

#include "lib/config/common_params.h"

namespace tools {

struct PostdropParams : config::CommonParams {
    config::Param<config::List> authorized_submit_users{
        *this, "authorized_submit_users", "static:anyone", "The users who may send mail with sendmail, by login name."};
};

}  // namespace tools
